import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import type { ControllerLook } from './controller.ts';

/** What keeps a process from being of use, in words. */
export type Reasons = () => Promise<readonly string[]> | readonly string[];

/** A look at all rows is due every 30 s: one that leads and has not managed for this long has wedged. */
const mostResyncSeconds = 120;

/** What is wrong with a controller that a new start would mend; empty for one that stands by. */
export function wedged({ leading, resyncAgeSeconds }: ControllerLook): readonly string[] {
  if (!leading || resyncAgeSeconds === undefined || resyncAgeSeconds <= mostResyncSeconds) return [];
  return [`it leads and has not listed the rows for ${Math.round(resyncAgeSeconds)} s`];
}

/** A small server on loopback. */
export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves /metrics, /healthz (503 with reasons when only a new start helps) and /readyz (503 with reasons until it is of
 * use; one that stands by is). Loopback only; port 0 for any.
 */
export async function serveHealth(
  port: number,
  options: {
    readonly registry: Registry;
    readonly look: () => ControllerLook;
    /** Besides being wedged. */
    readonly unready: Reasons;
  },
): Promise<HealthServer> {
  const { registry, look, unready } = options;
  async function answer(url: string): Promise<readonly [status: number, type: string, body: string]> {
    if (url === '/metrics') return [200, registry.contentType, await registry.metrics()];
    if (url !== '/healthz' && url !== '/readyz') return [404, 'text/plain', 'not found\n'];
    const stuck = wedged(look());
    const reasons = url === '/healthz' ? stuck : [...stuck, ...(await unready())];
    const role = look().leading ? 'leading' : 'standing by';
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
