import { afterAll, beforeAll, expect, test } from 'vitest';
import { addEvent, addEvents, listEvents } from '../../../api/store/events.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.close());

test('events are listed newest first, of one object or of all, page by page', async () => {
  const event = { kind: 'workspace', tone: 'normal' as const, reason: 'Made', message: 'm' };
  await addEvents(
    database.pool,
    [1, 2, 3].map(n => ({ ...event, about: 'a', message: `m${n}` })),
  );
  await addEvent(database.pool, { ...event, about: 'b', by: 'ada' });
  await addEvents(database.pool, []);
  const all = await listEvents(database.pool, { limit: 10 });
  expect(all.map(({ about, message, by }) => [about, message, by])).toEqual([
    ['b', 'm', 'ada'],
    ['a', 'm3', null],
    ['a', 'm2', null],
    ['a', 'm1', null],
  ]);
  const page = await listEvents(database.pool, { about: 'a', limit: 1, before: all[1]!.id });
  expect(page.map(({ message }) => message)).toEqual(['m2']);
  expect(page[0]!.at).toMatch(/Z$/);
});
