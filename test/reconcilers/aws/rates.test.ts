import { afterEach, describe, expect, test } from 'vitest';
import type { Workspace } from '../../../api/resources/workspace.ts';
import { awsThrottles } from '../../../infra/local/aws/throttle.ts';
import { createClients } from '../../../reconcilers/aws/clients.ts';
import { createGateway, type Gateway, markUrgency } from '../../../reconcilers/aws/rates.ts';
import { createWorkspaceReconciler } from '../../../reconcilers/workspace/index.ts';
import { eventually } from '../../support/eventually.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { Rows, workspaceRow } from '../rows.ts';
import { startWorld, type World } from '../world.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

/** One urgent or background call through the gateway, noted when it went. */
function caller(gateway: Gateway, went: string[]) {
  return (name: string, operation: string, urgent: boolean, attempt = async () => {}) =>
    markUrgency('elb', urgent, () =>
      gateway('elb', operation, async () => {
        went.push(name);
        await attempt();
      }),
    );
}

describe('the gateway', () => {
  test('lets a person go ahead of a background pass that already waits, and keeps the order of asking', async () => {
    const clock = new ManualClock();
    const went: string[] = [];
    const call = caller(createGateway(clock), went);
    for (let index = 0; index < 40; index += 1) void call(`resync ${index}`, 'CreateRule', false);
    await clock.settle();
    const before = went.length;
    void call('person 1', 'CreateRule', true);
    void call('person 2', 'CreateRule', true);
    await clock.advance(60_000);
    expect(went.slice(before, before + 3)).toEqual(['person 1', 'person 2', `resync ${before}`]);
    expect(went).toHaveLength(42);
  });

  test('keeps buckets apart: reads go on while writes wait', async () => {
    const clock = new ManualClock();
    const went: string[] = [];
    const call = caller(createGateway(clock), went);
    for (let index = 0; index < 40; index += 1) void call('write', 'CreateRule', false);
    void call('read', 'DescribeRules', false);
    await clock.settle();
    expect(went).toContain('read');
    expect(went.length).toBeLessThan(40);
  });

  test('takes a throttled answer as an empty bucket', async () => {
    const clock = new ManualClock();
    const went: string[] = [];
    const call = caller(createGateway(clock), went);
    const refusal = Object.assign(new Error('Rate exceeded'), { name: 'Throttling' });
    await expect(call('refused', 'CreateRule', true, () => Promise.reject(refusal))).rejects.toBe(refusal);
    void call('next', 'CreateRule', true);
    await clock.settle();
    expect(went).toEqual(['refused']);
    await clock.advance(1_000);
    expect(went).toEqual(['refused', 'next']);
  });
});

/** Seconds that AWS's buckets need for `count` workspaces: one registration and two balancer writes each. */
const floorSeconds = (count: number) => Math.max(count - 20, (2 * count - 20) / 3);

test('300 workspaces are made from nothing without one throttled answer, in 1.1 times the floor', async () => {
  const count = 300;
  const clock = new ManualClock();
  world = await startWorld({ lagMilliseconds: 0 });
  const { aws, credentials, settings } = world;
  let refused = 0;
  const throttles = awsThrottles(clock);
  aws.endpoint.faults.add((service, operation) => {
    const fault = throttles(service, operation);
    if (fault) refused += 1;
    return fault;
  });
  const gateway = createGateway(clock);
  let going = 0;
  const counted: Gateway = (service, operation, attempt) =>
    gateway(service, operation, async () => {
      going += 1;
      try {
        return await attempt();
      } finally {
        going -= 1;
      }
    });
  const clients = createClients({ endpoint: aws.url, region: 'us-east-1', credentials, gateway: counted });
  const rows = Rows.of<Workspace, never, never>(
    createWorkspaceReconciler({ ...settings, clients }) as never,
    (row, slot) => ({ ...row, slot }),
  );
  for (let index = 0; index < count; index += 1) {
    const row = workspaceRow(`w${String(index).padStart(15, 'a')}`);
    rows.rows.set(row.id, { ...row, home: { ...row.home, uid: 20_000 + index } });
  }
  const start = clock.now();
  let left = count;
  const passes = [...rows.rows.keys()].map(async id => {
    await rows.pass(id);
    left -= 1;
  });
  while (left > 0) {
    // Time stands still while AWS is at work, and moves on when all that can be done waits for it.
    await eventually(() => left === 0 || (going === 0 && clock.timers > 0), { within: 10_000, every: 1 });
    await clock.advance(200);
  }
  await Promise.all(passes);
  const seconds = (clock.now() - start) / 1000;
  clients.destroy();
  expect(refused).toBe(0);
  expect(world.calls.counts()).toMatchObject({ RegisterTaskDefinition: count, CreateTargetGroup: count });
  expect(seconds).toBeLessThanOrEqual(1.1 * floorSeconds(count));
}, 120_000);
