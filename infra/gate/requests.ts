import type { IncomingMessage } from 'node:http';

const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Whether a person looks at the answer: a navigation of a tab, not a script's request, a frame or an image. */
export function wantsPage(request: IncomingMessage): boolean {
  const mode = request.headers['sec-fetch-mode'];
  // Browsers of before 2023 do not say; programs do not either, but do not ask for HTML.
  if (mode === undefined) return (request.headers.accept ?? '').includes('text/html');
  return mode === 'navigate' && request.headers['sec-fetch-dest'] === 'document';
}

/** A navigation that can be sent elsewhere and back. */
export function isNavigation(request: IncomingMessage): boolean {
  return (request.method === 'GET' || request.method === 'HEAD') && wantsPage(request);
}

/** Whether the method may change something. */
export function isUnsafe(request: IncomingMessage): boolean {
  return !safeMethods.has(request.method ?? '');
}

/** A request that another site's page made: it may lead a person here, but neither fetch nor frame nor post. */
export function isForeign(request: IncomingMessage, origin: string): boolean {
  const site = request.headers['sec-fetch-site'];
  if (isUnsafe(request)) return request.headers.origin !== origin || (site !== undefined && site !== 'same-origin');
  return (site === 'same-site' || site === 'cross-site') && !isNavigation(request);
}

/** The body of a posted form; undefined if it is none, or larger than `limit` bytes. */
export async function readForm(request: IncomingMessage, limit: number): Promise<URLSearchParams | undefined> {
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(request.headers['content-type'] ?? '')) return undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > limit) return undefined;
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}
