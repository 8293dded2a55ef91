import { afterEach, beforeEach, expect, test } from 'vitest';
import { enterPath, gateCookie, healthPath, stateCookie } from '../../../api/resources/entrance.ts';
import { keysOf } from '../../../api/resources/keys.ts';
import { eventually } from '../../support/eventually.ts';
import { Browser } from './browser.ts';
import { host, origin, portalOrigin, startWorld, ticketOf, type World } from './support.ts';

let world: World;
let browser: Browser;
let begun: number;

beforeEach(async () => {
  begun = Math.floor(Date.now() / 1000);
  world = await startWorld();
  browser = new Browser(world.gate.port);
  await eventually(() => world.portal.beats.some(beat => beat.ready));
});
afterEach(() => world.close());

test('a person comes in through the portal and then meets the IDE', async () => {
  const away = await browser.open('/files?a=1&b=2');
  expect(away.status).toBe(303);
  const target = new URL(away.headers.location!);
  expect(target.origin + target.pathname).toBe(`${portalOrigin}/open/fall-intro-ada`);
  expect(target.searchParams.get('to')).toBe('/files?a=1&b=2');
  const [stateLine] = away.headers['set-cookie']!;
  expect(stateLine).toMatch(/^__Host-armada-state=[\w-]{43}; Path=\/; Max-Age=300; HttpOnly; Secure; SameSite=None$/);

  const ticket = await ticketOf({ state: target.searchParams.get('state')! });
  const inside = await browser.postTicket(ticket, '/files?a=1&b=2');
  expect([inside.status, inside.headers.location]).toEqual([303, `${origin}/files?a=1&b=2`]);
  const [gateLine] = inside.headers['set-cookie']!;
  expect(gateLine).toMatch(/^__Host-armada-gate=[\w-]{43}; Path=\/; Max-Age=28800; HttpOnly; Secure; SameSite=Lax$/);
  expect([...browser.cookies.keys()]).toEqual([gateCookie]);

  const page = await browser.open('/files?a=1&b=2');
  expect([page.status, page.body]).toEqual([200, 'IDE /files?a=1&b=2']);
  await eventually(() => world.portal.beats.some(beat => beat.visitors.some(each => each.sid === 'session-1')));
});

test('no answer of the gate sets a cookie for a whole domain, or is stored', async () => {
  const answers = [await browser.open('/'), await browser.enter(), await browser.open('/.gate/none')];
  for (const { headers } of answers) {
    for (const line of headers['set-cookie'] ?? []) expect(line.toLowerCase()).not.toContain('domain=');
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['referrer-policy']).toBe('same-origin');
  }
});

test('V9, T16: a ticket works once, in the browser that asked for it, from the portal alone', async () => {
  const state = await browser.stateOf('/');
  const ticket = await ticketOf({ state });
  const stranger = new Browser(world.gate.port);
  const strangersState = await stranger.stateOf('/');
  for (const from of [
    'https://localhost:8080',
    'http://localhost:8081',
    origin,
    'null',
    'http://LOCALHOST.evil:8080',
  ]) {
    expect((await browser.postTicket(ticket, '/', from)).status, from).toBe(403);
  }
  expect((await browser.postTicket(ticket)).status).toBe(303);
  expect((await new Browser(world.gate.port).postTicket(ticket)).status).toBe(403);
  expect((await stranger.postTicket(ticket)).status).toBe(403);
  // Somebody else's ticket for that browser: forced sign-in.
  const attackers = await ticketOf({ state: 'x'.repeat(43), sub: 'mallory', sid: 'm' });
  expect((await stranger.postTicket(attackers)).status).toBe(403);
  expect(stranger.cookies.has(gateCookie)).toBe(false);
  expect((await stranger.postTicket(await ticketOf({ state: strangersState }))).status).toBe(303);
});

test('T16: tickets of other workspaces, other keys, other times and other forms are refused', async () => {
  const state = await browser.stateOf('/');
  const now = Math.floor(Date.now() / 1000);
  const refused = {
    workspace: await ticketOf({ state, aud: 'wsp-2' }),
    key: await ticketOf({ state }, keysOf('another secret')),
    old: await ticketOf({ state, iat: now - 60 }),
    'old, with a long end': await ticketOf({ state, iat: now - 60, exp: now + 3600 }),
    future: await ticketOf({ state, iat: now + 60 }),
    role: await ticketOf({ state, as: 'root' }),
    nothing: '',
    long: 'a'.repeat(10_000),
  };
  for (const [name, ticket] of Object.entries(refused)) {
    expect((await browser.postTicket(ticket)).status, name).toBe(403);
  }
  expect((await browser.post(enterPath, {}, { origin: portalOrigin, 'content-type': 'text/plain' })).status).toBe(403);
  expect((await browser.open(enterPath)).status).toBe(405);
  expect(browser.cookies.has(gateCookie)).toBe(false);
});

