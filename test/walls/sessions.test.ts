import { createHash } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Api, makeClass, type Person, startApi } from '../api/http/harness.ts';
import { eventually } from '../support/eventually.ts';

/**
 * V8, V18, V24: what ends a session ends all that hangs on it. Three things are asked: the API, a gate's heartbeat,
 * which closes open sockets by its answer, and an open stream. Gates and streams ask every 20 s; here streams ask as
 * often as the test can wait.
 */

let api: Api;
let port: number;
/** How far the API's clock is ahead. */
let ahead = 0;
const hour = 3_600_000;
beforeAll(async () => {
  api = await startApi({}, { now: () => new Date(Date.now() + ahead), recheckMilliseconds: 50 });
  await makeClass(api, []);
  await api.app.listen({ port: 0, host: '127.0.0.1' });
  port = (api.app.server.address() as AddressInfo).port;
});
afterAll(() => api.close());

interface Inside extends Person {
  readonly workspaceId: string;
  readonly sid: string;
  /** The session's row. */
  readonly rowId: string;
  readonly stream: { ended: boolean };
}

let count = 0;
/** A student of the class with a page open and an editor open. */
async function enters(): Promise<Inside> {
  count += 1;
  const student = await api.person(`Student ${count}`);
  await api.send('PUT', `/v1/cohorts/fall/students/${student.person.slug}`, 'operator');
  const { body } = await api.send('GET', `/v1/workspaces?student=${student.person.slug}`, 'operator');
  const rowId = createHash('sha256').update(student.cookie.split('=')[1]!).digest('hex');
  const { rows } = await api.database.pool.query('select sid from sessions where id = $1', [rowId]);
  return { ...student, workspaceId: body.items[0].id, sid: rows[0].sid, rowId, stream: await watch(student.cookie) };
}

function watch(cookie: string): Promise<{ ended: boolean }> {
  const stream = { ended: false };
  return new Promise((resolve, reject) => {
    const headers = { host: 'localhost:8080', accept: 'text/event-stream', cookie };
    http
      .get({ host: '127.0.0.1', port, path: '/v1/watch', headers }, response => {
        response.once('data', () => resolve(stream));
        response.once('close', () => {
          stream.ended = true;
        });
      })
      .once('error', reject);
  });
}

const asks = async (who: Inside) => (await api.send('GET', '/v1/me', who)).status;

/** Whom the gate of the workspace is told to let go. */
async function lets(who: Inside): Promise<boolean> {
  const visitors = [{ sub: who.person.id, sid: who.sid }];
  const body = { ready: true, problem: null, active: false, marked: true, visitors };
  const bearer = api.keys.heartbeatToken(who.workspaceId);
  return !(await api.send('POST', '/v1/heartbeats', { bearer }, { body })).body.revoked.includes(who.sid);
}

const status = (who: Inside, patch: object) =>
  api.database.pool.query('update people set status = status || $2::jsonb where id = $1', [
    who.person.id,
    JSON.stringify(patch),
  ]);

const ends: Readonly<Record<string, (who: Inside) => Promise<unknown>>> = {
  'signing out': who => api.send('POST', '/sign-out', who),
  'signing out at another API process': who =>
    api.database.pool.query('delete from sessions where id = $1', [who.rowId]),
  'a new password': async who => {
    const { email } = who.person.spec;
    api.identity.accounts.set(email, { password: 'old', temporary: false, groups: [] });
    return api.send('POST', '/sign-in/reset', undefined, {
      form: { email, code: '123456', password: 'correct horse' },
    });
  },
  'removal from the roster': who => api.send('DELETE', `/v1/cohorts/fall/students/${who.person.slug}`, 'operator'),
  'being disabled through Armada': who =>
    api.send('PATCH', `/v1/students/${who.person.slug}`, 'operator', { body: { spec: { disabled: true } } }),
  'being deleted': who => api.send('DELETE', `/v1/students/${who.person.slug}`, 'operator'),
  'being disabled in the user pool by hand, once the controller has seen it': who => status(who, { blocked: true }),
};

describe('V8, V18: everything that is open closes by', () => {
  for (const [name, end] of Object.entries(ends)) {
    test(name, async () => {
      const who = await enters();
      const other = await enters();
      expect([await asks(who), await lets(who), who.stream.ended]).toEqual([200, true, false]);
      await end(who);
      expect(await asks(who)).toBe(401);
      expect(await lets(who)).toBe(false);
      await eventually(() => who.stream.ended);
      expect([await asks(other), await lets(other), other.stream.ended]).toEqual([200, true, false]);
    });
  }

  test('the end of its twelve hours, however much it was used', async () => {
    const who = await enters();
    for (const at of [4, 8, 11.9]) {
      ahead = at * hour;
      expect([await asks(who), await lets(who), who.stream.ended]).toEqual([200, true, false]);
    }
    ahead = 12 * hour + 1000;
    expect([await asks(who), await lets(who)]).toEqual([401, false]);
    await eventually(() => who.stream.ended);
    ahead = 0;
  });
});

