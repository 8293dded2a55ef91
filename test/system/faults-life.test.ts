import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { DeleteServiceCommand } from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { conditionOf } from '../../api/resources/resource.ts';
import type { Workspace } from '../../api/resources/workspace.ts';
import { holdHome } from '../../infra/gate/home.ts';
import { prepareHome, readMark, writeMark } from '../../infra/gate/marker.ts';
import { homePath } from '../../reconcilers/aws/names.ts';
import { afterEachPut } from '../campaign/truth.ts';
import { settings } from '../reconcilers/rows.ts';
import { eventually } from '../support/eventually.ts';
import { hostsOf, thingsOf } from './fault-things.ts';
import { type FaultWorld, startFaultWorld } from './fault-world.ts';

/** Faults F22 to F35 of the promises: how an editor starts, dies, waits, moves and ends. */

let world: FaultWorld;
let isHealthy = true;
beforeAll(async () => {
  // One host with room for five at the default size.
  const instances = { memory: 5_600, cpu: 1 << 20, min: 1, max: 1 };
  world = await startFaultWorld({ instances, probe: async () => isHealthy });
}, 60_000);
afterAll(() => world.close());

async function one(name: string): Promise<string> {
  const [id = ''] = await world.class(name, 1);
  await world.ask([id], 'start');
  return id;
}
async function end(...ids: readonly string[]): Promise<void> {
  await world.ask(ids, 'stop');
  await world.stopped(...ids);
}
const image = (course: string, name: string | null) =>
  world.api.send('PATCH', `/v1/courses/${course}`, 'operator', { body: { image: name } });
const stalled = ({ status }: Workspace) => conditionOf(status, 'Stalled');
const liveTasks = (id: string) => thingsOf(world, id).tasks.filter(({ lastStatus }) => lastStatus !== 'STOPPED');
const desiredOf = (id: string) => thingsOf(world, id).services[0]?.settings.desiredCount;
const isOpen = (id: string) => hostsOf(world, id).some(host => host.endsWith('.localhost'));

test('F22 what no host has room for waits with its reason, is stuck after ten minutes only, and starts once there is room', async () => {
  const ids = await world.class('full', 6);
  await world.ask(ids.slice(0, 5), 'start');
  await world.ready(...ids.slice(0, 5));
  const last = ids[5] ?? '';
  await world.ask([last], 'start');
  const waiting = await world.told(last, 'NoRoom');
  expect(stalled(waiting)?.status).toBe('False');
  world.clock.jump(11 * 60_000);
  await eventually(async () => stalled(await world.get(last))?.status === 'True');
  expect(stalled(await world.get(last))?.reason).toBe('NoRoom');
  await world.ask([ids[0] ?? ''], 'stop');
  await world.ready(last);
  await end(...ids);
}, 60_000);

test('F23 an image that cannot be fetched is named after at most three tries, and a corrected one starts by itself', async () => {
  world.test.driver.images.set('school/none:1', { pullError: 'CannotPullContainerError: not found' });
  const [id = ''] = await world.class('unpulled', 1);
  expect((await image('unpulled', 'school/none:1')).status).toBeLessThan(300);
  await world.ask([id], 'start');
  const stuck = await world.told(id, 'ImageNotFound');
  expect(stalled(stuck)?.message).toContain('school/none:1');
  expect(thingsOf(world, id).tasks.length).toBeLessThanOrEqual(3);
  expect(desiredOf(id)).toBe(0);
  await image('unpulled', null);
  await world.ready(id);
  await end(id);
}, 60_000);

