import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Again, Queue, type Urgency } from '../../controller/queue.ts';
import '../support/seed.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A queue whose work ends when it is told to. */
function createBench(concurrency: number) {
  const running = new Map<string, { resolve(again?: Again): void; reject(error: Error): void }>();
  const started: string[] = [];
  const urgencies: Urgency[] = [];
  let twice = false;
  let most = 0;
  const queue = new Queue({
    concurrency,
    failed: () => ({ seconds: 3, urgency: 'background' }),
    work(key, urgency) {
      if (running.has(key)) twice = true;
      started.push(key);
      urgencies.push(urgency);
      const { promise, resolve, reject } = Promise.withResolvers<Again | undefined>();
      const end = (finish: () => void) => {
        running.delete(key);
        finish();
      };
      running.set(key, { resolve: again => end(() => resolve(again)), reject: error => end(() => reject(error)) });
      most = Math.max(most, running.size);
      return promise;
    },
  });
  return {
    queue,
    running,
    started,
    urgencies,
    async end(key: string, again?: Again) {
      running.get(key)!.resolve(again);
      await vi.advanceTimersByTimeAsync(0);
    },
    async fail(key: string) {
      running.get(key)!.reject(new Error('x'));
      await vi.advanceTimersByTimeAsync(0);
    },
    get twice() {
      return twice;
    },
    get most() {
      return most;
    },
  };
}
const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1000);

describe('a key', () => {
  test('is worked on once, however often it was added before', async () => {
    const bench = createBench(1);
    bench.queue.add('other', 'background');
    for (let i = 0; i < 5; i += 1) bench.queue.add('a', 'background');
    await bench.end('other');
    await bench.end('a');
    await pass(100);
    expect(bench.started).toEqual(['other', 'a']);
  });

  test('is worked on again, and only then, when it was added while it ran', async () => {
    const bench = createBench(4);
    bench.queue.add('a', 'background');
    bench.queue.add('a', 'background');
    bench.queue.add('a', 'urgent');
    expect(bench.started).toEqual(['a']);
    await bench.end('a');
    expect(bench.started).toEqual(['a', 'a']);
    expect(bench.urgencies).toEqual(['background', 'urgent']);
    await bench.end('a');
    await pass(100);
    expect(bench.started).toEqual(['a', 'a']);
  });

  test('that a person waits for goes ahead, also when it was waiting already', async () => {
    const bench = createBench(1);
    bench.queue.add('first', 'background');
    for (const key of ['a', 'b', 'c']) bench.queue.add(key, 'background');
    bench.queue.add('person', 'urgent');
    bench.queue.add('c', 'urgent');
    for (const key of ['first', 'person', 'c', 'a', 'b']) await bench.end(key);
    expect(bench.started).toEqual(['first', 'person', 'c', 'a', 'b']);
    expect(bench.urgencies).toEqual(['background', 'urgent', 'urgent', 'background', 'background']);
  });

  test('is due at the earliest of its times', async () => {
    const bench = createBench(1);
    bench.queue.addAfter('a', { seconds: 10, urgency: 'urgent' });
    bench.queue.addAfter('a', { seconds: 5, urgency: 'background' });
    bench.queue.addAfter('a', { seconds: 20, urgency: 'background' });
    await pass(4.9);
    expect(bench.started).toEqual([]);
    await pass(0.2);
    expect(bench.urgencies).toEqual(['urgent']);
    await bench.end('a');
    await pass(100);
    expect(bench.started).toEqual(['a']);
  });

  test('is looked at again when its work says so, or at once if it was added meanwhile', async () => {
    const bench = createBench(1);
    bench.queue.add('a', 'urgent');
    await bench.end('a', { seconds: 5, urgency: 'background' });
    await pass(4);
    expect(bench.started).toHaveLength(1);
    await pass(2);
    expect(bench.started).toHaveLength(2);
    bench.queue.add('a', 'background');
    await bench.end('a', { seconds: 5, urgency: 'background' });
    expect(bench.started).toHaveLength(3);
    await bench.end('a');
    await pass(100);
    expect(bench.started).toHaveLength(3);
  });

  test('whose work throws is tried again when `failed` says', async () => {
    const bench = createBench(1);
    bench.queue.add('a', 'urgent');
    await bench.fail('a');
    await pass(2.9);
    expect(bench.started).toHaveLength(1);
    await pass(0.2);
    expect(bench.started).toHaveLength(2);
  });
});

test('a stopped queue waits for what runs and starts nothing more', async () => {
  const bench = createBench(1);
  bench.queue.add('a', 'urgent');
  bench.queue.add('b', 'urgent');
  bench.queue.addAfter('c', { seconds: 1, urgency: 'urgent' });
  let stopped = false;
  const stopping = bench.queue.stop().then(() => {
    stopped = true;
  });
  bench.queue.add('a', 'urgent');
  await pass(10);
  expect(stopped).toBe(false);
  await bench.end('a', { seconds: 1, urgency: 'urgent' });
  await stopping;
  await pass(100);
  expect(bench.started).toEqual(['a']);
  expect(vi.getTimerCount()).toBe(0);
});

