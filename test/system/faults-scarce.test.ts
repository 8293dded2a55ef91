import { CreateRuleCommand, CreateTargetGroupCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { afterEach, describe, expect, test } from 'vitest';
import { conditionOf } from '../../api/resources/resource.ts';
import { AwsError } from '../../infra/local/aws/protocol.ts';
import { eventually } from '../support/eventually.ts';
import { thingsOf } from './fault-things.ts';
import { type FaultWorld, type FaultWorldOptions, startFaultWorld } from './fault-world.ts';

/** Faults F20 and F21 of the promises, and what else is scarce: an explained wait in order of asking. Nothing resyncs here. */

let world: FaultWorld;
afterEach(() => world.close());
const open = async (options: FaultWorldOptions) => {
  world = await startFaultWorld({ ...options, resyncs: false });
};

/** Starts one after the other, each once the one before is told of. */
async function startInOrder(ids: readonly string[], reason: string, room: number): Promise<void> {
  for (const [index, id] of ids.entries()) {
    await world.ask([id], 'start');
    if (index < room) await world.ready(id);
    else await world.told(id, reason);
  }
}

/** As each of those that run stops, the one that asked first starts, and the next waits on. */
async function expectServedInOrder(
  running: readonly string[],
  waiting: readonly string[],
  reason: string,
): Promise<void> {
  const before = world.passes.all.length;
  for (const [index, id] of running.entries()) {
    await world.ask([id], 'stop');
    await world.ready(waiting[index] ?? '');
    for (const later of waiting.slice(index + 1)) {
      expect(conditionOf((await world.get(later)).status, 'Ready')?.reason).toBe(reason);
    }
  }
  expect(world.passes.all.length).toBeGreaterThan(before);
}

describe('F20 whoever waits is served in order of asking, as soon as one is free:', () => {
  test('places at the balancers', async () => {
    await open({ places: 2 });
    const ids = await world.class('places', 5);
    await startInOrder(ids, 'NoRoute', 2);
    await expectServedInOrder(ids.slice(0, 2), ids.slice(2, 4), 'NoRoute');
  }, 60_000);

  test('places, when the controller is another by then', async () => {
    await open({ places: 1 });
    const ids = await world.class('taken', 3);
    await startInOrder(ids, 'NoRoute', 1);
    await world.crash();
    await eventually(() => world.controller.leading);
    await expectServedInOrder(ids.slice(0, 1), ids.slice(1, 3), 'NoRoute');
  }, 60_000);

  test('rules, where AWS gives fewer than we have places', async () => {
    await open({ quotas: { rulesPerLoadBalancer: 2 } });
    const ids = await world.class('rules', 4);
    await startInOrder(ids, 'QuotaReached', 2);
    const waiting = await world.get(ids[2] ?? '');
    expect(conditionOf(waiting.status, 'Ready')?.message).toContain('routes at a balancer');
    expect(conditionOf(waiting.status, 'Stalled')?.status).toBe('False');
    await expectServedInOrder(ids.slice(0, 1), ids.slice(2, 4), 'QuotaReached');
  }, 60_000);

  test('target groups, which workspaces have from their making on', async () => {
    // One is the app's own.
    await open({ quotas: { targetGroups: 3 } });
    const ids = await world.class('groups', 4);
    await eventually(() => ids.filter(id => thingsOf(world, id).groups.length === 1).length === 2);
    const has = (id: string) => thingsOf(world, id).groups.length === 1;
    const lucky = ids.filter(has);
    const rest = ids.filter(id => !has(id));
    for (const id of rest) await world.told(id, 'QuotaReached');
    const { rows } = await world.api.database.pool.query<{ workspace_id: string }>(
      `select workspace_id from waiting('target groups') order by place`,
    );
    expect(rows.map(row => row.workspace_id).toSorted()).toEqual(rest.toSorted());
    await world.api.send('DELETE', `/v1/workspaces/${lucky[0]}`, 'operator');
    const first = rows[0]?.workspace_id ?? '';
    await eventually(() => has(first));
    await world.stopped(first);
  }, 60_000);

  test('ECS services', async () => {
    await open({});
    const ids = await world.class('services', 3);
    await world.stopped(...ids);
    let left = 1;
    world.test.aws.endpoint.faults.add((_service, operation) =>
      operation === 'CreateService'
        ? {
            before() {
              if (left <= 0) throw new AwsError('LimitExceededException', 'The limit for the resource was exceeded.');
              left -= 1;
            },
          }
        : undefined,
    );
    await startInOrder(ids, 'QuotaReached', 1);
    left = 1;
    await world.api.send('DELETE', `/v1/workspaces/${ids[0]}`, 'operator');
    await world.ready(ids[1] ?? '');
    expect(conditionOf((await world.get(ids[2] ?? '')).status, 'Ready')?.reason).toBe('QuotaReached');
  }, 60_000);

  test('memory of the cluster, which ECS gives', async () => {
    await open({ instances: { memory: 2_300, cpu: 1 << 20, min: 1, max: 1 } });
    const ids = await world.class('memory', 3);
    await startInOrder(ids, 'NoRoom', 2);
    await world.ask(ids.slice(0, 1), 'stop');
    await world.ready(ids[2] ?? '');
  }, 60_000);
});

test('vCPUs of the account, whose quota lets no more hosts come: an explained wait, and as one frees the next starts by itself', async () => {
  // Memory for hundreds; the CPU of one host, at the default size of a quarter vCPU, for two.
  await open({ instances: { memory: 1 << 20, cpu: 600, min: 1, max: 1 } });
  const ids = await world.class('vcpus', 4);
  await startInOrder(ids, 'NoRoom', 2);
  const isReady = async (id: string) => (await world.get(id)).status.step === 'ready';
  for (const [index, id] of ids.slice(0, 2).entries()) {
    const waiting = (await Promise.all(ids.slice(2).map(async each => ((await isReady(each)) ? [] : [each])))).flat();
    for (const each of waiting) {
      const { status } = await world.get(each);
      expect(conditionOf(status, 'Ready')).toMatchObject({ status: 'False', reason: 'NoRoom' });
      expect(conditionOf(status, 'Ready')?.message).toMatch(/No server has room/);
      expect(conditionOf(status, 'Stalled')?.status).toBe('False');
    }
    expect(waiting).toHaveLength(2 - index);
    await world.ask([id], 'stop');
    await eventually(async () => (await Promise.all(waiting.map(isReady))).includes(true));
  }
  await world.ready(...ids.slice(2));
}, 60_000);

test('F21 a priority that a stranger took is left to them for the next free one', async () => {
  await open({});
  const [pushed = ''] = await world.class('pushed', 1);
  await world.stopped(pushed);
  const { elb } = world.test.clients;
  const made = await elb.send(
    new CreateTargetGroupCommand({ Name: 'strangers', Protocol: 'HTTP', Port: 80, VpcId: world.test.ground.vpcId }),
  );
  const { rows } = await world.api.database.pool.query<{ priority: number }>(
    'select coalesce(max(priority), 0) + 1 priority from route_slots',
  );
  const Priority = rows[0]?.priority ?? 1;
  await elb.send(
    new CreateRuleCommand({
      ListenerArn: world.test.ground.listenerArn,
      Priority,
      Conditions: [{ Field: 'host-header', Values: ['elsewhere.example'] }],
      Actions: [{ Type: 'forward', TargetGroupArn: made.TargetGroups?.[0]?.TargetGroupArn }],
    }),
  );
  await world.ask([pushed], 'start');
  await world.ready(pushed);
  expect((await world.get(pushed)).slot?.priority).not.toBe(Priority);
  expect(
    world.truth.rules.all().some(({ priority }) => priority === String(Priority) || Number(priority) === Priority),
  ).toBe(true);
  const taken = await world.api.database.pool.query('select balancer, priority from route_slots');
  expect(new Set(taken.rows.map(row => JSON.stringify(row))).size).toBe(taken.rows.length);
}, 60_000);
