import { Writable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildApp } from '../../api/http/app.ts';
import { rights } from '../../api/http/auth.ts';
import { type Api, makeClass, type Person, portalUrl, startApi } from '../api/http/harness.ts';

let api: Api;
let ada: Person;
let bob: Person;
let grace: Person;
beforeAll(async () => {
  api = await startApi();
  const made = await makeClass(api, ['Ada Lovelace', 'Bob Ross']);
  [ada, bob] = made as [Person, Person];
  grace = await api.person('Grace Hopper', 'instructor');
});
afterAll(() => api.close());

const workspace = 'fall-intro-ada-lovelace';
const evil = [
  ...[
    '//',
    '///',
    '/\\',
    '\\\\',
    '\\/',
    '/\t/',
    '/\n/',
    '/\r/',
    ' //',
    '\t//',
    '/%09/',
    '/%0a/',
    '/%5c',
    '/%2f',
    '//%00',
  ],
  ...['https://', 'http://', 'HTTPS://', 'https:', 'https:/', 'https:///', 'https:\\\\', 'ftp://', '//a@', '//a:b@'],
  ...[
    '/.//',
    '/..//',
    '/./\\',
    '/a/..//',
    '/;//',
    '/?//',
    '/#//',
    '@',
    ':',
    '.',
    '-',
    '?',
    '#',
    '/ /',
    '/\u2028/',
    '/\u00a0/',
  ],
].map(start => `${start}evil.example`);
const odd = [
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'java\nscript:alert(1)',
  'data:text/html,<script>1</script>',
  'vbscript:x',
  'blob:https://evil.example/1',
  `${portalUrl}@evil.example/`,
  `${portalUrl}.evil.example/`,
  '//localhost:8080@evil.example/',
  '//localhost.evil.example/',
  '／／evil.example',
  '/／evil.example',
  '//evil。example',
  '//xn--evl-fma.example',
  '//[::1]/',
  '//2130706433/',
  '//0x7f.1/',
  '"><script>alert(1)</script>',
  '//evil.example/"onmouseover="x',
  '/\r\nLocation: https://evil.example',
  `//evil.example/${'a'.repeat(1500)}`,
];
const strings = [...evil, ...odd];

/** Where a browser that is at the portal would go. */
const leadsHome = (location: unknown) => {
  const { origin, protocol } = new URL(String(location), portalUrl);
  return protocol === 'http:' && (origin === portalUrl || origin.endsWith('.localhost:8080'));
};

test('V3: none of 60 strings leads anywhere else, by any route that redirects', async () => {
  expect(strings.length).toBeGreaterThanOrEqual(60);
  expect(strings.some(text => !leadsHome(text))).toBe(true);
  api.identity.accounts.set(ada.person.spec.email, { password: 'right', temporary: false, groups: [] });
  const seen = new Set<number>();
  for (const [index, text] of strings.entries()) {
    const query = encodeURIComponent(text);
    const answers = [
      await api.send('GET', `/sign-in?next=${query}`, grace),
      await api.send('GET', `/wake/${workspace}?to=${query}`, ada),
      await api.send('GET', `/open/${workspace}?to=${query}`, ada),
      await api.send('GET', `/outbox?x=${query}`),
      await api.send('GET', `/x?${query}`, undefined, {
        headers: { host: `${workspace}.localhost:8080`, accept: 'text/html' },
      }),
      await api.send('POST', '/sign-in', undefined, {
        form: { email: ada.person.spec.email, password: 'right', next: text },
        headers: { 'x-forwarded-for': `192.0.2.${index}` },
      }),
    ];
    for (const { status, headers } of answers) {
      seen.add(status);
      const { location } = headers;
      if (location !== undefined) expect(leadsHome(location), `${text} → ${location}`).toBe(true);
    }
  }
  expect(seen).toContain(303);
});

test('V4: the same strings are shown as they are, and make no markup', async () => {
  for (const text of strings) {
    const { text: page } = await api.send('GET', `/sign-in?next=${encodeURIComponent(text)}`);
    expect(page).not.toContain('<script>alert');
    expect(page).not.toContain('onmouseover="x');
    expect(page).not.toContain('evil.example"><');
  }
});

