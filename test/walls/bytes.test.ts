import { rm } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildApp } from '../../api/http/app.ts';
import { type Gate, startGate } from '../../infra/gate/gate.ts';
import { readSettings } from '../../infra/gate/settings.ts';
import { type Api, makeClass, operatorToken, type Person, startApi } from '../api/http/harness.ts';
import { Browser } from '../infra/gate/browser.ts';
import { type Ide, makeTask, startIde } from '../infra/gate/support.ts';
import { eventually } from '../support/eventually.ts';

/** Keeps every byte that goes to a port, or comes back from it. */
async function record(port: number, direction: 'to' | 'from') {
  const chunks: Buffer[] = [];
  const open = new Set<net.Socket>();
  const server = net.createServer(near => {
    const far = net.connect(port, '127.0.0.1');
    for (const socket of [near, far]) open.add(socket.on('error', () => {}));
    (direction === 'to' ? near : far).on('data', chunk => chunks.push(chunk));
    near.pipe(far).pipe(near);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    text: () => Buffer.concat(chunks).toString('latin1'),
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

const slug = 'fall-intro-ada';
const lines: string[] = [];
const sink = new Writable({
  write(chunk, _encoding, done) {
    lines.push(String(chunk));
    done();
  },
});
const password = 'canary-of-a-password';

let api: Api;
let app: Awaited<ReturnType<typeof buildApp>>;
let gate: Gate;
let ide: Ide;
let task: Awaited<ReturnType<typeof makeTask>>;
let toGate: Awaited<ReturnType<typeof record>>;
let fromApi: Awaited<ReturnType<typeof record>>;
let environment: NodeJS.ProcessEnv;
let [ada, bob, grace]: Person[] = [];
const tickets: string[] = [];
const gateCookies: string[] = [];
const others: string[] = [];

/** What a browser does that opens a workspace: the gate, the portal, the gate. */
async function enter(person: Person): Promise<Browser> {
  const browser = new Browser(toGate.port);
  const away = await browser.open('/');
  const { pathname, search } = new URL(away.headers.location!);
  const page = await send('GET', pathname + search, person.cookie);
  const ticket = /name="ticket" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
  tickets.push(ticket);
  expect((await browser.postTicket(ticket)).status).toBe(303);
  gateCookies.push(browser.cookies.get('__Host-armada-gate')!);
  return browser;
}

const send = (method: string, url: string, cookie = '', sent: { payload?: string; type?: string } = {}) =>
  app.inject({
    method: method as 'GET',
    url,
    headers: {
      host: 'localhost:8080',
      'sec-fetch-site': 'same-origin',
      accept: 'text/html',
      ...(cookie && { cookie }),
      ...(sent.type && { 'content-type': sent.type }),
    },
    ...(sent.payload === undefined ? {} : { payload: sent.payload }),
  });

beforeAll(async () => {
  api = await startApi();
  const { database, settings, keys, identity, hub } = api;
  app = await buildApp({
    ...{ pool: database.pool, settings, keys, identity, hub, assets: new Map(), now: () => new Date() },
    logger: { level: 'trace', stream: sink },
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  [ada, bob] = (await makeClass(api, ['Ada', 'Bob Ross-Neighbour'])) as [Person, Person];
  grace = await api.person('Grace Hopper-Instructor', 'instructor');
  const { body: workspace } = await api.send('GET', `/v1/workspaces/${slug}`, 'operator');
  await database.pool.query(
    `update workspaces set spec = spec || '{"running": true}', status = status || '{"step": "ready"}'`,
  );
  const { rows } = await database.pool.query('select id, slug from workspaces order by slug');
  for (const [index, row] of rows.entries())
    await database.pool.query('insert into route_slots values (0, $1, $2)', [index + 1, row.id]);

  task = await makeTask();
  ide = await startIde(path.join(task.run, 'ide.sock'));
  fromApi = await record((app.server.address() as net.AddressInfo).port, 'from');
  environment = {
    ...task.env,
    ARMADA_WORKSPACE_ID: workspace.id,
    ARMADA_WORKSPACE_SLUG: slug,
    ARMADA_ORIGINS: `http://${slug}.localhost:8080`,
    ARMADA_HEARTBEAT_URL: `http://127.0.0.1:${fromApi.port}`,
    ARMADA_HEARTBEAT_TOKEN: keys.heartbeatToken(workspace.id),
    ARMADA_TICKET_KEYS: JSON.stringify(keys.publicKeys),
  };
  gate = await startGate({ settings: readSettings(environment), log: pino({ level: 'trace' }, sink), now: Date.now });
  toGate = await record(gate.port, 'to');
  await eventually(async () => (await new Browser(gate.port).ask('/.gate/health')).status === 200);

  const browsers = [await enter(ada!), await enter(grace!)];
  await browsers[1]!.post('/.gate/continue', { to: '/' }, { origin: `http://${slug}.localhost:8080` });
  for (const browser of browsers) {
    await browser.open('/files?x=1');
    (await browser.connect()).socket?.destroy();
  }
  // What of others is made at the same time, and must not come here.
  const { body: neighbour } = await api.send('GET', '/v1/workspaces/fall-intro-bob-ross-neighbour', 'operator');
  const page = await send('GET', `/open/${neighbour.slug}?state=${'A'.repeat(43)}`, bob!.cookie);
  others.push(
    /name="ticket" value="([^"]+)"/.exec(page.body)?.[1] ?? '',
    keys.heartbeatToken(neighbour.id),
    neighbour.id,
  );
  // The gate hears who must go.
  await api.send('PATCH', '/v1/students/ada', 'operator', { body: { spec: { name: 'Ada B.' } } });
  await database.pool.query('delete from sessions where person_id = $1', [grace!.person.id]);
  await enter(ada!);
  await eventually(async () => (await browsers[1]!.ask('/files')).status !== 200);
});
afterAll(async () => {
  await gate.close();
  for (const each of [toGate, fromApi]) each.close();
  await Promise.all([ide.close(), app.close()]);
  await api.close();
  await rm(task.folder, { recursive: true, force: true, maxRetries: 5 });
});

const sessionOf = ({ cookie }: Person) => cookie.split('=')[1]!;

test('T9: of all bytes that come into ada’s task none is a portal session, another’s ticket, a key or another’s name', () => {
  const bytes = [
    JSON.stringify(environment),
    toGate.text(),
    fromApi.text(),
    JSON.stringify([ide.requests, ide.upgrades]),
  ].join('\n');
  // What is meant to come is there: the instrument sees.
  for (const own of [...tickets, ...gateCookies.slice(0, 2)]) expect(bytes.includes(own), own).toBe(true);
  expect(fromApi.text()).toContain('"revoked":["');
  const never = [
    ...[ada, bob, grace].map(person => sessionOf(person!)),
    ...others,
    ...[bob, grace].flatMap(person => [person!.person.spec.name, person!.person.spec.email, person!.person.slug]),
    ...[
      bob!.person.id,
      api.settings.secret,
      operatorToken,
      new URL(api.database.url).pathname,
      'AKIA',
      'BEGIN PRIVATE',
      '"d":',
    ],
  ];
  for (const word of never) expect(bytes.includes(word), word).toBe(false);
});

test('T10: what a browser sends to an impostor in the gate’s place opens nothing beyond that workspace', async () => {
  const { body: neighbour } = await api.send('GET', '/v1/workspaces/fall-intro-bob-ross-neighbour', 'operator');
  const other = await makeTask();
  const otherIde = await startIde(path.join(other.run, 'ide.sock'));
  const otherGate = await startGate({
    settings: readSettings({
      ...{ ...environment, ...other.env, ARMADA_WORKSPACE_ID: neighbour.id, ARMADA_WORKSPACE_SLUG: neighbour.slug },
      ARMADA_ORIGINS: `http://${slug}.localhost:8080`,
      ARMADA_HEARTBEAT_URL: environment['ARMADA_HEARTBEAT_URL'],
      ARMADA_HEARTBEAT_TOKEN: api.keys.heartbeatToken(neighbour.id),
      ARMADA_TICKET_KEYS: JSON.stringify(api.keys.publicKeys),
    }),
    log: pino({ level: 'silent' }),
    now: Date.now,
  });
  await eventually(async () => (await new Browser(otherGate.port).ask('/.gate/health')).status === 200);
  expect(tickets.length + gateCookies.length).toBeGreaterThan(4);
  for (const caught of [...tickets, ...gateCookies]) {
    const asSession = await send('GET', '/v1/me', `__Host-armada-session=${caught}`);
    const asBearer = await app.inject({
      url: '/v1/workspaces',
      headers: { host: 'localhost:8080', authorization: `Bearer ${caught}` },
    });
    expect([asSession.statusCode, asBearer.statusCode]).toEqual([401, 401]);
    const browser = new Browser(otherGate.port);
    await browser.stateOf('/');
    expect((await browser.postTicket(caught)).status).toBe(403);
    browser.cookies.set('__Host-armada-gate', caught);
    expect((await browser.ask('/files')).status).toBe(401);
    expect((await browser.connect()).status).not.toBe(101);
  }
  // The same instrument gets in with what is meant for that gate.
  const own = new Browser(otherGate.port);
  const state = await own.stateOf('/');
  const page = await send('GET', `/open/${neighbour.slug}?state=${state}`, bob!.cookie);
  expect((await own.postTicket(/name="ticket" value="([^"]+)"/.exec(page.body)?.[1] ?? '')).status).toBe(303);
  await otherGate.close();
  await otherIde.close();
  await rm(other.folder, { recursive: true, force: true, maxRetries: 5 });
});

test('T25: of the secrets that were used none is in a log of the API or of the gate, nor in an error', async () => {
  const form = 'application/x-www-form-urlencoded';
  api.identity.accounts.set('ada@school.edu', { password, temporary: false, groups: [] });
  api.identity.accounts.set('new@school.edu', { password, temporary: true, groups: [] });
  const answers = [
    await send('POST', '/sign-in', '', { type: form, payload: `email=ada@school.edu&password=${password}` }),
    await send('POST', '/sign-in', '', { type: form, payload: `email=new@school.edu&password=${password}` }),
    await send('POST', '/sign-in', '', { type: form, payload: `email=ada@school.edu&password=${password}-wrong` }),
    await send('POST', '/sign-in', '', { type: 'application/json', payload: `{"password": "${password}"` }),
    await send('POST', '/sign-in/reset', '', {
      type: form,
      payload: `email=ada@school.edu&code=123456&password=${password}`,
    }),
    await send('PUT', '/v1/courses/x', ada!.cookie, { type: 'application/json', payload: `{"name": "${password}` }),
    await send('GET', `/open/${slug}?state=${'B'.repeat(43)}`, ada!.cookie),
    await send('GET', '/nowhere', ada!.cookie),
  ];
  const made = await api.send('POST', '/v1/tokens', 'operator', { body: { name: 'x', scopes: ['courses:read'] } });
  const bearer = { host: 'localhost:8080', authorization: `Bearer ${made.body.value}` };
  await app.inject({ url: '/v1/courses', headers: bearer });
  await app.inject({ url: '/v1/cohorts', headers: { ...bearer, authorization: `Bearer ${operatorToken}` } });
  const pool = api.database.pool.query;
  api.database.pool.query = () => Promise.reject(new Error(`connect to ${api.database.url} failed`));
  const failed = await send('GET', '/v1/courses', grace!.cookie);
  api.database.pool.query = pool;
  expect(failed.statusCode).toBeGreaterThanOrEqual(500);
  const sessions = answers
    .flatMap(({ headers }) => [headers['set-cookie'] ?? []].flat())
    .map(cookie => cookie.split(';')[0]?.split('=')[1] ?? '');
  const log = lines.join('');
  expect(log).toContain('/v1/courses');
  expect(log).toContain('person entered');
  const secrets = [
    ...[password, operatorToken, made.body.value, api.settings.secret, environment['ARMADA_HEARTBEAT_TOKEN']!],
    ...[ada, bob, grace].map(person => sessionOf(person!)),
    ...sessions.filter(value => value.length > 10),
    ...tickets,
    ...gateCookies,
  ];
  expect(secrets.length).toBeGreaterThan(12);
  for (const secret of secrets) expect(log.includes(secret), secret).toBe(false);
  for (const { body, statusCode } of [...answers, failed]) {
    if (statusCode < 400) continue;
    for (const secret of [...secrets, api.database.url]) expect(body.includes(secret), secret).toBe(false);
  }
});
