import { DescribeServicesCommand, DescribeTaskDefinitionCommand, UpdateServiceCommand } from '@aws-sdk/client-ecs';
import { DeleteAccessPointCommand, DescribeAccessPointsCommand } from '@aws-sdk/client-efs';
import {
  CreateRuleCommand,
  DeleteRuleCommand,
  DescribeRulesCommand,
  DescribeTargetGroupsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { conditionOf } from '../../../api/resources/resource.ts';
import { workspaceRow } from '../rows.ts';
import { startWorld, type World } from '../world.ts';

const id = 'aaaabbbbccccdddd';
let world: World;
let rows: ReturnType<World['workspaceRows']>;

beforeEach(async () => {
  world = await startWorld();
  rows = world.workspaceRows();
  rows.rows.set(id, workspaceRow(id));
});
afterEach(() => world.close());

async function running() {
  await rows.settle(id);
  rows.ask(id, { spec: { running: true, restarts: 0 } });
  await rows.settle(id);
  world.calls.reset();
}

async function service() {
  const input = { cluster: world.settings.cluster, services: [`ws-school-${id}`] };
  return (await world.clients.ecs.send(new DescribeServicesCommand(input))).services?.[0];
}

async function rules() {
  const input = { ListenerArn: world.ground.listenerArn };
  const { Rules } = await world.clients.elb.send(new DescribeRulesCommand(input));
  return (Rules ?? []).filter(rule => !rule.IsDefault);
}

async function homes() {
  const input = { FileSystemId: world.ground.fileSystemId };
  return (await world.clients.efs.send(new DescribeAccessPointsCommand(input))).AccessPoints ?? [];
}

/** A few looks in a row that show what was. */
const staleReads = 2;

const step = () => rows.get(id).status.step;
const ready = () => conditionOf(rows.get(id).status, 'Ready');

describe('a workspace', () => {
  test('is prepared ahead of its first start in four writes, and stays as it is', async () => {
    world.aws.state.consistency.lagMilliseconds = 0;
    expect((await rows.settle(id)).verdict).toBe('settled');
    expect(world.writes()).toBe(4);
    expect(step()).toBe('stopped');
    expect(await homes()).toHaveLength(1);
    expect(await rules()).toHaveLength(0);
    world.calls.reset();
    for (let pass = 0; pass < 3; pass += 1) expect((await rows.pass(id)).verdict).toBe('settled');
    expect(world.writes()).toBe(0);
  });

  test('starts in three writes, and is ready only once the balancer sees it healthy', async () => {
    world.aws.state.consistency.lagMilliseconds = 0;
    await rows.settle(id);
    world.calls.reset();
    rows.ask(id, { spec: { running: true, restarts: 0 } });
    expect((await rows.settle(id)).verdict).toBe('settled');
    expect(world.writes()).toBe(3);
    expect(step()).toBe('ready');
    expect(rows.get(id).status.readyAt).not.toBeNull();
    expect(world.calls.counts()['DescribeTargetHealth']).toBeGreaterThan(0);
    expect(await rules()).toMatchObject([
      { Conditions: [{ HostHeaderConfig: { Values: [`fall-intro-${id}.localhost`] } }] },
    ]);
  });

  test('once ready is looked at without a call of its own but pages', async () => {
    await running();
    for (let pass = 0; pass < 3; pass += 1) expect((await rows.pass(id)).verdict).toBe('settled');
    expect(world.writes()).toBe(0);
    const { ListTasks, DescribeTargetHealth, DescribeTaskDefinition } = world.calls.counts();
    expect([ListTasks, DescribeTargetHealth, DescribeTaskDefinition]).toEqual([undefined, undefined, undefined]);
  });

  test('stops in two writes: the route goes and its place is free', async () => {
    await running();
    rows.ask(id, { spec: { running: false, restarts: 0 } });
    await rows.settle(id);
    expect(world.writes()).toBeLessThanOrEqual(2);
    expect(step()).toBe('stopped');
    world.aws.state.consistency.lagMilliseconds = 0;
    expect(await rules()).toHaveLength(0);
    expect(rows.slots.of(id)).toBeNull();
    expect(await service()).toMatchObject({ desiredCount: 0, runningCount: 0 });
  });

  test('starts again in three writes, a new deployment of the same service', async () => {
    // A list from the past may still show the old rule: parking it again would be a fourth, and in vain.
    world.aws.state.consistency.lagMilliseconds = 0;
    await running();
    const before = (await service())?.deployments?.[0]?.id;
    rows.ask(id, { spec: { running: false, restarts: 0 } });
    await rows.settle(id);
    world.calls.reset();
    rows.ask(id, { spec: { running: true, restarts: 0 } });
    await rows.settle(id);
    expect(step()).toBe('ready');
    expect(world.writes()).toBeLessThanOrEqual(3);
    expect((await service())?.deployments?.find(({ status }) => status === 'PRIMARY')?.id).not.toBe(before);
  });

  test('answers a restart with one stop and one start', async () => {
    await running();
    rows.ask(id, { spec: { running: true, restarts: 1 } });
    await rows.settle(id);
    expect(rows.get(id).status).toMatchObject({ restarts: 1, step: 'ready' });
    expect(world.calls.counts()['UpdateService']).toBe(2);
    world.calls.reset();
    await rows.settle(id);
    expect(world.writes()).toBe(0);
  });

  test('takes up a changed course at its next start, not before', async () => {
    await running();
    rows.rows.set(id, { ...rows.get(id), template: { ...rows.get(id).template, memory: 2048 } });
    await rows.settle(id);
    expect(world.writes()).toBe(0);
    rows.ask(id, { spec: { running: true, restarts: 1 } });
    await rows.settle(id);
    expect(world.calls.counts()['RegisterTaskDefinition']).toBe(1);
    expect((await service())?.taskDefinition).toMatch(/:2$/);
  });

  test('is dismantled in at most six writes once deleted, and leaves nothing', async () => {
    await running();
    rows.ask(id, { deletedAt: new Date().toISOString() });
    expect((await rows.settle(id)).verdict).toBe('gone');
    expect(world.writes()).toBeLessThanOrEqual(6);
    world.aws.state.consistency.lagMilliseconds = 0;
    expect(await rules()).toHaveLength(0);
    expect(await homes()).toHaveLength(0);
    const { TargetGroups } = await world.clients.elb.send(new DescribeTargetGroupsCommand({}));
    expect(TargetGroups?.map(group => group.TargetGroupName)).toEqual(['armada-app']);
    expect(rows.slots.of(id)).toBeNull();
  });

  test('settles through lagging, shuffled reads of ten seconds-worth of flips, one task at most', async () => {
    world.aws.state.consistency.lagMilliseconds = 300;
    await rows.settle(id);
    for (let flip = 1; flip <= 6; flip += 1) {
      rows.ask(id, { spec: { running: flip % 2 === 1, restarts: 0 } });
      await rows.pass(id);
    }
    rows.ask(id, { spec: { running: true, restarts: 0 } });
    await rows.settle(id);
    expect(step()).toBe('ready');
    world.aws.state.consistency.lagMilliseconds = 0;
    expect(await rules()).toHaveLength(1);
    expect(await service()).toMatchObject({ desiredCount: 1, runningCount: 1 });
  });
});

describe('drift', () => {
  test('a rule deleted by hand comes back', async () => {
    await running();
    await world.clients.elb.send(new DeleteRuleCommand({ RuleArn: (await rules())[0]?.RuleArn }));
    world.aws.state.consistency.lagMilliseconds = 0;
    await rows.settle(id);
    expect(await rules()).toHaveLength(1);
    expect(world.calls.counts()['UpdateService']).toBeUndefined();
  });

  test('a desired count set to zero by hand is restored', async () => {
    await running();
    const { cluster } = world.settings;
    const other = world.workspaceRows();
    other.rows.set(id, rows.get(id));
    await other.slots.take(id);
    await world.clients.ecs.send(new UpdateServiceCommand({ cluster, service: `ws-school-${id}`, desiredCount: 0 }));
    world.aws.state.consistency.lagMilliseconds = 0;
    await other.settle(id);
    expect(await service()).toMatchObject({ desiredCount: 1, runningCount: 1 });
  });

  test('an access point deleted by hand is made again on the same directory', async () => {
    await rows.settle(id);
    world.aws.state.consistency.lagMilliseconds = 0;
    const [before] = await homes();
    await world.clients.efs.send(new DeleteAccessPointCommand({ AccessPointId: before?.AccessPointId }));
    await rows.settle(id);
    const [after] = await homes();
    expect(after?.AccessPointId).not.toBe(before?.AccessPointId);
    expect(after?.RootDirectory).toEqual(before?.RootDirectory);
  });

  test.each(['this process', 'one before it'])(
    'who comes back while AWS still shows the access point that %s deleted starts on a new one',
    async by => {
      world.aws.state.consistency.lagMilliseconds = 0;
      await rows.settle(id);
      const [before] = await homes();
      rows.ask(id, { deletedAt: new Date().toISOString() });
      expect((await rows.settle(id)).verdict).toBe('gone');
      let reads = 0;
      world.aws.endpoint.faults.add((_service, operation) => {
        if (operation !== 'DescribeAccessPoints') return undefined;
        reads += 1;
        return reads > staleReads ? undefined : { change: output => ({ ...output, AccessPoints: [before] }) };
      });
      const back = 'eeeeffffgggghhhh';
      const own = by === 'this process' ? rows : world.workspaceRows();
      const createdAt = new Date().toISOString();
      const spec = { running: true, restarts: 0 };
      own.rows.set(back, workspaceRow(back, { home: workspaceRow(id).home, spec, createdAt }));
      await own.settle(back);
      expect(reads).toBeGreaterThan(staleReads);
      const [after] = await homes();
      expect(after?.AccessPointId).not.toBe(before?.AccessPointId);
      const { taskDefinition } = await world.clients.ecs.send(
        new DescribeTaskDefinitionCommand({ taskDefinition: `armada-school-${back}` }),
      );
      const mounted = taskDefinition?.volumes?.find(({ efsVolumeConfiguration }) => efsVolumeConfiguration);
      expect(mounted?.efsVolumeConfiguration?.authorizationConfig?.accessPointId).toBe(after?.AccessPointId);
      expect(taskDefinition?.revision).toBe(1);
    },
  );

  test('a place that a stranger holds is given up for another, and the stranger left alone', async () => {
    await rows.settle(id);
    await world.clients.elb.send(
      new CreateRuleCommand({
        ListenerArn: world.ground.listenerArn,
        Priority: 1,
        Conditions: [{ Field: 'host-header', HostHeaderConfig: { Values: ['elsewhere.example'] } }],
        Actions: [{ Type: 'forward', TargetGroupArn: world.ground.appTargetGroupArn }],
      }),
    );
    rows.ask(id, { spec: { running: true, restarts: 0 } });
    await rows.settle(id);
    expect(rows.slots.of(id)).toEqual({ balancer: 0, priority: 2 });
    expect((await rules()).map(rule => rule.Priority).toSorted()).toEqual(['1', '2']);
  });
});

describe('an attempt that comes to nothing', () => {
  test('an image that cannot be pulled ends stuck, costs nothing more, and another image starts', async () => {
    world.driver.images.set('nobody/nothing:1', { pullError: 'CannotPullContainerError: pull access denied' });
    rows.rows.set(id, { ...rows.get(id), template: { ...rows.get(id).template, image: 'nobody/nothing:1' } });
    rows.ask(id, { spec: { running: true, restarts: 0 } });
    expect((await rows.settle(id)).verdict).toBe('stuck');
    expect(ready()).toMatchObject({ status: 'False', reason: 'ImageNotFound' });
    expect(ready()?.message).toContain('nobody/nothing:1');
    expect(await service()).toMatchObject({ desiredCount: 0 });
    expect((await rows.settle(id)).verdict).toBe('stuck');
    rows.rows.set(id, { ...rows.get(id), template: { ...rows.get(id).template, image: null } });
    await rows.settle(id);
    expect(step()).toBe('ready');
    expect(rows.get(id).status.failure).toBeNull();
  });

  test('an editor that exits at once ends stuck with its exit code, and a restart tries again', async () => {
    world.driver.images.set('broken:1', { exits: { afterMilliseconds: 5, exitCode: 3 } });
    rows.rows.set(id, { ...rows.get(id), template: { ...rows.get(id).template, image: 'broken:1' } });
    rows.ask(id, { spec: { running: true, restarts: 0 } });
    expect((await rows.settle(id)).verdict).toBe('stuck');
    expect(ready()?.reason).toBe('StopsAtStart');
    expect(rows.get(id).status.failure).toMatchObject({ container: 'ide', exitCode: 3 });
    world.driver.images.delete('broken:1');
    rows.ask(id, { spec: { running: true, restarts: 1 } });
    await rows.settle(id);
    expect(step()).toBe('ready');
  });
});
