import { afterEach, expect, test } from 'vitest';
import type { ControllerLook } from '../../controller/controller.ts';
import { type HealthServer, serveHealth } from '../../controller/health.ts';
import { createMetrics } from '../../controller/metrics.ts';

let server: HealthServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function get(path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://127.0.0.1:${server?.port}${path}`);
  return { status: response.status, text: await response.text() };
}

const standingBy: ControllerLook = { leading: false, queue: undefined, resyncAgeSeconds: undefined };
const leading: ControllerLook = {
  leading: true,
  queue: { waiting: 3, running: 2, later: 7, oldestSeconds: { urgent: 0.5, background: 12 } },
  resyncAgeSeconds: 9,
};

test('the controller tells its role, its queue, its calls to AWS and what keeps it from being ready', async () => {
  let reasons: readonly string[] = ['the database does not answer'];
  let look = standingBy;
  const metrics = createMetrics(
    () => look,
    () => 0,
  );
  server = await serveHealth(0, { registry: metrics.registry, look: () => look, unready: async () => reasons });
  expect(await get('/readyz')).toMatchObject({ status: 503, text: expect.stringContaining('database') });
  expect(await get('/healthz')).toMatchObject({ status: 200, text: expect.stringContaining('standing by') });
  reasons = [];
  look = leading;
  metrics.called('ecs', 'CreateService', 'throttled', 20);
  expect(await get('/readyz')).toMatchObject({ status: 200, text: expect.stringContaining('leading') });
  const { text } = await get('/metrics');
  for (const line of [
    'armada_aws_calls_total{service="ecs",operation="CreateService",result="throttled"} 1',
    'armada_aws_call_seconds_sum{service="ecs",operation="CreateService"} 0.02',
    'armada_controller_leading 1',
    'armada_queue_keys{phase="waiting"} 3',
    'armada_queue_keys{phase="running"} 2',
    'armada_queue_keys{phase="later"} 7',
    'armada_queue_age_seconds{urgency="urgent"} 0.5',
    'armada_queue_age_seconds{urgency="background"} 12',
    'armada_resync_age_seconds 9',
  ])
    expect(text.split('\n')).toContain(line);
  expect(await get('/secrets')).toMatchObject({ status: 404 });
});

test('a leader that has not listed the rows for minutes is ill, and says why', async () => {
  let look: ControllerLook = { ...leading, resyncAgeSeconds: 119 };
  const { registry } = createMetrics(
    () => look,
    () => 0,
  );
  server = await serveHealth(0, { registry, look: () => look, unready: () => [] });
  expect(await get('/healthz')).toMatchObject({ status: 200 });
  look = { ...leading, resyncAgeSeconds: 121 };
  const ill = { status: 503, text: expect.stringContaining('not listed the rows for 121 s') };
  expect(await get('/healthz')).toMatchObject(ill);
  expect(await get('/readyz')).toMatchObject(ill);
  look = standingBy;
  expect((await get('/metrics')).text).not.toMatch(/^armada_resync_age_seconds /m);
});

/** A kind whose passes take three seconds and come to what is on the list. */
function kindOf(outcomes: string[], pass: (milliseconds: number) => void) {
  return {
    name: 'toy',
    keys: async () => ['a'],
    async pass() {
      pass(3_000);
      const verdict = outcomes.shift();
      if (verdict === undefined) throw new Error('no');
      return { verdict: verdict as 'settled', againSeconds: undefined };
    },
  };
}

test('passes are counted by kind and outcome, those that throw included', async () => {
  let now = 0;
  const metrics = createMetrics(
    () => leading,
    () => now,
  );
  const kind = metrics.measured(kindOf(['settled'], milliseconds => (now += milliseconds)));
  await kind.pass('a', {} as never);
  await expect(kind.pass('a', {} as never)).rejects.toThrow('no');
  const text = await metrics.registry.metrics();
  expect(text).toContain('armada_reconcile_seconds_sum{kind="toy",outcome="settled"} 3');
  expect(text).toContain('armada_reconcile_seconds_count{kind="toy",outcome="thrown"} 1');
});

test('from asked to ready is timed over all looks that it took; what was ready at the first look is not', async () => {
  let now = 0;
  const metrics = createMetrics(
    () => leading,
    () => now,
  );
  const outcomes = ['wait', 'failed', 'settled', 'settled', 'stuck', 'settled'];
  const kind = metrics.measured(kindOf(outcomes, milliseconds => (now += milliseconds)));
  metrics.asked('toy/a');
  now += 1_000;
  metrics.asked('toy/a');
  for (let pass = 0; pass < 3; pass += 1) await kind.pass('a', {} as never);
  expect(await metrics.registry.metrics()).toContain('armada_asked_to_ready_seconds_sum{kind="toy"} 10');
  metrics.asked('toy/a');
  await kind.pass('a', {} as never);
  metrics.asked('toy/a');
  await kind.pass('a', {} as never);
  await kind.pass('a', {} as never);
  expect(await metrics.registry.metrics()).toContain('armada_asked_to_ready_seconds_count{kind="toy"} 1');
});
