import net from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser } from '../infra/gate/browser.ts';
import { host, origin, portalOrigin, startWorld, ticketOf, type World } from '../infra/gate/support.ts';
import { eventually } from '../support/eventually.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await eventually(async () => (await new Browser(world.gate.port).ask('/.gate/health')).status === 200);
});
afterAll(() => world.close());

const name = 'fall-intro-ada.localhost';
const lookAlikes = [
  ...['x', '-', '.', 'x.', 'www.', 'a.b.', '%', 'x-', '0', '_'].map(start => `${start}${name}:8080`),
  ...['.evil.example', 'x', '-', '..', '.', '%00', '@evil.example', '.com', ',', ';'].map(end => `${name}${end}:8080`),
  ...['', ':80', ':443', ':8081', ':808', ':80800', ':08080', ':8080.', ':8080@x', ':x'].map(end => `${name}${end}`),
  ...['fall-intro-ad', 'fall-intro-adaa', 'fall-intro-bob', 'fall-intro-аda', 'xn--fll-intro-ada'].map(
    label => `${label}.localhost:8080`,
  ),
  ...['localhost:8080', '127.0.0.1:8080', '[::1]:8080', 'fall-intro-ada.local:8080', 'fall-intro-ada:8080'],
];

const raw = (text: string) =>
  new Promise<string>((resolve, reject) => {
    const socket = net.connect(world.gate.port, '127.0.0.1', () => socket.write(text, 'latin1'));
    let said = '';
    socket.on('data', chunk => {
      said += chunk;
    });
    socket.on('close', () => resolve(said)).on('error', reject);
    socket.setTimeout(30_000, () => socket.destroy(new Error(`stays open: ${JSON.stringify(text.slice(0, 80))}`)));
  });

test('V11: of 40 look-alike hosts and origins none is taken for the workspace’s or the portal’s', async () => {
  expect(lookAlikes.length).toBe(40);
  for (const alike of lookAlikes) {
    const answer = await raw(
      `GET / HTTP/1.1\r\nHost: ${Buffer.from(alike).toString('latin1')}\r\nAccept: text/html\r\nConnection: close\r\n\r\n`,
    );
    expect(answer, alike).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(answer, alike).not.toMatch(/set-cookie|location:/i);
  }
  const browser = new Browser(world.gate.port);
  for (const alike of [
    'http://localhost',
    'https://localhost:8080',
    'http://localhost:8080.evil',
    'http://xlocalhost:8080',
    'null',
    '',
    'HTTP://LOCALHOST:8080',
    `${portalOrigin}/`,
  ]) {
    const state = await browser.stateOf('/');
    const answer = await browser.postTicket(await ticketOf({ state }), '/', alike);
    expect(answer.status, alike).toBe(403);
    expect(browser.cookies.has('__Host-armada-gate'), alike).toBe(false);
  }
  expect((await browser.enter()).status).toBe(303);
});

test('V26: a WebSocket from a sibling, null, missing or look-alike origin is refused, from the own accepted', async () => {
  const browser = new Browser(world.gate.port);
  await browser.enter();
  const others = [
    'http://fall-intro-bob.localhost:8080',
    'null',
    `${origin}.evil`,
    `${origin}/`,
    'http://fall-intro-ada.localhost',
    origin.replace('http', 'https'),
    origin.toUpperCase(),
    portalOrigin,
  ];
  for (const each of others) expect((await browser.connect({ origin: each })).status, each).toBe(403);
  expect((await browser.connect({})).status).toBe(403);
  const own = await browser.connect();
  expect(own.status).toBe(101);
  own.socket?.destroy();
});

test('V27: what reaches the IDE holds no cookie of Armada and no ticket', async () => {
  const browser = new Browser(world.gate.port);
  await browser.enter();
  browser.cookies.set('__Host-armada-session', 'of-the-portal');
  browser.cookies.set('theirs', '1');
  await browser.open('/recorded');
  (await browser.connect()).socket?.destroy();
  const seen = JSON.stringify([world.ide.requests, world.ide.upgrades]);
  expect(seen).toContain('theirs=1');
  expect(seen).not.toMatch(/armada-(session|gate|state)|ticket|Bearer/i);
});

