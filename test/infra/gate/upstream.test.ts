import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { Browser, navigation } from './browser.ts';
import { host, origin, portalOrigin, startWorld, type World } from './support.ts';

let world: World;
let browser: Browser;

beforeEach(async () => {
  world = await startWorld();
  browser = new Browser(world.gate.port);
  await eventually(() => world.portal.beats.some(beat => beat.ready));
  await browser.enter();
});
afterEach(() => world.close());

test('the IDE sees a program’s own cookies, but none of Armada’s and no Authorization', async () => {
  browser.cookies.set('program', 'kept').set('__Host-armada', 'portal').set('__host-ARMADA-gate', 'x');
  const secret = browser.cookies.get('__Host-armada-gate')!;
  await browser.ask('/', { headers: { authorization: 'Bearer secret', 'proxy-authorization': 'Basic secret' } });
  await browser.connect();
  await eventually(() => world.ide.upgrades.length === 1);
  for (const headers of [world.ide.requests[0]!.headers, world.ide.upgrades[0]!]) {
    expect(headers.cookie).toBe('program=kept');
    expect(JSON.stringify(headers)).not.toMatch(/secret|armada-/i);
    expect(JSON.stringify(headers)).not.toContain(secret);
  }
});

test('the IDE is told the true host and nothing that the browser made up about its way', async () => {
  const made = { 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example', 'x-forwarded-for': '1.2.3.4' };
  await browser.ask('/', { headers: { ...made, 'x-real-ip': '1.2.3.4' } });
  expect(world.ide.requests[0]!.headers).toMatchObject({ host, 'x-forwarded-host': host, 'x-forwarded-proto': 'http' });
  expect(JSON.stringify(world.ide.requests[0]!.headers)).not.toMatch(/evil|1\.2\.3\.4/);
});

test('the IDE sets its own cookies, but none of Armada’s', async () => {
  const { headers } = await browser.ask('/cookies');
  expect(headers['set-cookie']).toEqual(['program=1; Path=/']);
});

test('a sibling can neither frame nor read an answer that does not allow it', async () => {
  const { headers } = await browser.ask('/');
  expect(headers).toMatchObject({ 'x-frame-options': 'SAMEORIGIN', 'cross-origin-resource-policy': 'same-origin' });
});

test('unsafe requests and WebSockets need the exact Origin', async () => {
  const wrong = [
    undefined,
    'null',
    portalOrigin,
    'http://fall-intro-bob.localhost:8080',
    'http://fall-intro-ada.s2.localhost:8080',
    'https://fall-intro-ada.localhost:8080',
    'http://fall-intro-ada.localhost',
    `${origin}.evil.example`,
    `${origin}/`,
    origin.toUpperCase(),
  ];
  for (const from of wrong) {
    const headers = from === undefined ? {} : { origin: from };
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND']) {
      expect((await browser.ask('/', { method, headers })).status, `${method} ${from}`).toBe(403);
    }
    expect((await browser.connect(headers)).status, String(from)).toBe(403);
  }
  expect(world.ide.requests).toEqual([]);
  expect(world.ide.upgrades).toEqual([]);
  expect((await browser.ask('/', { method: 'POST', headers: { origin }, body: 'a body' })).status).toBe(200);
  expect(world.ide.requests[0]).toMatchObject({ method: 'POST', body: 'a body' });
  expect((await browser.connect({ origin })).status).toBe(101);
});

test('other sites may lead here, but not fetch, frame or post, whatever mode they claim', async () => {
  for (const site of ['cross-site', 'same-site']) {
    for (const mode of ['no-cors', 'cors', 'same-origin', 'websocket', 'navigate']) {
      const from = { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': 'iframe' };
      expect((await browser.ask('/', { headers: from })).status, `GET ${site} ${mode}`).toBe(403);
      const post = { ...from, origin, 'sec-fetch-dest': 'document' };
      expect((await browser.ask('/', { method: 'POST', headers: post })).status, `POST ${site} ${mode}`).toBe(403);
      expect((await browser.connect({ ...from, origin })).status).toBe(403);
    }
    expect((await browser.ask('/', { headers: { ...navigation, 'sec-fetch-site': site } })).status).toBe(200);
  }
});

test('what a WebSocket carries arrives in both directions', async () => {
  const { socket } = await browser.connect();
  const echoed = new Promise<string>(resolve => socket!.once('data', chunk => resolve(String(chunk))));
  socket!.write('hello');
  expect(await echoed).toBe('hello');
});

test('an answer streams, and ends at the IDE when the browser goes away', async () => {
  const request = http.get({
    port: world.gate.port,
    host: '127.0.0.1',
    path: '/stream',
    agent: false,
    headers: { host, cookie: browser.cookie },
  });
  request.on('error', () => {});
  const first = await new Promise<string>(resolve => {
    request.once('response', response => response.once('data', chunk => resolve(String(chunk))));
  });
  expect(first).toBe('first');
  const { socket } = await browser.connect();
  expect(world.ide.open.size).toBe(2);
  request.destroy();
  socket!.destroy();
  await eventually(() => world.ide.open.size === 0);
});

test('while the IDE is away its page says so and looks again by itself', async () => {
  await world.ide.close();
  const page = await browser.open('/"><script>');
  expect(page.status).toBe(502);
  expect(page.body).toContain('<meta http-equiv="refresh"');
  expect(page.body).not.toContain('<script');
  expect((await browser.ask('/x.js')).body).toBe('');
  await eventually(() => world.portal.beats.at(-1)?.ready === false);
  expect((await browser.ask('/.gate/health')).status).toBe(503);
});

/** Puts a server of `answer`'s making where the IDE is: called with each connection's requests, counted from one. */
async function replaceIde(answer: (socket: net.Socket, count: number) => void): Promise<net.Server> {
  await world.ide.close();
  const server = net.createServer(socket => {
    let count = 0;
    socket.on('error', () => {}).on('data', () => answer(socket, ++count));
  });
  await new Promise<void>(resolve => server.listen(path.join(world.run, 'ide.sock'), resolve));
  return server;
}
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

test('a connection that the IDE closes just as it is used again costs nobody a page', async () => {
  const reused: number[] = [];
  const server = await replaceIde((socket, count) => {
    if (count === 1) return void socket.write(ok);
    reused.push(count);
    socket.destroy();
  });
  await eventually(async () => (await browser.ask('/first')).status === 200);
  const closed = reused.length;
  expect((await browser.ask('/second')).status).toBe(200);
  expect(reused.length).toBeGreaterThan(closed);
  // Sent once, done at most once.
  await browser.ask('/third');
  expect((await browser.ask('/', { method: 'POST', headers: { origin } })).status).toBe(502);
  server.close();
});

test('a reason phrase that can’t be written is left out, and ends nothing', async () => {
  const odd = 'HTTP/1.1 200 Fine\u0001\r\nContent-Length: 2\r\n\r\nok';
  const server = await replaceIde(socket => void socket.write(odd));
  await eventually(async () => expect(await browser.ask('/x.js')).toMatchObject({ status: 200, body: 'ok' }));
  server.close();
});
