import { expect, test } from 'vitest';
import { together } from '../../../../infra/local/aws/ecs/drivers/together.ts';

test('what is asked for in one turn, or while others are under way, is done together, at most so many', async () => {
  const calls: (readonly number[])[] = [];
  const first = Promise.withResolvers<void>();
  const ask = together<number>(async jobs => {
    calls.push(jobs);
    if (calls.length === 1) await first.promise;
  }, 3);
  const early = [ask(1), ask(2)];
  await Promise.resolve();
  await Promise.resolve();
  const late = [3, 4, 5, 6].map(ask);
  first.resolve();
  await Promise.all([...early, ...late]);
  expect(calls).toEqual([[1, 2], [3, 4, 5], [6]]);
});

test('one that fails is told so, and nobody else', async () => {
  const calls: (readonly string[])[] = [];
  const ask = together<string>(async jobs => {
    calls.push(jobs);
    if (jobs.includes('bad')) throw new Error('no');
  }, 10);
  const outcomes = await Promise.allSettled(['good', 'bad', 'fine'].map(ask));
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(calls).toEqual([['good', 'bad', 'fine'], ['good'], ['bad'], ['fine']]);
  await ask('later');
  expect(calls.at(-1)).toEqual(['later']);
});
