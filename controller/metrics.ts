import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ControllerLook } from './controller.ts';
import type { Kind } from './drive.ts';
import { keyOf } from './sources.ts';

/** How a call to AWS ended: well, refused for its rate, or with another error. */
export type CallResult = 'ok' | 'throttled' | 'error';

/** What the controller counts, in Prometheus's terms. */
export interface Metrics {
  readonly registry: Registry;
  /** Counts one attempt of one operation; `milliseconds` where it is known how long it took. */
  called(service: string, operation: string, result: CallResult, milliseconds?: number): void;
  /** Notes when a key was asked for: it counts until the key is as asked. */
  asked(key: string): void;
  /** The same kind, its passes counted and timed. */
  measured(kind: Kind): Kind;
}

/** From a settled look to a class that stands in line for AWS's tokens. */
const passSeconds = [0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300];
/** A local answer to the 10 s after which a call counts as lost. */
const callSeconds = [0.01, 0.03, 0.1, 0.3, 1, 3, 10];
/** A start that is measured in seconds, and one that waits for a host. */
const readySeconds = [0.5, 1, 2, 5, 10, 20, 40, 80, 160, 320, 640];

/** Makes the metrics of one controller; `look` is asked at each scrape, `elapsed` tells milliseconds. */
export function createMetrics(look: () => ControllerLook, elapsed: () => number): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const calls = new Counter({
    name: 'armada_aws_calls_total',
    help: 'Attempts at calls to AWS, by operation and result; `throttled` is a refusal for their rate.',
    labelNames: ['service', 'operation', 'result'] as const,
    registers,
  });
  const durations = new Histogram({
    name: 'armada_aws_call_seconds',
    help: 'How long AWS took to answer, without the wait for a token.',
    labelNames: ['service', 'operation'] as const,
    buckets: callSeconds,
    registers,
  });
  const passes = new Histogram({
    name: 'armada_reconcile_seconds',
    help: 'How long passes took, by kind and outcome.',
    labelNames: ['kind', 'outcome'] as const,
    buckets: passSeconds,
    registers,
  });
  const ready = new Histogram({
    name: 'armada_asked_to_ready_seconds',
    help: 'From asking to being as asked, where that took more than one look.',
    labelNames: ['kind'] as const,
    buckets: readySeconds,
    registers,
  });
  registerGauges(registry, look);

  /** Since when what is asked for is not yet as asked; `moved`: a look found it so. */
  const waiting = new Map<string, { readonly since: number; moved: boolean }>();
  function told(kind: string, id: string, outcome: string): void {
    const key = keyOf(kind, id);
    const asked = waiting.get(key);
    if (!asked) return;
    if (outcome !== 'settled' && outcome !== 'stuck' && outcome !== 'gone') {
      asked.moved = true;
      return;
    }
    waiting.delete(key);
    if (asked.moved && outcome === 'settled') ready.observe({ kind }, (elapsed() - asked.since) / 1000);
  }

  return {
    registry,
    called(service, operation, result, milliseconds) {
      calls.inc({ service, operation, result });
      if (milliseconds !== undefined) durations.observe({ service, operation }, milliseconds / 1000);
    },
    asked(key) {
      if (!waiting.has(key)) waiting.set(key, { since: elapsed(), moved: false });
    },
    measured: kind => ({
      name: kind.name,
      keys: () => kind.keys(),
      async pass(id, options) {
        const start = elapsed();
        let outcome = 'thrown';
        try {
          const passed = await kind.pass(id, options);
          outcome = passed.verdict;
          return passed;
        } finally {
          passes.observe({ kind: kind.name, outcome }, (elapsed() - start) / 1000);
          told(kind.name, id, outcome);
        }
      },
    }),
  };
}

function registerGauges(registry: Registry, look: () => ControllerLook): void {
  const registers = [registry];
  new Gauge({
    name: 'armada_controller_leading',
    help: '1 where this controller holds the lease, 0 where it stands by.',
    registers,
    collect() {
      this.set(look().leading ? 1 : 0);
    },
  });
  new Gauge({
    name: 'armada_queue_keys',
    help: 'Keys by phase: waiting for room, running, and later (not due yet).',
    labelNames: ['phase'] as const,
    registers,
    collect() {
      const queue = look().queue;
      for (const phase of ['waiting', 'running', 'later'] as const) this.set({ phase }, queue?.[phase] ?? 0);
    },
  });
  new Gauge({
    name: 'armada_queue_age_seconds',
    help: 'How long the key that has waited longest has waited, by urgency.',
    labelNames: ['urgency'] as const,
    registers,
    collect() {
      const ages = look().queue?.oldestSeconds;
      for (const urgency of ['urgent', 'background'] as const) this.set({ urgency }, ages?.[urgency] ?? 0);
    },
  });
  new Gauge({
    name: 'armada_resync_age_seconds',
    help: 'Since all rows were last listed; absent where this controller never led.',
    registers,
    collect() {
      const age = look().resyncAgeSeconds;
      this.reset();
      this.remove();
      if (age !== undefined) this.set(age);
    },
  });
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of this process.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'CPU time of this process, user and system.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
}
