import { expect, test } from 'vitest';
import { Batch } from '../../../reconcilers/aws/batch.ts';
import { withSignal } from '../../../reconcilers/aws/rates.ts';

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

test('who gives up is told at once; those who share the call have their answer', async () => {
  const gate = Promise.withResolvers<void>();
  const batch = new Batch<string, string>({ size: 10 }, async () => {
    await gate.promise;
    return question => `answer to ${question}`;
  });
  const reason = new Error('the pass took too long');
  const leaving = new AbortController();
  const first = withSignal(leaving.signal, () => batch.ask('a'));
  const second = batch.ask('a');
  leaving.abort(reason);
  await expect(first).rejects.toBe(reason);
  await expect(withSignal(leaving.signal, () => batch.ask('b'))).rejects.toBe(reason);
  gate.resolve();
  expect(await second).toBe('answer to a');
});

test('a person does not wait for the read of a resync, and takes none of its questions along', async () => {
  const asked: { questions: readonly string[]; urgent: boolean }[] = [];
  const gate = Promise.withResolvers<void>();
  const batch = new Batch<string, string>({ size: 100, alone: true }, async (questions, urgent) => {
    asked.push({ questions, urgent });
    if (!urgent) await gate.promise;
    return question => question;
  });
  const resync = ['a', 'b'].map(question => batch.ask(question, false));
  while (asked.length === 0) await new Promise(resolve => setImmediate(resolve));
  const late = batch.ask('c', false);
  expect(await batch.ask('person', true)).toBe('person');
  gate.resolve();
  expect(await Promise.all([...resync, late])).toEqual(['a', 'b', 'c']);
  expect(asked).toEqual([
    { questions: ['a', 'b'], urgent: false },
    { questions: ['person'], urgent: true },
    { questions: ['c'], urgent: false },
  ]);
});

test('whoever waits for company is answered at once when told to hurry', async () => {
  const asked: string[][] = [];
  const batch = new Batch<string, string>({ size: 10 }, async questions => {
    asked.push([...questions]);
    return question => question.toUpperCase();
  });
  const answers = Promise.all([batch.ask('a', false), batch.ask('b', false)]);
  batch.hurry();
  await Promise.resolve();
  expect(asked).toEqual([['a', 'b']]);
  expect(await answers).toEqual(['A', 'B']);
});
