import net from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildApp } from '../../../api/http/app.ts';
import { createPool } from '../../../api/store/pool.ts';
import { eventually } from '../../support/eventually.ts';
import { anyPort } from '../../support/product.ts';
import { type Api, operatorToken, startApi } from './harness.ts';

let api: Api;
let gateway: net.Server;
let port: number;
const sockets = new Set<net.Socket>();

/** A way to PostgreSQL that can be shut. */
async function open(at: number): Promise<void> {
  const { hostname, port: target } = new URL(api.database.url);
  gateway = net.createServer(near => {
    const far = net.connect(Number(target), hostname);
    for (const socket of [near, far]) sockets.add(socket.on('error', () => {}));
    near.pipe(far).pipe(near);
  });
  await new Promise<void>(resolve => gateway.listen(at, '127.0.0.1', resolve));
  port = (gateway.address() as net.AddressInfo).port;
}
function shut(): void {
  gateway.close();
  for (const socket of sockets) socket.destroy();
}

beforeAll(async () => {
  api = await startApi();
  await open(await anyPort());
});
afterAll(async () => {
  shut();
  await api.close();
});

test('while PostgreSQL is away requests are 503 with a time to try again, then all is well', async () => {
  const url = new URL(api.database.url);
  url.host = `127.0.0.1:${port}`;
  const pool = createPool(url.href);
  const { settings, hub, identity, keys } = api;
  const app = await buildApp({ pool, settings, hub, identity, keys, assets: new Map(), now: () => new Date() });
  const get = (path: string, headers: Record<string, string> = {}) =>
    app.inject({
      url: path,
      headers: { host: 'localhost:8080', authorization: `Bearer ${operatorToken}`, ...headers },
    });
  expect((await get('/v1/courses')).statusCode).toBe(200);

  // In the middle of a request, and before one.
  const cut = app.inject({
    method: 'PUT',
    url: '/v1/courses/cut',
    headers: { host: 'localhost:8080', authorization: `Bearer ${operatorToken}` },
    payload: { name: 'Cut' },
  });
  shut();
  expect([201, 503]).toContain((await cut).statusCode);
  for (const path of ['/v1/courses', '/v1/workspaces', '/readyz']) {
    const got = await get(path);
    expect(got.statusCode, path).toBe(503);
    expect(got.headers['retry-after'], path).toBe('2');
    expect(got.headers['content-type'], path).toBe('application/problem+json');
    expect(got.body).not.toMatch(/ECONN|127\.0\.0\.1|pg/);
  }
  expect((await get('/healthz')).statusCode).toBe(200);
  const page = await app.inject({
    url: '/',
    headers: { host: 'localhost:8080', accept: 'text/html', cookie: '__Host-armada-session=x' },
  });
  expect(page.statusCode).toBe(503);
  expect(page.headers['content-type']).toContain('text/html');

  await open(port);
  await eventually(async () => (await get('/readyz')).statusCode === 200);
  expect((await get('/v1/courses')).statusCode).toBe(200);
  await app.close();
  await pool.end();
});
