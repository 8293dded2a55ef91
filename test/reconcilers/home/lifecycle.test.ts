import {
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  ListTaskDefinitionsCommand,
  ListTasksCommand,
} from '@aws-sdk/client-ecs';
import { CreateAccessPointCommand, DescribeAccessPointsCommand } from '@aws-sdk/client-efs';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Home } from '../../../api/resources/home.ts';
import { keeperExits, purgeUnmarked } from '../../../api/resources/keeper.ts';
import type { Context } from '../../../controller/reconciler.ts';
import { homeToken, keeperFamily, tagsOf } from '../../../reconcilers/aws/names.ts';
import type { Action } from '../../../reconcilers/home/model.ts';
import { eventually } from '../../support/eventually.ts';
import { homeRow, MemorySlots, settings, workspaceRow } from '../rows.ts';
import { startWorld, type World } from '../world.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.close());

const family = (home: Home) => keeperFamily(settings.deployment, home.id);
const ends = (exitCode: number) =>
  world.driver.images.set(settings.gateImage, { exits: { afterMilliseconds: 20, exitCode } });

async function keepersOf(home: Home) {
  const lists = await Promise.all(
    (['RUNNING', 'STOPPED'] as const).map(desiredStatus =>
      world.clients.ecs.send(
        new ListTasksCommand({ cluster: world.ground.cluster, family: family(home), desiredStatus }),
      ),
    ),
  );
  const tasks = lists.flatMap(({ taskArns = [] }) => taskArns);
  if (tasks.length === 0) return [];
  const answer = await world.clients.ecs.send(new DescribeTasksCommand({ cluster: world.ground.cluster, tasks }));
  return answer.tasks ?? [];
}

async function doors(): Promise<readonly string[]> {
  const { FileSystemId } = { FileSystemId: world.ground.fileSystemId };
  const answer = await world.clients.efs.send(new DescribeAccessPointsCommand({ FileSystemId }));
  return (answer.AccessPoints ?? []).flatMap(({ LifeCycleState, RootDirectory }) =>
    LifeCycleState === 'available' ? (RootDirectory?.Path ?? []) : [],
  );
}

async function blueprints(home: Home): Promise<readonly string[]> {
  const answer = await world.clients.ecs.send(new ListTaskDefinitionsCommand({ familyPrefix: family(home) }));
  return answer.taskDefinitionArns ?? [];
}

test('a home goes by one keeper, and nothing that was made for it is left', async () => {
  const rows = world.homeRows();
  const home = homeRow();
  rows.rows.set(home.id, home);
  ends(keeperExits.done);
  expect((await rows.settle(home.id)).verdict).toBe('gone');
  expect(rows.rows.size).toBe(0);
  await eventually(async () => (await doors()).length === 0 && (await blueprints(home)).length === 0);
  const keepers = await keepersOf(home);
  expect(keepers).toHaveLength(1);
  expect(keepers[0]?.startedBy).toBe(`k-${home.id}-1`);
});

test('a keeper whose definition no list shows yet leaves nothing behind either', async () => {
  const rows = world.homeRows();
  const home = homeRow();
  rows.rows.set(home.id, home);
  ends(keeperExits.done);
  const isHidden = (operation: string) => operation === 'ListTaskDefinitions';
  const show = world.aws.endpoint.faults.add((_service, operation) =>
    isHidden(operation) ? { change: output => ({ ...output, taskDefinitionArns: [] }) } : undefined,
  );
  expect((await rows.settle(home.id)).verdict).toBe('gone');
  show();
  await eventually(async () => (await doors()).length === 0 && (await blueprints(home)).length === 0);
});

test('its door is the one that its workspace had, and others’ homes keep theirs', async () => {
  const workspaces = world.workspaceRows();
  for (const id of ['aaaabbbbccccdddd', 'bbbbccccddddeeee']) {
    workspaces.rows.set(id, workspaceRow(id));
    await workspaces.settle(id);
  }
  await eventually(async () => (await doors()).length === 2);
  const before = await doors();
  const { home } = workspaceRow('aaaabbbbccccdddd');
  workspaces.ask('aaaabbbbccccdddd', { deletedAt: new Date().toISOString() });
  await workspaces.settle('aaaabbbbccccdddd');
  const rows = world.homeRows();
  rows.rows.set(home.id, homeRow(home.id, { uid: home.uid }));
  ends(keeperExits.done);
  await rows.settle(home.id);
  await eventually(async () => (await doors()).length === 1);
  expect(before).toContain((await doors())[0]);
  expect(await doors()).toEqual([`/homes/${workspaceRow('bbbbccccddddeeee').home.id}`]);
});

test('a workspace that was given another home has that one’s door, and the old one goes with its keeper', async () => {
  const workspaces = world.workspaceRows();
  const id = 'aaaabbbbccccdddd';
  const { home } = workspaceRow(id);
  workspaces.rows.set(id, workspaceRow(id));
  await workspaces.settle(id);
  const fresh = { ...home, id: 'ffffeeeeddddcccc', uid: home.uid + 1, marked: false };
  workspaces.rows.set(id, { ...workspaces.get(id), home: fresh });
  await workspaces.settle(id);
  await eventually(async () => (await doors()).length === 2);
  const rows = world.homeRows();
  rows.rows.set(home.id, homeRow(home.id, { uid: home.uid }));
  ends(keeperExits.done);
  expect((await rows.settle(home.id)).verdict).toBe('gone');
  await eventually(async () => (await doors()).length === 1);
  expect(await doors()).toEqual([`/homes/${fresh.id}`]);
  await workspaces.settle(id);
  expect(await doors()).toEqual([`/homes/${fresh.id}`]);
});

