import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Api, type Got, makeClass, type Person, startApi } from './harness.ts';

let api: Api;
let ada: Person;
let bob: Person;
beforeAll(async () => {
  api = await startApi();
  [ada, bob] = (await makeClass(api, ['Ada Lovelace', 'Bob Ross'])) as [Person, Person];
});
afterAll(() => api.close());
beforeEach(() => {
  api.identity.accounts.clear();
  api.identity.accounts.set('ada.lovelace@school.edu', { password: 'temp-1', temporary: true, groups: [] });
});

const page = { accept: 'text/html' };
const post = (url: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
  api.send('POST', url, undefined, { form, headers: { ...page, ...headers } });

/** The cookies that an answer sets, for the next request. */
function cookiesOf({ headers }: Got): string {
  return [headers['set-cookie'] ?? []]
    .flat()
    .map(cookie => cookie.split(';')[0])
    .join('; ');
}

describe('signing in', () => {
  test('with a mailed password leads to a new one, and then to where one wanted to go', async () => {
    const first = await post('/sign-in', {
      email: ' Ada.Lovelace@School.edu ',
      password: 'temp-1',
      next: '/wake/fall-intro-ada-lovelace',
    });
    expect(first.status).toBe(303);
    expect(first.headers['location']).toBe('/sign-in/new-password');
    const challenge = { cookie: cookiesOf(first) };
    const asked = await api.send('GET', '/sign-in/new-password', undefined, { headers: challenge });
    expect(asked.status).toBe(200);
    expect(asked.text).toContain('Choose a password');
    const weak = await post('/sign-in/new-password', { password: 'short' }, challenge);
    expect(weak.status).toBe(400);
    expect(weak.text).toContain('too weak');
    const done = await post('/sign-in/new-password', { password: 'correct horse' }, challenge);
    expect(done.status).toBe(303);
    expect(done.headers['location']).toBe('/wake/fall-intro-ada-lovelace');
    const me = await api.send('GET', '/v1/me', undefined, { headers: { cookie: cookiesOf(done) } });
    expect(me.body.slug).toBe('ada-lovelace');
  });

  test('sets a cookie that is this host’s alone, and stores only its hash', async () => {
    api.identity.accounts.set('ada.lovelace@school.edu', { password: 'mine', temporary: false, groups: [] });
    const done = await post('/sign-in', { email: 'ada.lovelace@school.edu', password: 'mine' });
    const session = [done.headers['set-cookie'] ?? []]
      .flat()
      .find(cookie => cookie.startsWith('__Host-armada-session='))!;
    expect(session).toMatch(/; Secure/);
    expect(session).toMatch(/; HttpOnly/);
    expect(session).toMatch(/; SameSite=Lax/);
    expect(session).toMatch(/; Path=\/(;|$)/);
    expect(session).toMatch(/Max-Age=43200/);
    expect(session).not.toMatch(/Domain/i);
    const value = session.split(/[=;]/)[1]!;
    expect(Buffer.from(value, 'base64url')).toHaveLength(32);
    const { rows } = await api.database.pool.query('select * from sessions');
    expect(JSON.stringify(rows)).not.toContain(value);
  });

  test('answers an unknown address and a wrong password alike', async () => {
    const unknown = await post('/sign-in', { email: 'nobody@school.edu', password: 'x' });
    const wrong = await post('/sign-in', { email: 'ada.lovelace@school.edu', password: 'x' });
    expect(unknown.status).toBe(401);
    expect(wrong.status).toBe(401);
    expect(unknown.text.replace('nobody@school.edu', '')).toBe(wrong.text.replace('ada.lovelace@school.edu', ''));
    expect(unknown.headers['set-cookie']).toBeUndefined();
  });

  test('with an account that no class lists leads nowhere', async () => {
    api.identity.accounts.set('stranger@school.edu', { password: 'x', temporary: false, groups: [] });
    const { status, text, headers } = await post('/sign-in', { email: 'stranger@school.edu', password: 'x' });
    expect(status).toBe(403);
    expect(text).toContain('No class lists this address');
    expect(cookiesOf({ headers } as Got)).not.toContain('session');
  });

  test('as an instructor for the first time makes the person', async () => {
    api.identity.accounts.set('grace@school.edu', { password: 'x', temporary: false, groups: ['instructor'] });
    const done = await post('/sign-in', { email: 'grace@school.edu', password: 'x' });
    const headers = { cookie: cookiesOf(done) };
    expect((await api.send('GET', '/v1/me', undefined, { headers })).body).toMatchObject({
      role: 'instructor',
      name: 'Grace Hopper',
      slug: 'grace-hopper',
    });
    const { rows } = await api.database.pool.query("select spec from people where email = 'grace@school.edu'");
    expect(rows[0].spec.invited).toBe(false);
  });

  test('again and again with a wrong password is slowed down, whatever address the client claims', async () => {
    const statuses: number[] = [];
    for (let number = 0; number < 14; number += 1) {
      const forwarded = { 'x-forwarded-for': `10.${number}.1.1, 192.0.2.7` };
      const got = await post('/sign-in', { email: 'slow@school.edu', password: `guess ${number}` }, forwarded);
      statuses.push(got.status);
      if (got.status === 429) expect(got.headers['retry-after']).toBeDefined();
    }
    expect(statuses).toEqual([...Array(10).fill(401), ...Array(4).fill(429)]);
    const elsewhere = { 'x-forwarded-for': '192.0.2.8' };
    const other = await post('/sign-in', { email: 'slow@school.edu', password: 'x' }, elsewhere);
    expect(other.status).toBe(401);
  });

  test('a challenge cookie that is not ours asks to begin again', async () => {
    for (const cookie of ['', 'nonsense', Buffer.from('{"email": 1}').toString('base64url')]) {
      const got = await post(
        '/sign-in/new-password',
        { password: 'correct horse' },
        { cookie: `__Host-armada-challenge=${cookie}` },
      );
      expect(got.status).toBe(401);
      expect(got.text).toContain('start again');
    }
  });

  test('a forgotten password is set with the mailed code, and ends other sessions', async () => {
    api.identity.accounts.set('bob.ross@school.edu', { password: 'old', temporary: false, groups: [] });
    expect((await post('/sign-in/forgot', { email: 'bob.ross@school.edu' })).status).toBe(200);
    expect((await post('/sign-in/forgot', { email: 'nobody@school.edu' })).status).toBe(200);
    expect((await api.send('GET', '/v1/me', bob)).status).toBe(200);
    const wrong = { email: 'bob.ross@school.edu', code: '000000', password: 'new password' };
    expect((await post('/sign-in/reset', wrong)).status).toBe(400);
    expect((await post('/sign-in/reset', { ...wrong, code: ' 123456 ' })).status).toBe(200);
    expect((await api.send('GET', '/v1/me', bob)).status).toBe(401);
  });

  test('signing out ends the session, by form or by script', async () => {
    const grace = await api.person('Grace Murray', 'instructor');
    const form = await api.send('POST', '/sign-out', grace, { form: {}, headers: page });
    expect(form.headers['location']).toBe('/sign-in');
    expect(String(form.headers['set-cookie'])).toMatch(/__Host-armada-session=;.*Expires=Thu, 01 Jan 1970/);
    expect((await api.send('GET', '/v1/me', grace)).status).toBe(401);
    expect((await api.send('POST', '/sign-out', grace)).status).toBe(204);
  });
});

describe('the screens', () => {
  test('show a student with one workspace its Wake page, an instructor the class', async () => {
    const student = await api.send('GET', '/', ada, { headers: page });
    expect(student.headers['location']).toBe('/wake/fall-intro-ada-lovelace');
    expect((await api.send('GET', '/?stay', ada, { headers: page })).text).toContain('/assets/student.js');
    const grace = await api.person('Grace Kelly', 'instructor');
    expect((await api.send('GET', '/', grace, { headers: page })).text).toContain('/assets/class.js');
    expect((await api.send('GET', '/classes/intro', grace)).text).toContain('"course":"intro"');
    expect((await api.send('GET', '/classes/nothing', grace)).status).toBe(404);
    expect((await api.send('GET', '/outbox', grace)).status).toBe(404);
    expect((await api.send('GET', '/outbox', ada)).status).toBe(403);
  });

  test('say what a page may load and where its forms may lead', async () => {
    const { headers } = await api.send('GET', '/wake/fall-intro-ada-lovelace', ada, { headers: page });
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("form-action 'self';");
    expect(policy).not.toContain('unsafe');
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['strict-transport-security']).toBeUndefined();
    const signIn = await api.send('GET', '/sign-in', undefined, { headers: page });
    expect(signIn.headers['content-security-policy']).toContain(
      "form-action 'self' http://*.localhost:8080 http://*.s2.localhost:8080",
    );
  });

  test('change nothing when they are only looked at', async () => {
    const before = await api.database.pool.query('select version from clock');
    for (const url of [
      '/',
      '/?stay',
      '/wake/fall-intro-ada-lovelace',
      '/open/fall-intro-ada-lovelace',
      '/v1/workspaces',
      '/v1/me',
    ]) {
      await api.send('GET', url, ada, { headers: page });
    }
    expect((await api.database.pool.query('select version from clock')).rows).toEqual(before.rows);
  });
});
