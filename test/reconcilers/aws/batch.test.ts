import { expect, test } from 'vitest';
import { Batch } from '../../../reconcilers/aws/batch.ts';

test('questions of a moment are asked in as few calls as they fit in, each once', async () => {
  const calls: (readonly number[])[] = [];
  const batch = new Batch<number, number>({ size: 10 }, async questions => {
    calls.push(questions);
    return question => question * 2;
  });
  const questions = [...Array.from({ length: 25 }, (_, i) => i), 3, 3];
  const answers = await Promise.all(questions.map(question => batch.ask(question)));
  expect(answers).toEqual(questions.map(question => question * 2));
  expect(calls.map(({ length }) => length)).toEqual([10, 10, 5]);
});

test('a call that fails fails all who waited for it, and nobody after', async () => {
  let fails = true;
  const batch = new Batch<number, number>({ size: 10 }, async () => {
    if (fails) throw new Error('page lost');
    return question => question;
  });
  const results = await Promise.allSettled([batch.ask(1), batch.ask(2)]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  fails = false;
  expect(await batch.ask(1)).toBe(1);
});

test('no answer began before its question: what is asked during a read shares the next one', async () => {
  let world = 'old';
  const gates: (() => void)[] = [];
  const batch = new Batch<string, string>({ size: Number.POSITIVE_INFINITY, alone: true }, async () => {
    const read = world;
    await new Promise<void>(resolve => gates.push(resolve));
    return () => read;
  });
  const first = batch.ask('a');
  while (gates.length === 0) await new Promise(resolve => setImmediate(resolve));
  world = 'new';
  const later = [batch.ask('a'), batch.ask('b'), batch.ask('c')];
  gates[0]?.();
  expect(await first).toBe('old');
  while (gates.length === 1) await new Promise(resolve => setImmediate(resolve));
  gates[1]?.();
  expect(await Promise.all(later)).toEqual(['new', 'new', 'new']);
  expect(gates).toHaveLength(2);
});