test('whatever is added, ends, fails and passes: what is owed runs, never twice at once, never above the limit', async () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const urgency = fc.constantFrom<Urgency>('background', 'urgent');
  const again = fc.option(fc.record({ seconds: fc.constantFrom(0, 1, 5), urgency }), { nil: undefined });
  const command = fc.oneof(
    fc.record({ type: fc.constant('add' as const), key, urgency }),
    fc.record({ type: fc.constant('later' as const), key, seconds: fc.nat(8), urgency }),
    fc.record({ type: fc.constant('end' as const), key, again }),
    fc.record({ type: fc.constant('fail' as const), key }),
    fc.record({ type: fc.constant('pass' as const), seconds: fc.nat(6) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), async (commands, limit) => {
      const bench = createBench(limit);
      // By when each key must have been started once more: the model is no more than this.
      const owed = new Map<string, number>();
      let seen = 0;
      const now = () => performance.now();
      const owe = (of: string, seconds: number) =>
        owed.set(of, Math.min(owed.get(of) ?? Number.POSITIVE_INFINITY, now() + seconds * 1000));
      const look = () => {
        for (const begun of bench.started.slice(seen)) {
          const due = owed.get(begun);
          expect(due, `${begun} ran without being owed`).toBeDefined();
          expect(due, `${begun} ran early`).toBeLessThanOrEqual(now());
          owed.delete(begun);
        }
        seen = bench.started.length;
        // While there is room, nothing that is due is kept waiting.
        if (bench.running.size < limit)
          for (const [of, due] of owed)
            expect(bench.running.has(of) || due > now(), `${of} is kept waiting`).toBe(true);
      };
      for (const step of commands) {
        if (step.type === 'add') {
          owe(step.key, 0);
          bench.queue.add(step.key, step.urgency);
        } else if (step.type === 'later') {
          owe(step.key, step.seconds);
          bench.queue.addAfter(step.key, step);
        } else if (step.type === 'pass') {
          for (let second = 0; second < step.seconds; second += 1) {
            await pass(1);
            look();
          }
        } else if (bench.running.has(step.key)) {
          const ended = bench.running.get(step.key)!;
          if (step.type === 'fail') owe(step.key, 3);
          else if (step.again) owe(step.key, step.again.seconds);
          if (step.type === 'fail') ended.reject(new Error('x'));
          else ended.resolve(step.again);
        }
        await pass(0);
        look();
      }
      for (let round = 0; owed.size > 0 && round < 200; round += 1) {
        for (const ended of [...bench.running.values()]) ended.resolve();
        await pass(1);
        look();
      }
      expect([...owed.keys()]).toEqual([]);
      expect(bench.twice).toBe(false);
      expect(bench.most).toBeLessThanOrEqual(limit);
    }),
    { numRuns: 150 },
  );
});

test('a queue tells its depth by phase and how long the oldest has waited by urgency', async () => {
  let now = 0;
  const open = Promise.withResolvers<undefined>();
  const queue = new Queue({ concurrency: 1, work: () => open.promise, failed: () => undefined, now: () => now });
  queue.add('runs', 'background');
  queue.add('waits', 'background');
  now = 2_000;
  queue.add('person', 'urgent');
  queue.addAfter('later', { seconds: 60, urgency: 'background' });
  now = 5_000;
  expect(queue.look()).toEqual({
    waiting: 2,
    running: 1,
    later: 1,
    oldestSeconds: { background: 5, urgent: 3 },
  });
  open.resolve(undefined);
  await queue.stop();
  expect(queue.look()).toMatchObject({ waiting: 0, running: 0, later: 0 });
});

test('what is worked on in the background is told to hurry as soon as a person asks for it, and no other', async () => {
  const hurries = new Map<string, AbortSignal>();
  const ends = new Map<string, () => void>();
  const queue = new Queue({
    concurrency: 4,
    work: (key, _urgency, hurry) => {
      hurries.set(key, hurry);
      return new Promise(resolve => ends.set(key, () => resolve(undefined)));
    },
    failed: () => undefined,
  });
  queue.add('a', 'background');
  queue.add('b', 'background');
  await vi.waitFor(() => expect(ends.size).toBe(2));
  queue.add('a', 'background');
  expect(hurries.get('a')?.aborted).toBe(false);
  queue.add('a', 'urgent');
  expect([hurries.get('a')?.aborted, hurries.get('b')?.aborted]).toEqual([true, false]);
  for (const end of ends.values()) end();
  await vi.waitFor(() => expect(hurries.get('a')?.aborted).toBe(false));
  ends.get('a')?.();
  await queue.stop();
});

test('urgent keys have room of their own: no background work is waited for, and none is done twice', async () => {
  const ends = new Map<string, () => void>();
  const started: string[] = [];
  const queue = new Queue({
    concurrency: 2,
    reserved: 1,
    failed: () => undefined,
    work(key, urgency) {
      started.push(`${key} ${urgency}`);
      return new Promise(resolve => ends.set(key, () => resolve(undefined)));
    },
  });
  for (const key of ['a', 'b', 'c', 'd']) queue.add(key, 'background');
  await vi.advanceTimersByTimeAsync(0);
  expect(started).toEqual(['a background', 'b background']);
  queue.add('c', 'urgent');
  queue.add('e', 'urgent');
  await vi.advanceTimersByTimeAsync(0);
  expect(started.slice(2)).toEqual(['c urgent']);
  ends.get('c')?.();
  await vi.advanceTimersByTimeAsync(0);
  expect(started.slice(3)).toEqual(['e urgent']);
  for (const key of ['a', 'b', 'e']) ends.get(key)?.();
  await vi.advanceTimersByTimeAsync(0);
  expect(started.slice(4)).toEqual(['d background']);
  ends.get('d')?.();
  await queue.stop();
});
