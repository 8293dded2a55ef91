import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type pg from 'pg';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { App } from './dependencies.ts';

/** From a read out of a table to a roster of hundreds. */
const seconds = [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];

/**
 * Counts the app's requests by route, method and status in `registry`, and tells of its connections to the database.
 * To be called before routes are registered.
 */
export function registerMetrics(
  app: App,
  { pool, registry }: { readonly pool: pg.Pool; readonly registry: Registry },
): void {
  const registers = [registry];
  const requests = new Histogram({
    name: 'armada_http_request_seconds',
    help: 'How long answers took, by the route as it is declared; a watch counts when it ends.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: seconds,
    registers,
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    requests.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
  });
  new Gauge({
    name: 'armada_database_connections',
    help: 'Connections of the pool: in use, idle, and requests that wait for one.',
    labelNames: ['use'] as const,
    registers,
    collect() {
      this.set({ use: 'busy' }, pool.totalCount - pool.idleCount);
      this.set({ use: 'idle' }, pool.idleCount);
      this.set({ use: 'waiting' }, pool.waitingCount);
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

/** Serves /metrics on a loopback port of its own, which no balancer leads to; 0 for any. */
export async function serveMetrics(
  port: number,
  registry: Registry,
): Promise<{ port: number; close(): Promise<void> }> {
  const server = http.createServer((request, response) => {
    if (request.url !== '/metrics') return void response.writeHead(404).end('not found\n');
    registry.metrics().then(
      text => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
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
