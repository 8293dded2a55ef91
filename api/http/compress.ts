import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { App } from './dependencies.ts';

/** Below this the headers weigh more than what is saved. */
const leastBytes = 1024;
const compressible = /^(application\/([a-z0-9.-]+\+)?json|text\/html)\b/;
const compress = promisify(gzip);

/** Compresses what is answered as text and worth it, for those who take gzip; streams and assets are left as they are. */
export function registerCompression(app: Pick<App, 'addHook'>): void {
  app.addHook('onSend', async (request, reply, payload) => {
    if (typeof payload !== 'string' || payload.length < leastBytes || request.method === 'HEAD') return payload;
    if (!compressible.test(String(reply.getHeader('content-type'))) || reply.hasHeader('content-encoding')) {
      return payload;
    }
    reply.header('vary', 'accept-encoding');
    if (!/\bgzip\b(?!\s*;\s*q=0(\.0+)?\s*(,|$))/.test(String(request.headers['accept-encoding'] ?? ''))) return payload;
    reply.header('content-encoding', 'gzip').removeHeader('content-length');
    return compress(payload);
  });
}
