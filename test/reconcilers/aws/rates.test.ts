import { afterEach, describe, expect, test } from 'vitest';
import { createGateway, type Gateway, markUrgency, withSignal } from '../../../reconcilers/aws/rates.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { floorSeconds, startThrottled, type Throttled } from '../throttled.ts';

let world: Throttled | undefined;
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

test('300 workspaces are made from nothing without one throttled answer, in 1.1 times the floor', async () => {
  const count = 300;
  world = await startThrottled();
  const { clock, calls, rows, refused, add, until } = world;
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
  expect(refused()).toBe(0);
  expect(calls.counts()).toMatchObject({ RegisterTaskDefinition: count, CreateTargetGroup: count });
  expect(seconds).toBeLessThanOrEqual(1.1 * floorSeconds(count));
});

test('who asks while 150 workspaces are being made is served within 2 s, in front of them all', async () => {
  world = await startThrottled();
  const { clock, calls, rows, refused, add, until } = world;
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
  const end = calls.listen(({ operation }) => {
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
  end();
  expect(refused()).toBe(0);
  expect(seconds).toBeLessThanOrEqual(2);
  expect(stillWaiting).toBeGreaterThan(50);
});