test('one that a workspace has, and one that nobody asked to delete, is not touched', async () => {
  for (const change of [{ inUse: true }, { deletedAt: null }]) {
    const rows = world.homeRows();
    const home = homeRow('hhhhiiiijjjjkkkk', change);
    rows.rows.set(home.id, home);
    expect((await rows.settle(home.id)).verdict).toBe(change.inUse ? 'stuck' : 'settled');
  }
  expect(world.writes()).toBe(0);
});

test.each([
  [keeperExits.otherHome, 'NotThisHome'],
  [keeperExits.inUse, 'HomeInUse'],
  [keeperExits.failed, 'PurgeFailed'],
])('a keeper that ends with %i leaves it stuck as %s, until it is asked again', async (exitCode, reason) => {
  const rows = world.homeRows();
  const home = homeRow();
  rows.rows.set(home.id, home);
  ends(exitCode);
  expect((await rows.settle(home.id)).verdict).toBe('stuck');
  const { conditions, failure } = rows.get(home.id).status;
  expect(failure).toEqual({ attempt: 1, reason });
  expect(conditions.find(({ type }) => type === 'Stalled')).toMatchObject({ status: 'True', reason });
  // Looked at again, without another keeper.
  await rows.settle(home.id);
  expect(await keepersOf(home)).toHaveLength(1);
  ends(keeperExits.done);
  rows.ask(home.id, { spec: { by: 'grace', attempt: 2 } });
  expect((await rows.settle(home.id)).verdict).toBe('gone');
});

test('a keeper is told that no marker is needed when a person said so, and only then', async () => {
  const rows = world.homeRows();
  const home = homeRow();
  rows.rows.set(home.id, home);
  ends(keeperExits.otherHome);
  const told: boolean[] = [];
  for (const unmarked of [false, true]) {
    rows.ask(home.id, { spec: { by: 'grace', attempt: told.length + 1, ...(unmarked && { unmarked }) } });
    await rows.settle(home.id);
    const taskDefinition = (await blueprints(home)).at(-1);
    const answer = await world.clients.ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition }));
    const environment = answer.taskDefinition?.containerDefinitions?.[0]?.environment ?? [];
    told.push(environment.some(({ name, value }) => name === purgeUnmarked && value === '1'));
  }
  expect(told).toEqual([false, true]);
});

test('a door of the home’s name that leads to another directory opens for no keeper', async () => {
  const rows = world.homeRows();
  const home = homeRow();
  const { fileSystemId } = world.ground;
  await world.clients.efs.send(
    new CreateAccessPointCommand({
      ClientToken: homeToken(settings.deployment, home.id, fileSystemId),
      FileSystemId: fileSystemId,
      PosixUser: { Uid: home.uid, Gid: home.uid },
      RootDirectory: {
        Path: '/homes/of-somebody-else',
        CreationInfo: { OwnerUid: home.uid, OwnerGid: home.uid, Permissions: '0770' },
      },
      Tags: tagsOf({ deployment: settings.deployment, kind: 'home', id: home.id, name: home.id }).map(
        ([Key, Value]) => ({ Key, Value }),
      ),
    }),
  );
  rows.rows.set(home.id, { ...home, spec: { ...home.spec, unmarked: true } });
  ends(keeperExits.done);
  expect((await rows.settle(home.id)).verdict).toBe('stuck');
  expect(await keepersOf(home)).toEqual([]);
});

test('a keeper whose image cannot be fetched leaves it stuck', async () => {
  const rows = world.homeRows();
  const home = homeRow();
  rows.rows.set(home.id, home);
  world.driver.images.set(settings.gateImage, { pullError: 'CannotPullContainerError: no such image' });
  expect((await rows.settle(home.id)).verdict).toBe('stuck');
  expect(rows.get(home.id).status.failure).toMatchObject({ reason: 'KeeperFailed' });
});

test('each action, done twice by controllers that know nothing of each other, leaves the same world', async () => {
  const home = homeRow();
  const context: Context = {
    log: pino({ level: 'silent' }),
    signal: new AbortController().signal,
    now: () => new Date(),
    slots: new MemorySlots(),
    urgent: true,
  };
  ends(keeperExits.done);
  const done: string[] = [];
  for (let look = 0; look < 200; look += 1) {
    const first = world.homes();
    const observed = await first.observe(home, context);
    const plan = first.plan(home, observed, new Date());
    if (plan.verdict === 'settled') break;
    if (plan.verdict === 'act')
      for (const action of plan.actions as readonly Action[]) {
        done.push(action.type);
        await first.apply(action, home, observed, context);
        await world.homes().apply(action, home, observed, context);
      }
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  expect([...new Set(done)].sort()).toEqual([
    'create-door',
    'delete-door',
    'delete-keepers',
    'register-keeper',
    'run-keeper',
  ]);
  expect(await keepersOf(home)).toHaveLength(1);
  await eventually(async () => (await doors()).length === 0 && (await blueprints(home)).length === 0);
});

test('what AWS has forgotten of the keeper, the row still knows', async () => {
  const rows = world.homeRows();
  const home = homeRow('hhhhiiiijjjjkkkk', {
    status: { observedGeneration: 2, conditions: [], purged: true, failure: null },
  });
  rows.rows.set(home.id, home);
  expect((await rows.settle(home.id)).verdict).toBe('gone');
  expect(world.writes()).toBe(0);
});
