import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serveMetrics } from '../../../api/http/metrics.ts';
import { type Api, makeClass, startApi } from './harness.ts';

const registry = new Registry();
const lines: Record<string, unknown>[] = [];
let api: Api;
beforeAll(async () => {
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) };
  api = await startApi({}, { registry, logger: { level: 'info', stream } });
});
afterAll(() => api.close());

test('requests are counted by the route as it is declared, on a port of their own and nowhere else', async () => {
  await api.send('GET', '/v1/cohorts/none', 'operator');
  await api.send('GET', '/v1/cohorts/nobody', 'operator');
  expect((await api.send('GET', '/metrics', 'operator')).status).toBe(404);
  const server = await serveMetrics(0, registry);
  try {
    const text = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
    expect(text).toMatch(
      /armada_http_request_seconds_count\{method="GET",route="\/v1\/cohorts\/:\w+",status="404"\} 2/,
    );
    expect(text).toMatch(/^armada_database_connections\{use="waiting"\} 0$/m);
    expect((await fetch(`http://127.0.0.1:${server.port}/v1/cohorts`)).status).toBe(404);
  } finally {
    await server.close();
  }
});

test('a request can be followed to the object that it asked for, by its id', async () => {
  await makeClass(api, ['Ada']);
  const [workspace] = (await api.send('GET', '/v1/workspaces', 'operator')).body.items;
  const patched = await api.send('PATCH', `/v1/workspaces/${workspace.id}`, 'operator', {
    body: { spec: { running: true } },
  });
  const about = (request: string) => lines.filter(line => line['reqId'] === request && line['msg'] === 'asked');
  const requestId = String(patched.headers['x-request-id']);
  expect(about(requestId)).toMatchObject([
    { about: [{ kind: 'workspace', id: workspace.id, generation: workspace.generation + 1 }] },
  ]);
  const stopped = await api.send('POST', '/v1/workspaces:stop', 'operator', {
    body: { ids: [workspace.id, 'unknown'] },
  });
  expect(stopped.headers['x-request-id']).not.toBe(requestId);
  expect(about(String(stopped.headers['x-request-id']))).toMatchObject([{ about: [{ id: workspace.id }] }]);
  expect(JSON.stringify(lines)).not.toContain('unknown"}');
});
