import net from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { buildApp } from '../../api/http/app.ts';
import { conditionOf } from '../../api/resources/resource.ts';
import { createPool } from '../../api/store/pool.ts';
import { loadWorkspace } from '../../api/store/status.ts';
import { answerLost, failedAfterApplying, throttled } from '../../infra/local/aws/faults.ts';
import { operatorToken, startApi } from '../api/http/harness.ts';
import { orphansOf } from '../campaign/end-state.ts';
import { startWorld, type World } from '../campaign/world.ts';
import { addWorkspace } from '../support/class-rows.ts';
import { eventually } from '../support/eventually.ts';
import { anyPort } from '../support/product.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A way to PostgreSQL that can be shut and opened again at the same port. */
async function openGateway(databaseUrl: string) {
  const { hostname, port: target } = new URL(databaseUrl);
  const sockets = new Set<net.Socket>();
  let server = net.createServer();
  const open = async (port: number) => {
    server = net.createServer(near => {
      const far = net.connect(Number(target), hostname);
      for (const socket of [near, far]) sockets.add(socket.on('error', () => {}));
      near.on('close', () => far.destroy());
      far.on('close', () => near.destroy());
      near.pipe(far).pipe(near);
    });
    await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve));
    return (server.address() as net.AddressInfo).port;
  };
  const port = await open(await anyPort());
  const shut = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  ends.push(async () => shut());
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${port}`;
  return { url: url.href, shut, reopen: () => open(port) };
}

const isReady = async (world: World, id: string) => {
  const workspace = await loadWorkspace(world.pool, id);
  return workspace?.status.step === 'ready' && conditionOf(workspace.status, 'Ready')?.status === 'True';
};

test('PostgreSQL gone for a while: the API answers 503 problem+json, then all is well and nothing is lost', async () => {
  const api = await startApi();
  ends.push(() => api.close());
  const gateway = await openGateway(api.database.url);
  const world = await startWorld({ databaseUrl: gateway.url });
  ends.push(() => world.close());
  const pool = createPool(gateway.url);
  ends.push(() => pool.end());
  const { settings, hub, identity, keys } = api;
  const app = await buildApp({ pool, settings, hub, identity, keys, assets: new Map(), now: () => new Date() });
  ends.push(() => app.close());
  const headers = { host: 'localhost:8080', authorization: `Bearer ${operatorToken}` };
  world.startLife();

  const before = await addWorkspace(api.database.pool);
  await eventually(() => isReady(world, before.id));
  // In the middle of the way up of another.
  const during = await addWorkspace(api.database.pool);
  await eventually(() => world.calls.some(({ operation }) => operation === 'CreateAccessPoint'));
  gateway.shut();

  for (const url of ['/v1/workspaces', '/v1/courses', `/v1/workspaces/${before.id}`]) {
    const answer = await app.inject({ url, headers });
    expect(answer.statusCode, url).toBe(503);
    expect(answer.headers['content-type'], url).toBe('application/problem+json');
  }
  const put = { method: 'PUT', url: '/v1/courses/late', headers, payload: { name: 'Late' } } as const;
  expect((await app.inject(put)).statusCode).toBe(503);
  await eventually(() => !world.life.controller.leading);

  await gateway.reopen();
  await eventually(async () => (await app.inject(put)).statusCode < 300);
  await eventually(() => isReady(world, during.id));
  await eventually(() => isReady(world, before.id));
  // Nothing was made twice, and nobody was stopped.
  expect(world.truth.accessPoints.all()).toHaveLength(2);
  expect(world.truth.services.all().filter(({ status }) => status === 'ACTIVE')).toHaveLength(2);
  expect(world.violations).toEqual([]);
});

test('the local AWS refuses and loses answers for a while: everything settles afterwards', async () => {
  const api = await startApi();
  ends.push(() => api.close());
  const world = await startWorld({ databaseUrl: api.database.url });
  ends.push(() => world.close());
  world.startLife();
  const settled = await addWorkspace(api.database.pool);
  await eventually(() => isReady(world, settled.id));

  // Every third call is refused, every third is applied and its answer lost, every third is applied and fails.
  const faults = [throttled, answerLost, failedAfterApplying];
  let calls = 0;
  world.atCall = () => faults[calls++ % faults.length];
  const added = await Promise.all([1, 2, 3].map(() => addWorkspace(api.database.pool)));
  await eventually(() => calls > 60);
  expect((await loadWorkspace(world.pool, settled.id))?.status.step).toBe('ready');

  world.atCall = () => undefined;
  for (const { id } of added) await eventually(() => isReady(world, id));
  expect(world.truth.accessPoints.all()).toHaveLength(4);
  expect(world.truth.rules.all().filter(({ priority }) => priority !== 'default')).toHaveLength(4);
  expect(world.violations).toEqual([]);
  await world.pool.query('update workspaces set deleted_at = now()');
  await eventually(async () => (await world.pool.query('select from workspaces')).rowCount === 0);
  expect(orphansOf(world.truth)).toEqual([]);
});