test('V24: one who was shut out by hand and is let in by hand signs in again, and no old session comes back to life unseen', async () => {
  const who = await enters();
  await status(who, { blocked: true });
  expect(await asks(who)).toBe(401);
  api.identity.accounts.set(who.person.spec.email, { password: 'right', temporary: false, groups: [] });
  const refused = await api.send('POST', '/sign-in', undefined, {
    form: { email: who.person.spec.email, password: 'right' },
  });
  // The pool refuses by itself; here the pool would not, and the row does.
  const cookie = [refused.headers['set-cookie'] ?? []].flat().find(each => each.startsWith('__Host-armada-session='));
  if (cookie) expect(await asks({ ...who, cookie: cookie.split(';')[0]! })).toBe(401);
  await status(who, { blocked: false });
  expect(await lets(who)).toBe(true);
});

test('removal from one class of two leaves the other, and closes the gate of the first', async () => {
  const who = await enters();
  await api.send('PUT', '/v1/cohorts/second', 'operator', { body: { name: 'Second' } });
  await api.send('PUT', '/v1/courses/intro/cohorts/second', 'operator');
  await api.send('PUT', `/v1/cohorts/second/students/${who.person.slug}`, 'operator');
  await api.send('DELETE', `/v1/cohorts/fall/students/${who.person.slug}`, 'operator');
  expect(await asks(who)).toBe(200);
  expect(await lets(who)).toBe(false);
});

describe('T17: tries without a lock as a weapon', () => {
  const from = (address: string) => ({ 'x-forwarded-for': address });
  const signIn = (email: string, password: string, address: string, cookie?: string) =>
    api.send('POST', '/sign-in', undefined, {
      form: { email, password },
      headers: { ...from(address), ...(cookie && { cookie }) },
    });

  test('the owner gets in from a browser that was theirs while the whole world guesses, and from any other after', async () => {
    const email = 'owner@school.edu';
    const owner = await api.person('Owner');
    expect(owner.person.spec.email).toBe(email);
    api.identity.accounts.set(email, { password: 'right', temporary: false, groups: [] });
    const first = await signIn(email, 'right', '192.0.2.1');
    const known = [first.headers['set-cookie'] ?? []].flat().find(each => each.startsWith('__Host-armada-known='))!;
    expect(known).toMatch(/HttpOnly.*Secure|Secure.*HttpOnly/);
    const statuses = new Map<number, number>();
    for (let number = 0; number < 300; number += 1) {
      const { status: got } = await signIn(email, `guess ${number}`, `198.51.100.${number % 250}`);
      statuses.set(got, (statuses.get(got) ?? 0) + 1);
    }
    expect(statuses.get(401)).toBeLessThanOrEqual(30);
    expect(statuses.get(429)).toBeGreaterThanOrEqual(270);
    expect((await signIn(email, 'right', '192.0.2.1', known.split(';')[0])).status).toBe(303);
    const stranger = await signIn(email, 'right', '192.0.2.9');
    expect(stranger.status).toBe(429);
    expect(Number(stranger.headers['retry-after'])).toBeLessThanOrEqual(900);
    ahead = 901_000;
    expect((await signIn(email, 'right', '192.0.2.9')).status).toBe(303);
    ahead = 0;
  });

  test('a browser that is known for one account is a stranger’s to another, and none can be made up', async () => {
    const email = 'target@school.edu';
    const mine = [(await signIn('owner@school.edu', 'right', '192.0.2.3')).headers['set-cookie'] ?? []]
      .flat()
      .find(each => each.startsWith('__Host-armada-known='))!
      .split(';')[0]!;
    for (const cookie of [mine, '__Host-armada-known=', '__Host-armada-known=AAAA']) {
      const statuses = [];
      for (let number = 0; number < 11; number += 1)
        statuses.push((await signIn(email, `guess ${number}`, `203.0.113.${cookie.length}`, cookie)).status);
      expect(statuses).toContain(429);
    }
  });

  test('a network’s IPv6 addresses are one', async () => {
    const statuses = [];
    for (let number = 0; number < 11; number += 1)
      statuses.push((await signIn('six@school.edu', 'x', `2001:db8:1:2::${number.toString(16)}`)).status);
    expect(statuses.at(-1)).toBe(429);
  });
});

test('V25: an address is somebody’s whole or not at all', async () => {
  const who = await enters();
  const { email } = who.person.spec;
  const [name = '', domain = ''] = email.split('@');
  for (const alike of [
    `${name}@evil${domain}`,
    `${email}.evil`,
    `x${email}`,
    `${name}@${domain}.`,
    `${name}+a@${domain}`,
  ]) {
    api.identity.accounts.set(alike, { password: 'right', temporary: false, groups: [] });
    const got = await api.send('POST', '/sign-in', undefined, { form: { email: alike, password: 'right' } });
    expect(got.status, alike).toBe(403);
  }
});