test('V6: a megabyte in a field is refused with 413, and no line of the log is longer than 1 KB', async () => {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const { database, settings, keys, identity, hub } = api;
  const logger = { level: 'info', base: undefined, stream: sink };
  const app = await buildApp({
    ...{ pool: database.pool, settings, keys, identity, hub, assets: new Map(), now: () => new Date() },
    logger,
  });
  const headers = { host: 'localhost:8080', 'sec-fetch-site': 'same-origin' };
  const form = { ...headers, 'content-type': 'application/x-www-form-urlencoded' };
  const huge = await app.inject({
    method: 'POST',
    url: '/sign-in',
    headers: form,
    payload: `email=${'a'.repeat(1 << 20)}&password=x`,
  });
  expect(huge.statusCode).toBe(413);
  await app.inject({
    method: 'POST',
    url: '/sign-in',
    headers: form,
    payload: `email=${encodeURIComponent('a\u001b[31m\n{"level":60}@b.c')}&password=x`,
  });
  await app.close();
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) {
    expect(line.length).toBeLessThanOrEqual(1024);
    expect(line.trimEnd()).not.toMatch(/\p{Cc}/u);
  }
});

/** Every address that can be asked for by GET, with what there is in place of its parameters. */
function addresses(): string[] {
  const values: Record<string, string[]> = {
    workspace: [workspace, 'fall-intro-bob-ross'],
    course: ['intro'],
    cohort: ['fall'],
    student: [ada.person.slug, bob.person.slug],
    person: [bob.person.slug],
    file: ['none.js'],
    name: ['not-found'],
  };
  const routes = Object.keys(rights).filter(route => route.startsWith('GET ') && route !== 'GET /v1/watch');
  return routes.flatMap(route => {
    const url = route.slice(4);
    const name = /:(\w+)/.exec(url)?.[1];
    return name === undefined ? [url] : (values[name] ?? ['x']).map(value => url.replace(`:${name}`, value));
  });
}

test('V15: looking at every address as anybody changes nothing', async () => {
  const dump = async () => {
    const { rows } = await api.database.pool.query<{ name: string }>(
      `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE' order by 1`,
    );
    const contents = await Promise.all(
      rows.map(({ name }) => api.database.pool.query(`select * from "${name}" as t order by t::text`)),
    );
    return JSON.stringify(contents.map(({ rows: found }) => found));
  };
  const before = await dump();
  expect(before).toContain(ada.person.spec.email);
  for (const as of [undefined, bob, grace, 'operator'] as const)
    for (const url of addresses()) await api.send('GET', url, as);
  expect(await dump()).toBe(before);
});

test('V19: a student who asks for every address meets nobody else’s name, address or id', async () => {
  const others = [bob.person.spec.email, 'Bob Ross', bob.person.id, grace.person.spec.email, grace.person.id];
  let own = 0;
  for (const url of addresses()) {
    const { text } = await api.send('GET', url, ada);
    if (text.includes(ada.person.spec.email)) own += 1;
    for (const word of others) expect(text, `${url} has ${word}`).not.toContain(word);
  }
  expect(own).toBeGreaterThan(0);
  expect((await api.send('GET', '/v1/students', grace)).text).toContain(bob.person.spec.email);
});

test('V21: of 1,000 sign-ins from one address with made-up ways 10 are looked at', async () => {
  const statuses: number[] = [];
  for (let number = 0; number < 1000; number += 1) {
    const claimed = `10.${number % 250}.${number >> 8}.7`;
    const { status } = await api.send('POST', '/sign-in', undefined, {
      form: { email: 'target@school.edu', password: `guess ${number}` },
      headers: { 'x-forwarded-for': `${claimed}, 198.51.100.77` },
    });
    statuses.push(status);
  }
  expect(statuses.filter(status => status === 401)).toHaveLength(10);
  expect(statuses.filter(status => status === 429)).toHaveLength(990);
});

test('V22, V10: an unknown address and a wrong password get the same answer, by the same steps', async () => {
  api.identity.accounts.set('known@school.edu', { password: 'right', temporary: false, groups: [] });
  const answers = [];
  for (const email of ['known@school.edu', 'nobody@school.edu']) {
    const got = await api.send('POST', '/sign-in', undefined, { form: { email, password: 'wrong' } });
    const { date: _, 'x-request-id': __, 'content-length': ___, ...headers } = got.headers;
    answers.push({ status: got.status, headers, text: got.text.replaceAll(email, 'X') });
  }
  expect(answers[0]!.status).toBe(401);
  expect(answers[1]).toEqual(answers[0]);
  const forgot = await Promise.all(
    ['known@school.edu', 'nobody@school.edu'].map(email =>
      api.send('POST', '/sign-in/forgot', undefined, { form: { email } }),
    ),
  );
  expect(forgot[1]!.status).toBe(forgot[0]!.status);
  expect(forgot[1]!.text.replaceAll('nobody@', 'X')).toBe(forgot[0]!.text.replaceAll('known@', 'X'));
});

