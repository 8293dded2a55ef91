import { expect, test } from 'vitest';
import { VirtualTime } from './virtual-time.ts';

const never = () => false;

test('time jumps from timer to timer, in their order', async () => {
  const time = new VirtualTime(0);
  const seen: string[] = [];
  time.after(60_000, () => seen.push(`b at ${time.now()}`));
  time.after(500, () => seen.push(`a at ${time.now()}`));
  await time.until(() => seen.length === 2, 100_000, 'both');
  expect(seen).toEqual(['a at 500', 'b at 60000']);
});

test('what takes too long of its time is an error with its name', async () => {
  const time = new VirtualTime(0);
  const again = () => void time.after(1_000, again);
  again();
  await expect(time.until(never, 10_000, 'the impossible')).rejects.toThrow('the impossible: not within 10 s');
});

test('a loop of timers that take no time is an error, and not a hang', async () => {
  const time = new VirtualTime(0);
  const again = () => void time.after(0, again);
  again();
  await expect(time.until(never, 10_000, 'rest')).rejects.toThrow('no time passes');
  await expect(time.pass(10_000)).rejects.toThrow('no time passes');
});

test('a loop that is always at something is an error, and not a hang', async () => {
  const time = new VirtualTime(0);
  let ended = false;
  const spin = () => {
    time.stir();
    if (!ended) setImmediate(spin);
  };
  spin();
  await expect(time.settle()).rejects.toThrow('goes on and on');
  ended = true;
});
