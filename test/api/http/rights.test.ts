import { fastify } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Role, registerRights, rights } from '../../../api/http/auth.ts';
import { pageRights } from '../../../api/resources/boot.ts';
import { createSession } from '../../../api/store/sessions.ts';
import { type Api, makeClass, type Person, type Sender, startApi } from './harness.ts';
import { watchAs } from './stream.ts';

let api: Api;
let senders: Record<Role, Sender>;
let ada: Person;
beforeAll(async () => {
  api = await startApi();
  const [first, bob] = await makeClass(api, ['Ada Lovelace', 'Bob Ross']);
  ada = first!;
  const staff = await api.person('Tara Staff');
  await api.send('PUT', `/v1/courses/intro/staff/${staff.person.slug}`, 'operator');
  const [workspace] = (await api.send('GET', '/v1/workspaces?student=ada-lovelace', 'operator')).body.items;
  senders = {
    anonymous: undefined,
    student: bob,
    staff,
    instructor: await api.person('Grace Hopper', 'instructor'),
    operator: 'operator',
    gate: { bearer: api.keys.heartbeatToken(workspace.id) },
  };
});
afterAll(() => api.close());

const roles: readonly Role[] = ['anonymous', 'student', 'staff', 'instructor', 'operator', 'gate'];

/** The same person in another browser, which may sign out. */
async function again(sender: Sender): Promise<Sender> {
  if (typeof sender !== 'object' || 'bearer' in sender) return sender;
  const { cookie } = await createSession(api.database.pool, sender.person.id, new Date());
  return { ...sender, cookie: `__Host-armada-session=${cookie}` };
}

/** A stream has no end to wait for: its head says who is let in. */
async function watched(sender: Sender): Promise<{ status: number }> {
  const stream = await watchAs(api, sender);
  stream.close();
  return stream;
}

/** Paths that name nothing, so that who is let in gets an ordinary answer and nothing is changed. */
const concrete = (route: string) =>
  route.replace('::', ':').replace(/:(\w+)/g, (whole, name) => (route.includes(`::${name}`) ? whole : 'nothing'));

describe('V5: the table of rights', () => {
  test('has no row without a route', () => {
    for (const row of Object.keys(rights)) {
      const [method, url] = row.split(' ') as ['GET', string];
      expect(api.app.hasRoute({ method, url }), row).toBe(true);
    }
  });

  test('has every row that a page asks about', () => {
    for (const right of pageRights) expect(rights).toHaveProperty([right]);
  });

  test.each(['staff', 'instructor', 'student'] as const)('is what a page hands to %s', async role => {
    const { text } = await api.send('GET', '/', senders[role], { headers: { accept: 'text/html' } });
    // A student of one class is sent on to its workspace.
    const page = text === '' ? (await api.send('GET', '/?stay', senders[role])).text : text;
    const { may, person } = JSON.parse(/<script [^>]*id="boot"[^>]*>([^<]*)</.exec(page)![1]!);
    expect(person.role).toBe(role);
    expect(may).toEqual(pageRights.filter(right => rights[right]![role] !== undefined));
  });

  for (const route of Object.keys(rights)) {
    for (const role of roles) {
      const granted = rights[route]![role] !== undefined;
      test(`${route} ${granted ? 'lets in' : 'refuses'} ${role}`, async () => {
        const [method, path] = route.split(' ') as [string, string];
        const body = ['PUT', 'PATCH', 'POST'].includes(method) ? { body: {} } : {};
        const sender = route === 'POST /sign-out' ? await again(senders[role]) : senders[role];
        const { status } = await (route === 'GET /v1/watch'
          ? watched(sender)
          : api.send(method, concrete(path), sender, body));
        if (granted) {
          expect([401, 421, 405, 500]).not.toContain(status);
          if (status === 403) expect(route).toBe('GET /v1/events');
        } else expect(status).toBe(role === 'anonymous' ? 401 : 403);
      });
    }
  }

  test('a route without a row is not built', () => {
    const app = fastify();
    registerRights(app);
    expect(() => app.get('/v1/forgotten', async () => ({}))).toThrow('table of rights');
    expect(() => app.get('/healthz', async () => ({}))).not.toThrow();
  });
});

