import { afterEach, describe, expect, test } from 'vitest';
import type { Workspace } from '../../../api/resources/workspace.ts';
import { awsThrottles } from '../../../infra/local/aws/throttle.ts';
import { createClients } from '../../../reconcilers/aws/clients.ts';
import { createGateway, type Gateway, markUrgency, withSignal } from '../../../reconcilers/aws/rates.ts';
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

  test('lets who gives up leave the line, without an attempt and without a token', async () => {
    const clock = new ManualClock();
    const went: string[] = [];
    const call = caller(createGateway(clock), went);
    for (let index = 0; index < 30; index += 1) void call(`earlier ${index}`, 'CreateRule', false);
    await clock.settle();
    const before = went.length;
    const reason = new Error('the pass took too long');
    const leaving = new AbortController();
    const aborted = withSignal(leaving.signal, () => call('gone', 'CreateRule', true));
    void call('next', 'CreateRule', true);
    leaving.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    await expect(withSignal(leaving.signal, () => call('gone', 'CreateRule', true))).rejects.toBe(reason);
    await clock.advance(60_000);
    expect(went).not.toContain('gone');
    expect(went[before]).toBe('next');
    expect(went).toHaveLength(31);
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

/** A world whose endpoint refuses what is above AWS's rates, by a clock that stands still while anything is at work. */
async function startThrottled() {
  const clock = new ManualClock();
  const made = await startWorld({ lagMilliseconds: 0 });
  world = made;
  const { aws, credentials, settings } = made;
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
  return {
    clock,
    clients,
    rows,
    refused: () => refused,
    add(index: number, prefix = 'w') {
      const row = workspaceRow(`${prefix}${String(index).padStart(15, 'a')}`);
      rows.rows.set(row.id, { ...row, home: { ...row.home, uid: 20_000 + index } });
      return row.id;
    },
    /**
     * Moves time on until `isDone`; time stands still while AWS is at work, and moves on when all that can be done waits.
     * `looks`: how often in a row that must be seen, to leave out the moments in which questions are gathered.
     */
    async until(isDone: () => boolean, step = 200, looks = 1) {
      while (!isDone()) {
        let still = 0;
        const isStill = () => {
          still = going === 0 && clock.timers > 0 ? still + 1 : 0;
          return still >= looks;
        };
        await eventually(() => isDone() || isStill(), { within: 20_000, every: 1 });
        if (!isDone()) await clock.advance(step);
      }
    },
  };
}

test('300 workspaces are made from nothing without one throttled answer, in 1.1 times the floor', async () => {
  const count = 300;
  const { clock, clients, rows, refused, add, until } = await startThrottled();
  const ids = Array.from({ length: count }, (_, index) => add(index));
  const start = clock.now();
  let left = count;
  const passes = ids.map(async id => {
    await rows.pass(id);
    left -= 1;
  });
  await until(() => left === 0);
  await Promise.all(passes);
  const seconds = (clock.now() - start) / 1000;
  clients.destroy();
  expect(refused()).toBe(0);
  expect(world?.calls.counts()).toMatchObject({ RegisterTaskDefinition: count, CreateTargetGroup: count });
  expect(seconds).toBeLessThanOrEqual(1.1 * floorSeconds(count));
}, 120_000);

test('who asks while 150 workspaces are being made is served within 2 s, in front of them all', async () => {
  const { clock, clients, rows, refused, add, until } = await startThrottled();
  const person = add(999, 'p');
  let ready = false;
  void rows.settle(person).then(() => {
    ready = true;
  });
  await until(() => ready);
  // The buckets are full again before the class begins.
  await clock.advance(60_000);
  const ids = Array.from({ length: 150 }, (_, index) => add(index));
  let left = ids.length;
  const passes = ids.map(async id => {
    await rows.pass(id, false);
    left -= 1;
  });
  // The class has used up what was saved: everything waits in line now.
  await until(() => left < 130);
  const asked = clock.now();
  rows.ask(person, { spec: { running: true, restarts: 0 } });
  let acted = 0;
  const end = world?.calls.listen(({ operation }) => {
    if (operation === 'CreateService') acted = clock.now();
  });
  ready = false;
  void rows.settle(person).then(() => {
    ready = true;
  });
  await until(() => acted > 0, 50, 25);
  const seconds = (acted - asked) / 1000;
  const stillWaiting = left;
  await until(() => ready && left === 0);
  await Promise.all(passes);
  end?.();
  clients.destroy();
  expect(refused()).toBe(0);
  expect(seconds).toBeLessThanOrEqual(2);
  expect(stillWaiting).toBeGreaterThan(50);
}, 120_000);