test('V28: markup in an address makes none on the gate’s own pages', async () => {
  const markup = [
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "'onfocus=alert(1) autofocus='",
    '</title><svg onload=alert(1)>',
  ];
  const browser = new Browser(world.gate.port);
  await browser.enter({ as: 'staff', owner: markup.join('') });
  for (const text of markup)
    for (const path of [`/${encodeURI(text)}`, `/.gate/${encodeURI(text)}`, `/?x=${encodeURI(text)}`]) {
      const { body, headers } = await browser.open(path);
      expect(body).not.toMatch(/<script>|<img|<svg|'onfocus/);
      expect(headers['content-security-policy']).toMatch(/default-src 'none'/);
    }
});

test('T15: strangers get the same redirect but for the state, whatever they ask for', async () => {
  const ask = async () => {
    const { status, headers, body } = await new Browser(world.gate.port).open('/');
    const { date: _, ...rest } = headers;
    return JSON.stringify({ status, rest, body }).replaceAll(/[A-Za-z0-9_-]{43}/g, 'state');
  };
  expect(await ask()).toBe(await ask());
});

const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n';
const post = (headers: string, body = '0\r\n\r\n') => `POST / HTTP/1.1\r\nHost: ${host}\r\n${headers}\r\n\r\n${body}`;
const get = (line: string, headers = `Host: ${host}`) => `${line}\r\n${headers}\r\n\r\n`;
const malformed: [string, string][] = [
  ['both lengths', post('Content-Length: 4\r\nTransfer-Encoding: chunked', `0\r\n\r\n${smuggled}`)],
  ['two lengths', post('Content-Length: 4\r\nContent-Length: 5', 'abcd')],
  ['a list of lengths', post('Content-Length: 4, 5', 'abcd')],
  ['a negative length', post('Content-Length: -1', '')],
  ['a length with a sign', post('Content-Length: +4', 'abcd')],
  ['a length in hex', post('Content-Length: 0x4', 'abcd')],
  ['an unknown coding', post('Transfer-Encoding: xchunked')],
  ['chunked before another', post('Transfer-Encoding: chunked, identity')],
  ['chunked twice', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: x')],
  ['a blank before the colon', post('Transfer-Encoding : chunked')],
  ['a folded header', post('X: a\r\n Transfer-Encoding: chunked')],
  ['a header without a name', post(': x')],
  ['a header with a NUL', post('X: a\0b')],
  ['a bare CR', post('X: a\rTransfer-Encoding: chunked')],
  ['a bad chunk size', post('Transfer-Encoding: chunked', 'zz\r\nab\r\n0\r\n\r\n')],
  ['a chunk size with a sign', post('Transfer-Encoding: chunked', '-1\r\n\r\n')],
  ['a chunk longer than said', post('Transfer-Encoding: chunked', '1\r\nabc\r\n0\r\n\r\n')],
  ['no host', get('GET / HTTP/1.1', 'X: y')],
  ['an unknown version', get('GET / HTTP/9.9')],
  ['no version and a host', get('GET / HTP/1.1')],
  ['an unknown method', get('GETT / HTTP/1.1')],
  ['a lower-case method', get('get / HTTP/1.1')],
  ['a blank in the target', get('GET /a b HTTP/1.1')],
  ['a whole address', get('GET http://evil.example/ HTTP/1.1')],
  ['CONNECT-like target', get('GET evil.example:80 HTTP/1.1')],
  ['nonsense', '\x16\x03\x01\x02\x00\x01\r\n\r\n'],
];

const badBodies = new Set([
  'an unknown coding',
  'a bad chunk size',
  'a chunk size with a sign',
  'a chunk longer than said',
]);

test('T18: of 26 malformed requests each is refused and ends the connection, and nothing of it reaches the IDE', async () => {
  const before = world.ide.requests.length;
  for (const [what, text] of malformed) {
    const answer = await raw(
      what === 'a whole address' ? text.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n') : text,
    );
    const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
    // A stranger is refused by the head; that the body is malformed ends the connection.
    if (badBodies.has(what)) expect(['401', '401 400'], what).toContain(statuses.join(' '));
    else expect(['', '400'], what).toContain(statuses.join(' '));
  }
  expect(world.ide.requests.length).toBe(before);
});
