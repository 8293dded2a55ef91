import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { isUnsafe } from './requests.ts';

/** What becomes of a request. */
export interface Forwarded {
  /** The IDE's answer, its body not yet read. */
  answered(answer: IncomingMessage): void;
  /** Nobody answered, and nothing was sent to the browser yet. */
  failed(error: Error): void;
}

/** About one connection, and never passed on. */
const ofConnection: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
]);

/** Makes the way to a unix socket: plain requests, over connections that are kept open, bodies streamed. */
export function createForward(socketPath: string) {
  const agent = new http.Agent({ keepAlive: true, scheduling: 'lifo' });
  return (request: IncomingMessage, response: ServerResponse, { answered, failed }: Forwarded): void => {
    const { method, url: path } = request;
    const headers = headersOf(request);
    const hasBody = 'transfer-encoding' in request.headers || Number(request.headers['content-length'] ?? 0) > 0;
    let sent: http.ClientRequest | undefined;
    const send = (isFirst: boolean): void => {
      const upstream = http.request({ agent, socketPath, method, path, headers, setHost: false });
      sent = upstream;
      upstream.on('response', answer => {
        // An answer that breaks off must not look whole.
        answer.on('close', () => {
          if (!answer.complete) response.destroy();
        });
        answer.on('error', () => response.destroy());
        // The rest of a body that the IDE no longer wants must not block the connection.
        answer.on('end', () => {
          if (!request.complete) request.unpipe(upstream).resume();
        });
        try {
          answered(answer);
        } catch (error) {
          // An answer that can't be written, such as one with a broken header.
          answer.destroy();
          if (response.headersSent) response.destroy();
          else failed(error instanceof Error ? error : new Error(String(error)));
        }
      });
      upstream.on('error', error => {
        if (response.destroyed) return;
        // The IDE may close an idle connection just as it is used again: it has seen nothing of the request then.
        const isStale = upstream.reusedSocket && !hasBody && !isUnsafe(request);
        if (isFirst && isStale && !response.headersSent) return send(false);
        if (response.headersSent) return void response.destroy();
        if (hasBody) request.unpipe(upstream).resume();
        failed(error);
      });
      if (hasBody) request.pipe(upstream);
      else upstream.end();
    };
    response.on('close', () => {
      if (!response.writableFinished) sent?.destroy();
    });
    send(true);
  };
}

/** Sends an answer on as it comes, but for its reason phrase: nobody reads it, and not every one can be written. */
export function passOn(answer: IncomingMessage, response: ServerResponse): void {
  response.writeHead(answer.statusCode ?? 502, headersOf(answer, 'transfer-encoding'));
  answer.pipe(response);
}

/** As Node writes them with the least work: names and values in turn. */
function headersOf({ headers }: IncomingMessage, except?: string): string[] {
  const flat: string[] = [];
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || name === except || ofConnection.has(name)) continue;
    if (typeof value === 'string') flat.push(name, value);
    else for (const each of value) flat.push(name, each);
  }
  return flat;
}
