import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSession, endSession, findSession } from '../../../api/store/sessions.ts';
import { createToken, findToken } from '../../../api/store/tokens.ts';
import { addStudent } from '../../support/class-rows.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.close());

const start = new Date('2026-09-01T08:00:00Z');
const after = (hours: number) => new Date(start.getTime() + hours * 3_600_000);

test('a session stands for twelve hours and no longer', async () => {
  const ada = await addStudent(database.pool);
  const { cookie } = await createSession(database.pool, ada.id, start);
  expect(await findSession(database.pool, cookie, after(11.9))).toMatchObject({ person: { id: ada.id }, staffOf: [] });
  expect(await findSession(database.pool, cookie, after(12.1))).toBeUndefined();
  await createSession(database.pool, ada.id, after(13));
  expect((await database.pool.query('select 1 from sessions')).rowCount).toBe(1);
});

test('another cookie, an ended session, a deleted or disabled person are nobody', async () => {
  const ada = await addStudent(database.pool);
  const { cookie } = await createSession(database.pool, ada.id, start);
  const found = () => findSession(database.pool, cookie, start);
  expect(await findSession(database.pool, `${cookie}x`, start)).toBeUndefined();
  expect(await findSession(database.pool, '', start)).toBeUndefined();
  expect((await found())?.person.slug).toBe(ada.slug);
  await database.pool.query(`update people set spec = spec || '{"disabled": true}' where id = $1`, [ada.id]);
  expect(await found()).toBeUndefined();
  await database.pool.query(`update people set spec = spec || '{"disabled": false}' where id = $1`, [ada.id]);
  const { id } = (await found())!;
  await database.pool.query('update people set deleted_at = now() where id = $1', [ada.id]);
  expect(await found()).toBeUndefined();
  await database.pool.query('update people set deleted_at = null where id = $1', [ada.id]);
  expect(await found()).toBeDefined();
  await endSession(database.pool, id);
  expect(await found()).toBeUndefined();
});

test('a token stands until its day', async () => {
  const { value } = await createToken(database.pool, {
    personId: null,
    name: 'CI',
    scopes: ['courses:read'],
    expiresAt: after(24).toISOString(),
  });
  expect(await findToken(database.pool, value, after(23))).toMatchObject({
    person: undefined,
    scopes: ['courses:read'],
  });
  expect(await findToken(database.pool, value, after(25))).toBeUndefined();
});