test('a ticket from before the gate started is refused', async () => {
  const state = await browser.stateOf('/');
  const old = await ticketOf({ state, iat: begun - 5 });
  expect((await browser.postTicket(old)).status).toBe(403);
});

test('two tabs that ask at once both come in', async () => {
  const [first, second] = [await browser.stateOf('/a'), await browser.stateOf('/b')];
  expect(second).toBe(first);
  expect((await browser.postTicket(await ticketOf({ state: first }), '/a')).headers.location).toBe(`${origin}/a`);
  expect(browser.cookies.has(stateCookie)).toBe(false);
  expect((await browser.postTicket(await ticketOf({ state: second }), '/b')).headers.location).toBe(`${origin}/b`);
});

test('one who is inside is not turned into another person by a ticket from elsewhere', async () => {
  await browser.enter();
  const inside = browser.cookies.get(gateCookie);
  for (const other of [{ sub: 'mallory' }, { sid: 'session-2' }]) {
    const ticket = await ticketOf({ state: 'x'.repeat(43), ...other });
    expect((await browser.postTicket(ticket)).status).toBe(403);
  }
  expect(browser.cookies.get(gateCookie)).toBe(inside);
});

test('without a session only navigations are sent to the portal', async () => {
  const fetched = { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', 'sec-fetch-site': 'same-origin' };
  const framed = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe', 'sec-fetch-site': 'cross-site' };
  for (const headers of [{}, fetched, framed]) expect((await browser.ask('/', { headers })).status).toBe(401);
  expect((await browser.ask('/', { headers: { accept: 'text/html' } })).status).toBe(303);
  expect((await browser.post('/', {}, { origin })).status).toBe(401);
  expect((await browser.connect()).status).toBe(401);
  browser.cookies.set(gateCookie, 'A'.repeat(43));
  expect((await browser.ask('/')).status).toBe(401);
  expect(world.ide.requests).toEqual([]);
});

test('a session ends after 8 hours', async () => {
  await browser.enter();
  expect((await browser.ask('/')).status).toBe(200);
  world.later = 8 * 3_600_000 + 1;
  expect((await browser.ask('/')).status).toBe(401);
});

test('only the workspace’s own hosts are served', async () => {
  await browser.enter();
  for (const wrong of [
    'fall-intro-bob.localhost:8080',
    'fall-intro-ada.localhost',
    'localhost:8080',
    `${host}.evil`,
    '127.0.0.1',
  ]) {
    expect((await browser.ask('/', { headers: { host: wrong } })).status, wrong).toBe(421);
  }
  expect((await browser.ask('/', { headers: { host: 'FALL-intro-ada.localhost:8080' } })).status).toBe(200);
  expect((await browser.ask('http://evil.example/')).status).toBe(400);
  expect(await browser.ask(healthPath, { headers: { host: '10.0.0.1' } })).toMatchObject({ status: 200, body: '' });
});

test('T8: staff are told once per session whose code runs here', async () => {
  await browser.enter({ as: 'staff', owner: 'Ada <b>' });
  expect((await browser.ask('/x.js')).status).toBe(403);
  expect((await browser.connect()).status).toBe(403);
  const notice = await browser.open('/files?q="><script>');
  expect(notice.status).toBe(200);
  expect(notice.body).toContain('Code on this page is Ada &lt;b&gt;’s.');
  expect(notice.body).toContain('Armada never asks for a password here.');
  expect(notice.body).not.toContain('<script');
  expect(notice.headers['content-security-policy']).toContain("default-src 'none'");
  expect((await browser.post('/.gate/continue', { to: '/files' }, { origin: portalOrigin })).status).toBe(403);
  expect((await browser.open('/files')).body).toContain('Continue');
  const onwards = await browser.post('/.gate/continue', { to: '/files' }, { origin });
  expect([onwards.status, onwards.headers.location]).toEqual([303, `${origin}/files`]);
  expect((await browser.open('/files')).body).toBe('IDE /files');
  expect((await browser.connect()).status).toBe(101);
});