test('V23: names full of markup run no script on any page', async () => {
  const markup = `</script><script>alert(1)</script><img src=x onerror=alert(1)>"'`;
  await api.send('PATCH', '/v1/courses/intro', 'operator', { body: { spec: { name: markup } } });
  await api.send('PATCH', `/v1/students/${ada.person.slug}`, 'operator', { body: { spec: { name: markup } } });
  let pages = 0;
  for (const as of [ada, grace]) {
    for (const url of addresses().filter(each => !each.startsWith('/v1/'))) {
      const { text, headers } = await api.send('GET', url, as);
      if (!String(headers['content-type']).includes('html')) continue;
      pages += 1;
      expect(text, url).not.toMatch(/<script>alert|<img src=x/);
      expect(String(headers['content-security-policy']), url).toMatch(/default-src 'none'/);
      expect(String(headers['content-security-policy']), url).not.toContain('unsafe-inline');
    }
  }
  expect(pages).toBeGreaterThan(4);
});

test('V29: no cookie of the portal is for a whole domain, and all are closed to scripts', async () => {
  const cookies: string[] = [];
  const keep = (headers: Record<string, string | string[] | undefined>) =>
    cookies.push(...[headers['set-cookie'] ?? []].flat());
  for (const as of [undefined, ada, grace])
    for (const url of addresses()) keep((await api.send('GET', url, as)).headers);
  api.identity.accounts.set('new@school.edu', { password: 'mailed', temporary: true, groups: [] });
  api.identity.accounts.set(bob.person.spec.email, { password: 'right', temporary: false, groups: [] });
  for (const form of [
    { email: 'new@school.edu', password: 'mailed' },
    { email: bob.person.spec.email, password: 'right' },
  ])
    keep((await api.send('POST', '/sign-in', undefined, { form })).headers);
  expect(cookies.length).toBeGreaterThanOrEqual(2);
  for (const cookie of cookies) {
    expect(cookie).toMatch(/^__Host-armada-/);
    expect(cookie).not.toMatch(/;\s*domain/i);
    expect(cookie).toMatch(/HttpOnly/i);
    expect(cookie).toMatch(/Secure/i);
  }
});

test('T6: a gate’s token opens one route, for its own workspace', async () => {
  const { body } = await api.send('GET', `/v1/workspaces/${workspace}`, 'operator');
  const bearer = api.keys.heartbeatToken(body.id);
  const beat = { ready: true, problem: null, active: false, marked: true, visitors: [] };
  const open: string[] = [];
  for (const route of Object.keys(rights)) {
    const [method = '', path = ''] = route.split(' ');
    const url = path
      .replace('::', ':')
      .replace(/:(workspace)\b/, workspace)
      .replace(/\/:(\w+)/g, '/x');
    const sent = method === 'GET' || method === 'DELETE' ? {} : { body: beat };
    const { status } = await api.send(method, url, { bearer }, sent);
    if (status !== 403 && status !== 401) open.push(route);
  }
  expect(open).toEqual(['POST /v1/heartbeats']);
});

test('T15: known and unknown hosts get the same bytes', async () => {
  const ask = async (label: string, accept: string) => {
    const got = await api.send('GET', '/some/where?x=1', undefined, {
      headers: { host: `${label}.localhost:8080`, accept, 'sec-fetch-site': 'none' },
    });
    const { date: _, 'x-request-id': __, ...headers } = got.headers;
    const text = JSON.stringify({ status: got.status, headers, text: got.text });
    // A refusal carries its request's id.
    return text
      .replaceAll(`/wake/${label}`, 'X')
      .replaceAll(/"content-length":"\d+"/g, '')
      .replaceAll(/req-\w+|[0-9a-f-]{36}/g, 'id');
  };
  const guesses = ['fall-intro-nobody', 'a', 'x'.repeat(63), 'fall-intro-bob-ros'];
  for (const accept of ['text/html', '*/*']) {
    const known = await ask(workspace, accept);
    for (const label of guesses) expect(await ask(label, accept)).toBe(known);
  }
});

test('T20: a roster of 10 MB is refused with 413', async () => {
  const { statusCode } = await api.app.inject({
    method: 'POST',
    url: '/v1/cohorts/fall/roster',
    headers: {
      host: 'localhost:8080',
      cookie: grace.cookie,
      'sec-fetch-site': 'same-origin',
      'content-type': 'text/csv',
    },
    payload: Buffer.alloc(10 << 20, 'a,b@c.d\n'),
  });
  expect(statusCode).toBe(413);
});