test('F24 what dies at its start is stopped after two tries, what crashes three times in ten minutes too; the exit code is told', async () => {
  world.test.driver.images.set('school/dies:1', {
    startMilliseconds: 100,
    exits: { afterMilliseconds: 500, exitCode: 3 },
  });
  const [id = ''] = await world.class('dying', 1);
  await image('dying', 'school/dies:1');
  await world.ask([id], 'start');
  const stuck = await world.told(id, 'StopsAtStart');
  expect(stuck.status.failure).toMatchObject({ container: 'ide', exitCode: 3 });
  expect(stalled(stuck)?.message).toContain('exit code 3');
  expect([desiredOf(id), liveTasks(id).length]).toEqual([0, 0]);

  const crashing = await one('crashing');
  for (let crash = 0; crash < 3; crash += 1) {
    await world.report(crashing, { ready: true });
    await world.ready(crashing);
    const [task] = liveTasks(crashing);
    expect(world.test.driver.exit(task?.id ?? '', 'ide', { exitCode: 9 })).toBe(true);
    // ECS starts another, whose gate says at first that nothing answers yet.
    await eventually(() => thingsOf(world, crashing).tasks.length === crash + 2 || desiredOf(crashing) === 0);
    await world.report(crashing, { ready: false });
    await eventually(async () => (await world.get(crashing)).status.step !== 'ready');
  }
  const ended = await world.told(crashing, 'StopsAtStart');
  expect(ended.status.failure).toMatchObject({ exitCode: 9 });
  await eventually(() => desiredOf(crashing) === 0 && liveTasks(crashing).length === 0);
  await end(id, crashing);
}, 60_000);

test('F25 what runs out of memory is started again, and says so', async () => {
  const id = await one('hungry');
  await world.ready(id);
  const [task] = liveTasks(id);
  world.test.driver.images.set(settings.ideImage, { startMilliseconds: 90_000, stopMilliseconds: 3_000 });
  world.test.driver.exit(task?.id ?? '', 'ide', { exitCode: 137, reason: 'OutOfMemoryError: Container killed' });
  await eventually(async () => /memory/.test(conditionOf((await world.get(id)).status, 'Ready')?.message ?? ''));
  world.test.driver.images.set(settings.ideImage, { startMilliseconds: 300, stopMilliseconds: 3_000 });
  await world.ready(id);
  await end(id);
}, 60_000);

test('F26 until the balancer sees it healthy nobody is led to it: its host is the app’s, with the wake page', async () => {
  isHealthy = false;
  const id = await one('unseen');
  await eventually(() => liveTasks(id).some(({ lastStatus }) => lastStatus === 'RUNNING'));
  await world.report(id, { ready: true });
  await world.told(id, 'Connecting');
  expect(thingsOf(world, id).rules).toHaveLength(1);
  expect(isOpen(id)).toBe(false);
  isHealthy = true;
  await world.ready(id);
  expect(isOpen(id)).toBe(true);
  await end(id);
}, 60_000);

test('F27 one that runs and does not answer is led away from to the wake page, repaired, and led to again', async () => {
  const id = await one('unwell');
  await world.report(id, { ready: true });
  await world.ready(id);
  isHealthy = false;
  await world.report(id, { ready: false });
  await world.told(id, 'Repairing');
  await eventually(() => !isOpen(id));
  expect(thingsOf(world, id).rules).toHaveLength(1);
  isHealthy = true;
  await world.report(id, { ready: true });
  await world.ready(id);
  expect(isOpen(id)).toBe(true);
  // A restart leads nobody to what is stopping or starting either.
  const led: string[] = [];
  const [own] = thingsOf(world, id).rules;
  afterEachPut(world.truth.rules, ({ arn, conditions }) => {
    if (arn !== own?.arn) return;
    const served = liveTasks(id).filter(({ lastStatus }) => lastStatus === 'RUNNING').length;
    led.push(JSON.stringify(conditions).includes('parked') ? 'parked' : `open with ${served} running`);
  });
  await world.ask([id], 'restart');
  await eventually(async () => (await world.get(id)).status.restarts === 1);
  await world.ready(id);
  expect(led).toEqual(['parked', 'open with 1 running']);
  await end(id);
}, 60_000);

test('F28 one that is removed while it is being made ends removed, with nothing left', async () => {
  const [id = ''] = await world.class('brief', 1);
  await world.ask([id], 'start');
  const { home } = await world.get(id);
  await eventually(() => thingsOf(world, id).groups.length > 0);
  await world.api.send('DELETE', `/v1/workspaces/${id}`, 'operator');
  await eventually(async () => (await world.api.send('GET', `/v1/workspaces/${id}`, 'operator')).status === 404);
  const { services, groups, rules } = thingsOf(world, id);
  expect([services, groups, rules, liveTasks(id)]).toEqual([[], [], [], []]);
  expect(world.truth.accessPoints.all().filter(({ exposed }) => exposed.path === homePath(home.id))).toEqual([]);
}, 60_000);

