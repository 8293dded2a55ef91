import { RegisterTaskDefinitionCommand } from '@aws-sdk/client-ecs';
import { CreateTargetGroupCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noteStrays, ownersOf } from '../../api/store/strays.ts';
import { keeperFamily, tagsOf } from '../../reconcilers/aws/names.ts';
import { createSweep } from '../../reconcilers/sweep/index.ts';
import { thingsOf } from './fault-things.ts';
import { type FaultWorld, startFaultWorld } from './fault-world.ts';

/** Fault F37 of the promises: what nobody owns. */

let world: FaultWorld;
beforeAll(async () => {
  world = await startFaultWorld();
}, 60_000);
afterAll(() => world.close());

const pool = () => world.api.database.pool;
async function running(name: string, size: number): Promise<string[]> {
  const ids = await world.class(name, size);
  await world.ask(ids, 'start');
  await world.ready(...ids);
  return ids;
}
const sweeper = (quarantineSeconds: number) =>
  createSweep({
    clients: { ...world.test.clients, destroy() {} },
    deployment: 'school',
    cluster: world.test.ground.cluster,
    listenerArns: [world.test.ground.listenerArn],
    fileSystemId: world.test.ground.fileSystemId,
    ledger: { owners: () => ownersOf(pool()), note: (strays, now) => noteStrays(pool(), strays, now) },
    quarantineSeconds,
    now: () => new Date(world.clock.now()),
    log: pino({ level: 'silent' }),
  });

describe('F37 a sweep', () => {
  test('after an older backup was restored finds today’s class unknown, and deletes none of it', async () => {
    const ids = await running('lost', 8);
    const homes = world.truth.accessPoints.all().length;
    // The backup knows nothing of them.
    await pool().query('alter table workspaces disable trigger all');
    await pool().query('delete from waits; delete from route_slots');
    await pool().query('delete from workspaces where id = any($1)', [ids]);
    await pool().query('alter table workspaces enable trigger all');
    const sweep = sweeper(3600);
    const first = await sweep();
    expect(new Set(first.strays.map(({ owner }) => owner))).toEqual(new Set(ids));
    expect([first.doubtful, first.deleted]).toEqual([true, []]);
    world.clock.jump(48 * 3_600_000);
    expect((await sweep()).deleted).toEqual([]);
    for (const id of ids) expect(thingsOf(world, id).services).toHaveLength(1);
    expect(world.truth.accessPoints.all()).toHaveLength(homes);
  }, 90_000);

  test('keeps a stray for the quarantine, then deletes what is cheap to remake, and no home, stranger or neighbour', async () => {
    const [stray = '', beside = ''] = await running('stray', 2);
    await pool()
      .query('delete from workspaces where id = $1', [stray])
      .catch(() => {});
    await world.test.clients.elb.send(
      new CreateTargetGroupCommand({
        Name: 'a-school-strangers',
        Protocol: 'HTTP',
        Port: 80,
        VpcId: world.test.ground.vpcId,
      }),
    );
    // A keeper that was registered late, when its home was gone.
    const gone = { deployment: 'school', kind: 'home', id: 'gonegonegonegone', name: 'gone' } as const;
    const family = keeperFamily('school', gone.id);
    await world.test.clients.ecs.send(
      new RegisterTaskDefinitionCommand({
        family,
        containerDefinitions: [{ name: 'keeper', image: 'armada/gate:1', memory: 64 }],
        tags: tagsOf(gone).map(([key, value]) => ({ key, value })),
      }),
    );
    await pool().query(
      'alter table workspaces disable trigger all; delete from route_slots; alter table workspaces enable trigger all',
    );
    const owners = await ownersOf(pool());
    const known = new Set(owners.workspace);
    const sweep = createSweepOf(stray, known, 24 * 3600);
    const first = await sweep();
    expect(first.strays.map(({ kind }) => kind).toSorted()).toEqual([
      'rule',
      'service',
      'target group',
      'task definition',
      'task definition',
    ]);
    expect(first.deleted).toEqual([]);
    world.clock.jump(23 * 3_600_000);
    expect((await sweep()).deleted).toEqual([]);
    world.clock.jump(2 * 3_600_000);
    expect((await sweep()).deleted.map(({ kind }) => kind)).toEqual([
      'rule',
      'service',
      'target group',
      'task definition',
      'task definition',
    ]);
    // Deleted, not merely retired.
    const left = world.truth.definitions.all().filter(definition => definition.family === family);
    expect(left.map(({ status }) => status)).toEqual(left.map(() => 'DELETE_IN_PROGRESS'));
    const { services, groups, rules } = thingsOf(world, stray);
    expect([services, groups, rules]).toEqual([[], [], []]);
    expect(thingsOf(world, beside).services).toHaveLength(1);
    expect(world.truth.targetGroups.all().some(({ name }) => name === 'a-school-strangers')).toBe(true);
  }, 90_000);

  /** A sweep for which only one owner is unknown: those that another test orphaned are known here. */
  function createSweepOf(stray: string, known: ReadonlySet<string>, quarantineSeconds: number) {
    const everybody = new Set([
      ...known,
      ...world.truth.services.all().map(({ name }) => name.slice('ws-school-'.length)),
    ]);
    everybody.delete(stray);
    return createSweep({
      clients: { ...world.test.clients, destroy() {} },
      deployment: 'school',
      cluster: world.test.ground.cluster,
      listenerArns: [world.test.ground.listenerArn],
      fileSystemId: world.test.ground.fileSystemId,
      ledger: {
        // Enough rows beside it that one is no doubt.
        owners: async () => ({
          workspace: [...everybody, ...Array.from({ length: 60 }, (_, n) => `row${n}`)],
          home: (await ownersOf(pool())).home,
        }),
        note: (strays, now) => noteStrays(pool(), strays, now),
      },
      quarantineSeconds,
      now: () => new Date(world.clock.now()),
      log: pino({ level: 'silent' }),
    });
  }
});
