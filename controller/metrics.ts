import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Kind } from './drive.ts';

/** Why a process is not ready, in words; empty when it is. */
export type Unready = () => Promise<readonly string[]>;

/** How a call to AWS ended: well, refused for its rate, or with another error. */
export type CallResult = 'ok' | 'throttled' | 'error';

/** What the controller counts, in Prometheus's terms. */
export interface Metrics {
  readonly registry: Registry;
  /** Counts one attempt of one operation. */
  called(service: string, operation: string, result: CallResult): void;
  /** The same kind, its passes counted and timed by `elapsed` (milliseconds). */
  measured(kind: Kind, elapsed: () => number): Kind;
}

/** From a settled look to a class that stands in line for AWS's tokens. */
const passSeconds = [0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300];

/** Makes the metrics of one controller; `leading` is asked at each scrape. */
export function createMetrics(leading: () => boolean): Metrics {
  const registry = new Registry();
  const calls = new Counter({
    name: 'armada_aws_calls_total',
    help: 'Attempts at calls to AWS, by operation and result.',
    labelNames: ['service', 'operation', 'result'] as const,
    registers: [registry],
  });
  const passes = new Histogram({
    name: 'armada_reconcile_seconds',
    help: 'How long passes took, by kind and outcome.',
    labelNames: ['kind', 'outcome'] as const,
    buckets: passSeconds,
    registers: [registry],
  });
  new Gauge({
    name: 'armada_controller_leading',
    help: '1 where this controller holds the lease, 0 where it stands by.',
    registers: [registry],
    collect() {
      this.set(leading() ? 1 : 0);
    },
  });
  return {
    registry,
    called: (service, operation, result) => calls.inc({ service, operation, result }),
    measured: (kind, elapsed) => ({
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
        }
      },
    }),
  };
}

/** A small server on loopback. */
export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves /metrics, /healthz (the process answers) and /readyz (503 with reasons until it is of use; one that stands by
 * is). Loopback only; port 0 for any.
 */
export async function serveMetrics(
  port: number,
  options: { readonly metrics: Metrics; readonly leading: () => boolean; readonly unready: Unready },
): Promise<MetricsServer> {
  const { metrics, leading, unready } = options;
  async function answer(url: string): Promise<readonly [status: number, type: string, body: string]> {
    if (url === '/metrics') return [200, metrics.registry.contentType, await metrics.registry.metrics()];
    const role = leading() ? 'leading' : 'standing by';
    if (url === '/healthz') return [200, 'application/json', JSON.stringify({ role })];
    if (url !== '/readyz') return [404, 'text/plain', 'not found\n'];
    const reasons = await unready();
    return [reasons.length > 0 ? 503 : 200, 'application/json', JSON.stringify({ role, reasons })];
  }
  const server = http.createServer((request, response) => {
    answer(request.url ?? '/').then(
      ([status, type, body]) => response.writeHead(status, { 'content-type': type }).end(body),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address: AddressInfo | string | null = server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : port,
    async close() {
      server.closeAllConnections();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}