test('F29 of ten flips the last wish wins, and there are never two tasks', async () => {
  const [id = ''] = await world.class('flips', 1);
  for (let flip = 0; flip < 10; flip += 1) {
    await world.ask([id], flip % 2 === 0 ? 'start' : 'stop');
    await eventually(async () => (await world.get(id)).status.observedGeneration > flip);
  }
  await world.stopped(id);
  expect(liveTasks(id)).toEqual([]);
  await world.ask([id], 'start');
  await world.ready(id);
  expect(liveTasks(id)).toHaveLength(1);
  expect(world.mostTasks(id)).toBe(1);
  await end(id);
}, 60_000);

test('F32 an older service that still drains is waited for, and no error is told', async () => {
  const id = await one('drains');
  await world.ready(id);
  const service = thingsOf(world, id).services[0]?.name;
  await world.test.clients.ecs.send(
    new DeleteServiceCommand({ cluster: world.test.ground.cluster, service, force: true }),
  );
  await world.look();
  await eventually(async () => (await world.get(id)).status.step !== 'ready');
  await world.ready(id);
  const { body } = await world.api.send('GET', `/v1/events?about=${id}`, 'operator');
  expect(body.items.filter(({ tone }: { tone: string }) => tone === 'warning')).toEqual([]);
  await end(id);
}, 60_000);

test('F33 a restart with a new image begins once the old task is gone', async () => {
  const id = await one('newer');
  await world.ready(id);
  await image('newer', 'school/newer:2');
  await world.ask([id], 'restart');
  await eventually(async () => (await world.get(id)).status.restarts === 1);
  await world.ready(id);
  const [old, fresh] = thingsOf(world, id).tasks;
  expect(fresh?.createdAt).toBeGreaterThanOrEqual(old?.stoppedAt ?? Number.POSITIVE_INFINITY);
  expect((await world.get(id)).status.image).toBe('school/newer:2');
  expect(world.mostTasks(id)).toBe(1);
  await end(id);
}, 60_000);

test('F35 a gate that finds an empty home in place of its own, or another’s, lets nobody type, and says why', async () => {
  const id = await one('homeless');
  await world.report(id, { ready: true });
  await world.ready(id);
  await end(id);
  const { home } = await world.get(id);
  expect(home.marked).toBe(true);
  const folder = await mkdtemp(path.join(os.tmpdir(), 'armada-homes-'));
  const mounted = {
    empty: path.join(folder, 'empty'),
    other: path.join(folder, 'other'),
    own: path.join(folder, 'own'),
  };
  for (const [name, mount] of Object.entries(mounted)) {
    await mkdir(mount);
    await prepareHome(mount);
    if (name !== 'empty') await writeMark(mount, name === 'own' ? home.id : 'somebody-elses');
  }
  /** What the real gate makes of the home that is mounted, told as it tells it. */
  const look = (mount: string, signal: AbortSignal) =>
    holdHome({
      homePath: mount,
      homeId: home.id,
      ask: async () => ({ mayMark: !(await world.get(id)).home.marked }),
      onReport: ({ problem }) => void world.report(id, { ready: false, ...(problem && { problem }) }),
      signal,
    });
  for (const mount of [mounted.empty, mounted.other]) {
    isHealthy = false;
    await world.ask([id], 'start');
    await eventually(() => liveTasks(id).some(({ lastStatus }) => lastStatus === 'RUNNING'));
    const gate = new AbortController();
    const held = look(mount, gate.signal).then(
      () => 'held',
      () => 'refused',
    );
    const stuck = await world.told(id, 'HomeNotReachable');
    expect(stalled(stuck)).toMatchObject({ status: 'True', message: expect.stringContaining('files are safe') });
    expect(isOpen(id)).toBe(false);
    gate.abort();
    expect(await held).toBe('refused');
    expect(await readMark(mount, home.id)).toBe(mount === mounted.empty ? 'missing' : 'other');
    await end(id);
  }
  await world.ask([id], 'start');
  await eventually(() => liveTasks(id).some(({ lastStatus }) => lastStatus === 'RUNNING'));
  const lock = await look(mounted.own, new AbortController().signal);
  isHealthy = true;
  await world.report(id, { ready: true });
  await world.ready(id);
  await lock.release();
  await rm(folder, { recursive: true });
}, 60_000);
