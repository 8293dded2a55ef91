import { DeleteServiceCommand, UpdateServiceCommand } from '@aws-sdk/client-ecs';
import { DeleteRuleCommand, ModifyRuleCommand, RemoveTagsCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { everything } from '../../api/store/scope.ts';
import { askWorkspaces, deleteWorkspace } from '../../api/store/workspaces.ts';
import { addStudent, addWorkspace } from '../support/class-rows.ts';
import type { World } from './world.ts';

/** Who plays in one run: ids of rows. */
export interface Cast {
  readonly workspaces: readonly string[];
  readonly students: readonly string[];
}

/** Something that people ask for, or that a hand does to AWS; the same each time. */
export interface Scenario {
  readonly name: string;
  readonly kinds?: readonly ('workspace' | 'student')[];
  /** Brings the world to where the scenario begins; faults come later. */
  prepare(world: World): Promise<Cast>;
  act(world: World, cast: Cast): Promise<void>;
  /** A hand changes AWS: what the oracles of every instant say of that moment is not the controller's. */
  readonly drift?: true;
}

const ask = async (world: World, ids: readonly string[], what: 'start' | 'stop' | 'restart') => {
  await askWorkspaces(world.pool, everything, { ids: [...ids] }, what, null);
};

async function workspaces(world: World, count: number, running: boolean): Promise<Cast> {
  const rows = [];
  for (let made = 0; made < count; made += 1) rows.push(await addWorkspace(world.pool, { running, restarts: 0 }));
  return { workspaces: rows.map(({ id }) => id), students: [] };
}

const nobody: Cast = { workspaces: [], students: [] };
const running = (world: World) => workspaces(world, 1, true);
const stopped = (world: World) => workspaces(world, 1, false);
const each = (cast: Cast, act: (id: string) => Promise<unknown>) => Promise.all(cast.workspaces.map(act));

/** Casts that `act` makes itself are written here, for the run to wait for. */
const made = new WeakMap<World, Cast>();
export const castOf = (world: World, prepared: Cast): Cast => made.get(world) ?? prepared;
export const forgetCast = (world: World) => made.delete(world);

/** Names of what one workspace has, and the target group of another. */
interface Things {
  readonly service: string;
  readonly rule: string;
  readonly group: string;
  readonly foreignGroup: string;
}

function thingsOf({ truth }: World, id: string): Things {
  const isOf = (arn: string) => truth.tags.get(arn)?.tags['armada:id'] === id;
  const isActive = truth.services
    .all()
    .find(
      ({ tags, status }) => status === 'ACTIVE' && tags.some(({ key, value }) => key === 'armada:id' && value === id),
    );
  const groups = truth.targetGroups.all().filter(({ name }) => name.startsWith('a-'));
  return {
    service: isActive?.name ?? '',
    rule: truth.rules.all().find(({ arn }) => isOf(arn))?.arn ?? '',
    group: groups.find(({ arn }) => isOf(arn))?.arn ?? '',
    foreignGroup: groups.find(({ arn }) => !isOf(arn))?.arn ?? '',
  };
}

/** A drift: something of one of two running workspaces is changed behind the controller's back. */
function drift(name: string, hand: (world: World, things: Things) => Promise<void>): Scenario {
  return {
    name: `drift: ${name}`,
    drift: true,
    prepare: world => workspaces(world, 2, true),
    async act(world, { workspaces: [id = ''] }) {
      await hand(world, thingsOf(world, id));
      // Nobody is told of it: it is for a resync to find.
      await world.life.resync();
    },
  };
}

/** Scenarios of promises §3; `purge` is not among them, for nothing purges homes yet. */
export const scenarios: readonly Scenario[] = [
  {
    name: 'create',
    prepare: async () => nobody,
    act: async world => void made.set(world, await stopped(world)),
  },
  { name: 'start', prepare: stopped, act: (world, cast) => ask(world, cast.workspaces, 'start') },
  { name: 'stop', prepare: running, act: (world, cast) => ask(world, cast.workspaces, 'stop') },
  {
    name: 'delete',
    prepare: running,
    act: async (world, cast) => void (await each(cast, id => deleteWorkspace(world.pool, id, null))),
  },
  { name: 'restart', prepare: running, act: (world, cast) => ask(world, cast.workspaces, 'restart') },
  {
    name: 'new image',
    prepare: running,
    async act(world, cast) {
      await each(cast, id =>
        world.pool.query(
          `update courses set spec = spec || '{"image": "armada/other:2"}' where id = (select course_id from workspaces where id = $1)`,
          [id],
        ),
      );
      await ask(world, cast.workspaces, 'restart');
    },
  },
  {
    name: 'delete while creating',
    prepare: async () => nobody,
    async act(world) {
      const cast = await running(world);
      made.set(world, cast);
      await until(() => world.calls.some(({ operation }) => operation === 'CreateTargetGroup'));
      await each(cast, id => deleteWorkspace(world.pool, id, null));
    },
  },
  {
    name: 'flip',
    prepare: stopped,
    async act(world, cast) {
      for (let flips = 0; flips < 9; flips += 1) {
        await ask(world, cast.workspaces, flips % 2 === 0 ? 'start' : 'stop');
        await until(() => true, 8);
      }
    },
  },
  {
    name: 'rename',
    prepare: running,
    async act(world, cast) {
      await each(cast, id =>
        world.pool.query(
          `update people set spec = spec || '{"name": "Ada King"}' where id = (select person_id from workspaces where id = $1)`,
          [id],
        ),
      );
      await each(cast, id =>
        world.pool.query(
          `update courses set spec = spec || '{"name": "Renamed"}' where id = (select course_id from workspaces where id = $1)`,
          [id],
        ),
      );
    },
  },
  {
    name: 're-create',
    prepare: running,
    async act(world, cast) {
      await each(cast, id => deleteWorkspace(world.pool, id, null));
      made.set(world, { ...cast, workspaces: [...cast.workspaces, ...(await running(world)).workspaces] });
    },
  },
  {
    name: 'bulk 10',
    prepare: async () => nobody,
    act: async world => void made.set(world, await workspaces(world, 10, true)),
  },
  drift('service deleted', async ({ test }, { service }) => {
    await test.clients.ecs.send(new DeleteServiceCommand({ cluster: test.ground.cluster, service, force: true }));
  }),
  drift('service stopped', async ({ test }, { service }) => {
    await test.clients.ecs.send(new UpdateServiceCommand({ cluster: test.ground.cluster, service, desiredCount: 0 }));
  }),
  drift('rule deleted', async ({ test }, { rule }) => {
    await test.clients.elb.send(new DeleteRuleCommand({ RuleArn: rule }));
  }),
  drift('rule misdirected', async ({ test }, { rule, foreignGroup }) => {
    const Actions = [{ Type: 'forward' as const, TargetGroupArn: foreignGroup }];
    await test.clients.elb.send(new ModifyRuleCommand({ RuleArn: rule, Actions }));
  }),
  drift('tags stripped', async ({ test }, { rule, group }) => {
    const TagKeys = ['armada:deployment', 'armada:kind', 'armada:id', 'armada:name'];
    await test.clients.elb.send(new RemoveTagsCommand({ ResourceArns: [rule, group], TagKeys }));
  }),
  {
    name: 'invite',
    kinds: ['student'],
    prepare: async () => nobody,
    act: async world => void made.set(world, { workspaces: [], students: [(await addStudent(world.pool)).id] }),
  },
  {
    name: 'course delete',
    prepare: world => workspaces(world, 3, true),
    act: async (world, cast) =>
      void (await world.pool.query(
        `update workspaces set deleted_at = now(), spec = spec || '{"running": false}' where id = any($1)`,
        [cast.workspaces],
      )),
  },
  {
    name: 'restore',
    prepare: running,
    async act(world, { workspaces: [id] }) {
      // The row as it was before the first look, as out of a backup; AWS is a day ahead.
      await world.pool.query(
        `update workspaces set status = jsonb_build_object('observedGeneration', 0, 'conditions', '[]'::jsonb, 'step', 'stopped',
           'restarts', 0, 'image', null, 'readyAt', null, 'failure', null) where id = $1`,
        [id],
      );
      await world.pool.query('delete from route_slots where workspace_id = $1', [id]);
      await world.replace();
    },
  },
];

/** The four that every pull request runs. */
export const coreScenarios: readonly string[] = ['create', 'start', 'stop', 'delete'];

async function until(check: () => boolean, atLeast = 0): Promise<void> {
  const begun = performance.now();
  while (performance.now() - begun < atLeast || (!check() && performance.now() - begun < 1_000))
    await new Promise(resolve => setTimeout(resolve, 2));
}
