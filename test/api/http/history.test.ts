import { afterAll, beforeAll, expect, test } from 'vitest';
import { usualStartSeconds } from '../../../api/store/usual.ts';
import { type Api, makeClass, type Person, startApi } from './harness.ts';

let api: Api;
let ada: Person;
let bob: Person;
let grace: Person;
const idOf = async (student: string) =>
  (await api.send('GET', `/v1/workspaces?student=${student}`, 'operator')).body.items[0].id as string;

beforeAll(async () => {
  api = await startApi({ ARMADA_UNWALLED: '1' });
  [ada, bob] = (await makeClass(api, ['Ada Lovelace', 'Bob Ross'])) as [Person, Person];
  grace = await api.person('Grace Hopper', 'instructor');
});
afterAll(() => api.close());

test('a course’s history says what happened in it and who did it, to its staff alone', async () => {
  await api.send('PUT', '/v1/cohorts/elsewhere', 'operator', { body: { name: 'Elsewhere' } });
  await api.send('PUT', '/v1/courses/elsewhere', 'operator', { body: { name: 'Elsewhere' } });
  const id = await idOf('ada-lovelace');
  await api.send('PATCH', `/v1/workspaces/${id}`, grace, { body: { spec: { running: true } } });
  await api.database.pool.query(
    `insert into events (kind, about, tone, reason, message) values ('workspace', $1, 'normal', 'Settled', 'As asked.'),
       ('course', (select id from courses where slug = 'elsewhere'), 'normal', 'X', 'Elsewhere.')`,
    [id],
  );
  const all = (await api.send('GET', '/v1/events?course=intro', grace)).body.items;
  expect(all[0]).toMatchObject({ message: 'As asked.', by: null, subject: 'Ada Lovelace' });
  expect(all[1]).toMatchObject({
    ...{ message: 'Asked to start.', by: 'grace-hopper', actor: 'Grace Hopper', subject: 'Ada Lovelace' },
  });
  expect(JSON.stringify(all)).not.toContain('Elsewhere.');
  const people = (await api.send('GET', '/v1/events?course=intro&by=people', grace)).body.items;
  expect(people[0]).toMatchObject({ message: 'Asked to start.' });
  const [first] = (await api.send('GET', '/v1/events?course=intro&limit=1', grace)).body.items;
  const older = await api.send('GET', `/v1/events?course=intro&limit=1&cursor=${first.id}`, grace);
  expect(older.body.items[0]).toMatchObject({ message: 'Asked to start.' });
  expect((await api.send('GET', '/v1/events?course=intro', ada)).status).toBeGreaterThanOrEqual(403);
  expect((await api.send('GET', '/v1/events?course=intro&about=x', grace)).status).toBe(400);
  const stranger = await api.person('Una Known', 'instructor', { stranger: true });
  expect((await api.send('GET', '/v1/events?course=intro', stranger)).status).toBe(404);
});

test('who acted is told by name, else by address; a student learns no address', async () => {
  const { pool } = api.database;
  const actorFor = async (sender: Person) =>
    (await api.send('GET', '/v1/events?about=fall-intro-bob-ross', sender)).body.items[0].actor;
  await api.send('PATCH', '/v1/workspaces/fall-intro-bob-ross', grace, { body: { spec: { running: true } } });
  expect([await actorFor(grace), await actorFor(bob)]).toEqual(['Grace Hopper', 'Grace Hopper']);
  const rename = (name: string) =>
    pool.query(`update people set spec = spec || jsonb_build_object('name', $1::text) where id = $2`, [
      name,
      grace.person.id,
    ]);
  for (const name of ['', grace.person.spec.email]) {
    await rename(name);
    expect([await actorFor(grace), await actorFor(bob)]).toEqual([grace.person.spec.email, null]);
  }
  await rename('Grace Hopper');
  await api.send('PATCH', '/v1/workspaces/fall-intro-bob-ross', bob, { body: { spec: { running: false } } });
  expect([await actorFor(grace), await actorFor(bob)]).toEqual(['Bob Ross', 'Bob Ross']);
  // Whoever has gone is still known by name.
  await pool.query('update people set deleted_at = now() where id = $1', [bob.person.id]);
  expect(await actorFor(grace)).toBe('Bob Ross');
  await pool.query('update people set deleted_at = null where id = $1', [bob.person.id]);
});

test('who waits is told the place in line', async () => {
  const since = (minute: number) => `2026-01-01T10:0${minute}:00.000Z`;
  const [first, second] = await Promise.all(['bob-ross', 'ada-lovelace'].map(idOf));
  for (const [id, minute] of [
    [first, 1],
    [second, 2],
  ] as const) {
    const condition = { type: 'Ready', status: 'False', reason: 'NoRoute', message: '', since: since(minute) };
    await api.database.pool.query(
      `update workspaces set spec = spec || '{"running": true}', status = status || $2::jsonb where id = $1`,
      [id, { conditions: [condition] }],
    );
  }
  expect((await api.send('GET', `/v1/workspaces/${second}`, ada)).body.line).toBe(2);
  const rows = (await api.send('GET', '/v1/workspaces?fields=row', grace)).body.items;
  expect(rows.map((row: { slug: string; line: number }) => row.line).sort()).toEqual([1, 2]);
  expect((await api.send('GET', `/v1/workspaces/${first}`, bob)).body.line).toBe(1);
});

test('a start’s usual time is the median of the course’s last ones, once there are some', async () => {
  const { pool } = api.database;
  const { rows } = await pool.query<{ id: string }>("select id from courses where slug = 'intro'");
  const course = rows[0]!.id;
  await pool.query('delete from events');
  expect(await usualStartSeconds(pool, course)).toBeNull();
  const about = await idOf('bob-ross');
  const add = (reason: string, second: number) =>
    pool.query(
      `insert into events (kind, about, tone, reason, message, at) values ('workspace', $1, 'normal', $2, '', $3)`,
      [about, reason, new Date(Date.UTC(2026, 0, 1) + second * 1000)],
    );
  for (const [at, seconds] of [
    [0, 10],
    [1000, 20],
    [2000, 90],
  ] as const) {
    await add('StartAsked', at);
    await add('Placing', at + 1);
    await add('Settled', at + seconds);
    await add('StopAsked', at + 500);
    await add('Settled', at + 510);
  }
  // One that was given up says nothing of how long it would have taken.
  await add('StartAsked', 3000);
  await add('StopAsked', 3400);
  await add('Settled', 3410);
  expect(await usualStartSeconds(pool, course)).toBe(20);
});

test('without walls the plain pages say so too', async () => {
  for (const path of ['/sign-in', '/sign-in/forgot', '/nothing-here'])
    expect((await api.send('GET', path, undefined, { headers: { accept: 'text/html' } })).text).toContain('no walls');
});
