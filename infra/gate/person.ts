import type { IncomingMessage, ServerResponse } from 'node:http';
import { ownHeaders } from './pages.ts';
import { gatePaths } from './paths.ts';

/** The script that tells of a person, and where it tells. */
export const personScriptPath = `${gatePaths}activity.js`;
export const personPath = `${gatePaths}active`;

/**
 * Listens in the page itself to keyboard and pointer, whatever the IDE is; `isTrusted` leaves out what a page's own
 * script makes up. `here`: it runs, so that WebSockets need not be read for signs of a person.
 */
const scriptAt = (base: string) => `(() => {
  let last = -Infinity;
  const tell = what => void fetch('${base}${personPath}', { method: 'POST', body: what, keepalive: true }).catch(() => {});
  const seen = event => {
    if (!event.isTrusted || performance.now() - last < 30000) return;
    last = performance.now();
    tell('seen');
  };
  for (const type of ['keydown', 'pointerdown', 'pointermove', 'wheel'])
    addEventListener(type, seen, { capture: true, passive: true });
  tell('here');
})();
`;

/** What is put after a page: parsed as its last element, and code-server's policy allows scripts of its own origin. */
const tagAt = (base: string) => `<script src="${base}${personScriptPath}"></script>`;
const bodyBytes = 16;

/** Answers with the script. */
export function sendPersonScript(response: ServerResponse, base: string): void {
  const script = scriptAt(base);
  const type = 'text/javascript; charset=utf-8';
  response.writeHead(200, { ...ownHeaders, 'content-type': type, 'content-length': Buffer.byteLength(script) });
  response.end(script);
}

/** What the script told: that it runs, or that a person was seen; undefined: neither. */
export async function readTold(request: IncomingMessage): Promise<'here' | 'seen' | undefined> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > bodyBytes) return undefined;
  }
  return text === 'here' || text === 'seen' ? text : undefined;
}

/** Whether a page at this path is the IDE's own: what students serve through it is left as they made it. */
export function isIdePage(path: string): boolean {
  return !/^\/(abs)?proxy\//.test(path);
}

/** Passes an answer on, with the script after it if it is a page that can be added to. */
export function sendWithScript(answer: IncomingMessage, response: ServerResponse, base: string): void {
  const { connection: _, 'keep-alive': __, 'transfer-encoding': ___, ...headers } = answer.headers;
  const type = headers['content-type'] ?? '';
  const isPage = answer.statusCode === 200 && /^text\/html\b/i.test(type) && !headers['content-encoding'];
  if (isPage) delete headers['content-length'];
  response.writeHead(answer.statusCode ?? 502, headers);
  answer.pipe(response, { end: !isPage });
  if (isPage) answer.once('end', () => response.end(tagAt(base)));
  answer.once('close', () => {
    if (!answer.complete) response.destroy();
  });
  response.once('close', () => answer.destroy());
}
