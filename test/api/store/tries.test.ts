import { afterAll, beforeAll, expect, test } from 'vitest';
import { createMails, mailsLeft } from '../../../api/store/mails.ts';
import { countTry, forgetTries } from '../../../api/store/tries.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.close());

const start = Date.UTC(2027, 0, 4, 23, 50);
const at = (seconds: number) => new Date(start + seconds * 1000);
const limit = (key: string, max = 3, seconds = 60) => [{ key, max, seconds }];

test('tries of all processes are one count, however they come together', async () => {
  const answers = await Promise.all(Array.from({ length: 8 }, () => countTry(database.pool, limit('together'), at(0))));
  expect(answers.filter(answer => answer === undefined)).toHaveLength(3);
  expect(answers.filter(answer => answer === 60)).toHaveLength(5);
});

test('a window ends at its time, whatever is tried meanwhile', async () => {
  for (let number = 0; number < 5; number += 1) await countTry(database.pool, limit('window'), at(number * 10));
  expect(await countTry(database.pool, limit('window'), at(59))).toBe(1);
  expect(await countTry(database.pool, limit('window'), at(60))).toBeUndefined();
});

test('of several limits the longest wait is told', async () => {
  const both = [...limit('short', 0, 10), ...limit('long', 0, 100)];
  expect(await countTry(database.pool, both, at(0))).toBe(100);
  await forgetTries(database.pool, at(11));
  const { rows } = await database.pool.query("select key from tries where key in ('short', 'long')");
  expect(rows).toEqual([{ key: 'long' }]);
});

test('a day has so many mails, and the next has them again', async () => {
  const mails = createMails(database.pool, 2);
  const mail = { round: 1, seenAt: at(0) };
  expect(await mails.ask('nobody1', mail, at(0)).catch(() => 'no such person')).toBe('no such person');
  await database.pool.query(
    `insert into people (id, slug, role, email, spec, status)
     select 'p' || n, 'p' || n, 'student', 'p' || n || '@school.edu', '{}', '{}' from generate_series(1, 3) n`,
  );
  expect(await mails.ask('p1', mail, at(0))).toBe(true);
  expect(await mails.ask('p2', mail, at(0))).toBe(true);
  expect(await mails.ask('p3', mail, at(0))).toBe(false);
  expect([await mails.left(at(0)), await mailsLeft(database.pool, 2, at(0))]).toEqual([false, 0]);
  await mails.takeBack('p2');
  expect(await mails.ask('p3', mail, at(0))).toBe(true);
  expect(await mails.last('p2')).toBeUndefined();
  await mails.sent('p3', at(1));
  expect(await mails.last('p3')).toEqual({ ...mail, sentAt: at(1) });
  expect(await mails.left(at(600))).toBe(true);
  mails.usedUp(at(600));
  expect(await mails.left(at(601))).toBe(false);
  expect(await mails.left(at(600 + 3600))).toBe(true);
});