describe('what a right reaches', () => {
  const get = (url: string, as: Sender) => api.send('GET', url, as);

  test('a student sees own workspaces and no word of others', async () => {
    const { body, text } = await get('/v1/workspaces', senders.student);
    expect(body.items.map((each: { slug: string }) => each.slug)).toEqual(['fall-intro-bob-ross']);
    expect(text).not.toMatch(/ada/i);
    for (const url of [
      '/v1/workspaces/fall-intro-ada-lovelace',
      '/v1/students/ada-lovelace',
      '/v1/events?about=fall-intro-ada-lovelace',
    ]) {
      const { status, text: said } = await get(url, senders.student);
      expect(status, url).toBe(404);
      expect(said).not.toMatch(/@school|Lovelace/);
    }
    expect((await get('/v1/students/bob-ross', senders.student)).status).toBe(200);
  });

  test('a student starts their own workspace and nobody else’s', async () => {
    const start = { body: { spec: { running: true } } };
    const other = await api.send('PATCH', '/v1/workspaces/fall-intro-ada-lovelace', senders.student, start);
    expect(other.status).toBe(404);
    const many = await api.send('POST', '/v1/workspaces:start', senders.student, {
      body: { ids: ['fall-intro-ada-lovelace', 'fall-intro-bob-ross'] },
    });
    expect(many.status).toBe(200);
    expect(many.body.results).toMatchObject([
      { slug: 'fall-intro-bob-ross', ok: true },
      { id: 'fall-intro-ada-lovelace', ok: false, problem: { status: 404 } },
    ]);
    const { body } = await get('/v1/workspaces', 'operator');
    expect(body.items.map((each: { spec: { running: boolean } }) => each.spec.running)).toEqual([false, true]);
  });

  test('staff see and start the workspaces of their course, and no other course', async () => {
    await api.send('PUT', '/v1/courses/secret', 'operator', { body: { name: 'Secret' } });
    await api.send('PUT', '/v1/cohorts/other', 'operator', { body: { name: 'Other' } });
    await api.send('PUT', '/v1/courses/secret/cohorts/other', 'operator');
    await api.send('PUT', '/v1/cohorts/other/students/bob-ross', 'operator');
    const { body } = await get('/v1/workspaces', senders.staff);
    expect(body.items.map((each: { slug: string }) => each.slug)).toEqual([
      'fall-intro-ada-lovelace',
      'fall-intro-bob-ross',
    ]);
    expect((await get('/v1/workspaces/other-secret-bob-ross', senders.staff)).status).toBe(404);
    expect((await get('/v1/courses/secret', senders.staff)).status).toBe(404);
    expect((await get('/v1/cohorts/other', senders.staff)).status).toBe(404);
    expect((await get('/v1/cohorts', senders.staff)).body.items).toHaveLength(1);
    expect((await get('/v1/cohorts/fall/students', senders.staff)).body.items).toHaveLength(2);
    const all = await api.send('POST', '/v1/workspaces:start', senders.staff, { body: { course: 'secret' } });
    expect(all.body.results).toEqual([]);
  });

  test('a disabled person is out at once', async () => {
    expect((await get('/v1/me', ada)).body).toMatchObject({
      slug: 'ada-lovelace',
      role: 'student',
      email: 'ada.lovelace@school.edu',
    });
    await api.send('PATCH', '/v1/students/ada-lovelace', 'operator', { body: { spec: { disabled: true } } });
    expect((await get('/v1/me', ada)).status).toBe(401);
  });

  test('a token opens what its scopes say, in its course, until it is revoked', async () => {
    const { body: made } = await api.send('POST', '/v1/tokens', senders.instructor, {
      body: { name: 'CI', scopes: ['workspaces:write@intro', 'courses:read'] },
    });
    const token = { bearer: made.value };
    expect((await get('/v1/workspaces', token)).body.items).toHaveLength(2);
    expect((await get('/v1/workspaces/other-secret-bob-ross', token)).status).toBe(404);
    expect((await get('/v1/courses/intro', token)).status).toBe(200);
    expect((await get('/v1/courses/secret', token)).status).toBe(404);
    expect((await api.send('PUT', '/v1/courses/new', token, { body: { name: 'x' } })).status).toBe(403);
    expect((await get('/v1/cohorts', token)).status).toBe(403);
    const { rows } = await api.database.pool.query('select hash from tokens');
    expect(JSON.stringify(rows)).not.toContain(made.value);
    expect((await get('/v1/tokens', senders.instructor)).text).not.toContain(made.value);
    await api.send('DELETE', `/v1/tokens/${made.id}`, senders.instructor);
    expect((await get('/v1/workspaces', token)).status).toBe(401);
    expect((await get('/v1/workspaces', { bearer: 'nonsense' })).status).toBe(401);
  });
});
