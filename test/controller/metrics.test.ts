import { afterEach, expect, test } from 'vitest';
import { createMetrics, type MetricsServer, serveMetrics } from '../../controller/metrics.ts';

let server: MetricsServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function get(path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://127.0.0.1:${server?.port}${path}`);
  return { status: response.status, text: await response.text() };
}

test('the controller tells its calls to AWS, its role and what keeps it from being ready', async () => {
  let reasons: readonly string[] = ['the database does not answer'];
  let isLeading = false;
  const leading = () => isLeading;
  const metrics = createMetrics(leading);
  server = await serveMetrics(0, { metrics, leading, unready: async () => reasons });
  expect(await get('/readyz')).toMatchObject({ status: 503, text: expect.stringContaining('database') });
  expect(await get('/healthz')).toMatchObject({ status: 200, text: expect.stringContaining('standing by') });
  reasons = [];
  isLeading = true;
  metrics.called('ecs', 'CreateService', 'throttled');
  expect(await get('/readyz')).toMatchObject({ status: 200, text: expect.stringContaining('leading') });
  const { text } = await get('/metrics');
  expect(text).toContain('armada_aws_calls_total{service="ecs",operation="CreateService",result="throttled"} 1');
  expect(text).toContain('armada_controller_leading 1');
  expect(await get('/secrets')).toMatchObject({ status: 404 });
});

test('passes are counted by kind and outcome, those that throw included', async () => {
  const metrics = createMetrics(() => true);
  let now = 0;
  const kind = metrics.measured(
    {
      name: 'toy',
      keys: async () => ['a'],
      async pass(id) {
        now += 3_000;
        if (id === 'bad') throw new Error('no');
        return { verdict: 'settled', againSeconds: undefined };
      },
    },
    () => now,
  );
  await kind.pass('a', {} as never);
  await expect(kind.pass('bad', {} as never)).rejects.toThrow('no');
  const text = await metrics.registry.metrics();
  expect(text).toContain('armada_reconcile_seconds_sum{kind="toy",outcome="settled"} 3');
  expect(text).toContain('armada_reconcile_seconds_count{kind="toy",outcome="thrown"} 1');
});
