import http from 'node:http';
import type { Duplex } from 'node:stream';
import type { Action } from '@aws-sdk/client-elastic-load-balancing-v2';

const names: Readonly<Record<number, string>> = { 503: 'Service Temporarily Unavailable', 504: 'Gateway Time-out' };

/** What the balancer answers by itself. */
export interface OwnAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** AWS's plain page for a status. */
export function pageOf(status: number): OwnAnswer {
  const title = `${status} ${names[status] ?? http.STATUS_CODES[status] ?? ''}`;
  return {
    status,
    headers: { server: 'awselb/2.0', 'content-type': 'text/html' },
    body: `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n</body>\r\n</html>\r\n`,
  };
}

/** Answers with AWS's plain page for a status. */
export function answerPage(response: http.ServerResponse, status: number): void {
  writeAnswer(response, pageOf(status));
}

/** Sends the balancer's own answer. */
export function writeAnswer(response: http.ServerResponse, answer: OwnAnswer): void {
  response.writeHead(answer.status, { ...answer.headers, 'content-length': Buffer.byteLength(answer.body) });
  response.end(answer.body);
}

/** Sends the balancer's own answer to who asked for a WebSocket, and ends the connection. */
export function writeRawAnswer(socket: Duplex, answer: OwnAnswer): void {
  const headers = { ...answer.headers, 'content-length': String(Buffer.byteLength(answer.body)), connection: 'close' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${answer.status} ${http.STATUS_CODES[answer.status] ?? ''}\r\n${lines.join('')}\r\n${answer.body}`,
  );
}

/** What a redirect's placeholders stand for. */
export interface Redirected {
  readonly protocol: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly query: string;
}

/** The answer of a fixed-response or redirect action; undefined for one that forwards. */
export function ownAnswerOf(action: Action, from: Redirected): OwnAnswer | undefined {
  const fixed = action.FixedResponseConfig;
  if (action.Type === 'fixed-response' && fixed)
    return {
      status: Number(fixed.StatusCode),
      headers: { server: 'awselb/2.0', 'content-type': `${fixed.ContentType ?? 'text/plain'}; charset=utf-8` },
      body: fixed.MessageBody ?? '',
    };
  const redirect = action.RedirectConfig;
  if (action.Type !== 'redirect' || !redirect) return undefined;
  const fill = (text: string) =>
    text
      .replaceAll('#{protocol}', from.protocol)
      .replaceAll('#{host}', from.host)
      .replaceAll('#{port}', String(from.port))
      .replaceAll('#{path}', from.path.slice(1))
      .replaceAll('#{query}', from.query);
  const protocol = fill(redirect.Protocol ?? '#{protocol}').toLowerCase();
  const port = fill(redirect.Port ?? '#{port}');
  const usual = port === (protocol === 'https' ? '443' : '80');
  const query = fill(redirect.Query ?? '#{query}');
  const authority = `${fill(redirect.Host ?? '#{host}')}${usual ? '' : `:${port}`}`;
  const location = `${protocol}://${authority}${fill(redirect.Path ?? '/#{path}')}${query ? `?${query}` : ''}`;
  const status = redirect.StatusCode === 'HTTP_301' ? 301 : 302;
  return { ...pageOf(status), headers: { ...pageOf(status).headers, location } };
}
