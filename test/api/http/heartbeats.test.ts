import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Heartbeat } from '../../../api/resources/entrance.ts';
import { type Api, makeClass, type Person, startApi } from './harness.ts';

let api: Api;
let ada: Person;
let bob: Person;
let id: string;
beforeAll(async () => {
  api = await startApi();
  [ada, bob] = (await makeClass(api, ['Ada Lovelace', 'Bob Ross'])) as [Person, Person];
  id = (await api.send('GET', '/v1/workspaces?student=ada-lovelace', 'operator')).body.items[0].id;
});
afterAll(() => api.close());

const beat: Heartbeat = { ready: true, problem: null, active: true, marked: false, visitors: [] };
const report = (change: Partial<Heartbeat> = {}, token = api.keys.heartbeatToken(id)) =>
  api.send(
    'POST',
    '/v1/heartbeats',
    { bearer: token },
    { body: { ...beat, ...change }, headers: { host: '127.0.0.1:3000' } },
  );
const workspace = async () => (await api.send('GET', `/v1/workspaces/${id}`, 'operator')).body;

async function visitor({ person, cookie }: Person) {
  const hash = createHash('sha256').update(cookie.split('=')[1]!).digest('hex');
  const { rows } = await api.database.pool.query('select sid from sessions where id = $1', [hash]);
  return { sub: person.id, sid: rows[0].sid as string };
}

test('a heartbeat is what the workspace reports, and activity is remembered', async () => {
  expect((await report()).body).toEqual({ mayMark: true, revoked: [] });
  const { reported } = await workspace();
  expect(reported).toMatchObject({ ready: true, problem: null, activeAt: reported.at });
  await report({ active: false, ready: false, problem: 'HomeInUse' });
  expect((await workspace()).reported).toMatchObject({
    ready: false,
    problem: 'HomeInUse',
    activeAt: reported.activeAt,
  });
});

test('what the IDE wrote last is kept for its student and for staff of its course, and for nobody else', async () => {
  const path = `/v1/workspaces/${id}/log`;
  expect((await api.send('GET', path, 'operator')).body).toEqual({ at: null, lines: [] });
  await report({ log: 'one\ntwo\n' });
  await report({ ready: false });
  const { body } = await api.send('GET', path, ada);
  expect(body).toEqual({ at: expect.any(String), lines: ['one', 'two'] });
  expect((await api.send('GET', path, bob)).status).toBe(404);
});

test('a home is marked once', async () => {
  expect((await report()).body.mayMark).toBe(true);
  expect((await report({ marked: true })).body.mayMark).toBe(false);
  expect((await report({ marked: false })).body.mayMark).toBe(false);
  expect((await workspace()).home.marked).toBe(true);
});

test('who has a right may stay; who lost session or right must go', async () => {
  const grace = await api.person('Grace Hopper', 'instructor');
  const staff = await api.person('Tara Staff');
  await api.send('PUT', '/v1/courses/intro/staff/tara-staff', 'operator');
  const [owner, other, instructor, assistant] = await Promise.all([ada, bob, grace, staff].map(visitor));
  // A session that may come in, under the name of another who may.
  const forged = { sub: ada.person.id, sid: instructor!.sid };
  const visitors = [owner!, other!, instructor!, assistant!, { sub: ada.person.id, sid: 'unknown' }];
  expect((await report({ visitors })).body.revoked.sort()).toEqual([other!.sid, 'unknown'].sort());
  expect((await report({ visitors: [forged] })).body.revoked).toEqual([forged.sid]);

  await api.send('POST', '/sign-out', grace);
  await api.send('DELETE', '/v1/courses/intro/staff/tara-staff', 'operator');
  expect((await report({ visitors: [owner!, instructor!, assistant!] })).body.revoked.sort()).toEqual(
    [instructor!.sid, assistant!.sid].sort(),
  );
  await api.database.pool.query('update people set spec = spec || \'{"disabled": true}\' where id = $1', [
    ada.person.id,
  ]);
  expect((await report({ visitors: [owner!] })).body.revoked).toEqual([owner!.sid]);
  await api.database.pool.query('update people set spec = spec || \'{"disabled": false}\' where id = $1', [
    ada.person.id,
  ]);
  expect((await report({ visitors: [owner!] })).body.revoked).toEqual([]);
  await api.send('DELETE', `/v1/workspaces/${id}`, 'operator');
  expect((await report({ visitors: [owner!] })).body).toEqual({ mayMark: false, revoked: [owner!.sid] });
  await api.database.pool.query('delete from workspaces where id = $1', [id]);
  expect((await report({ visitors: [owner!] })).body).toEqual({ mayMark: false, revoked: [owner!.sid] });
});

test('a token of another workspace, a changed one, and a report that is none are refused', async () => {
  const token = api.keys.heartbeatToken(id);
  for (const wrong of [`${token}x`, token.slice(0, -1), `other.${token.split('.')[1]}`, token.split('.')[1]!, 'x']) {
    expect((await report({}, wrong)).status).toBe(401);
  }
  expect((await report({ visitors: 'x' as never })).status).toBe(400);
  expect((await report({ extra: 1 } as never)).status).toBe(400);
});
