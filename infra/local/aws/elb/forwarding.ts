import http from 'node:http';
import { attribute, loadBalancerAttributes } from './attributes.ts';
import { answerPage } from './pages.ts';
import type { LoadBalancerRow } from './tables.ts';
import type { Connection, Member, Targets } from './targets.ts';

/** How a load balancer is set to pass requests on. */
export interface Passing {
  readonly idleMilliseconds: number;
  readonly forwardedFor: 'append' | 'preserve' | 'remove';
  readonly clientPort: boolean;
}

/** A request, and where it goes: the path and host as they are passed on. */
export interface Forwarded {
  readonly request: http.IncomingMessage;
  readonly path: string;
  readonly host: string;
  /** What the request came in by. */
  readonly protocol: 'http' | 'https';
  readonly port: number;
}

const millisecondsPerSecond = 1_000;

/** Headers that are about one connection and never passed on, `expect` because the server has answered it. */
const notPassedOn: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
  'expect',
]);
const ours: ReadonlySet<string> = new Set(['host', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-port']);

/** Rows are immutable, so each is read once however many requests go by it. */
const passings = new WeakMap<LoadBalancerRow, Passing>();

/** How a load balancer passes requests on, from its attributes. */
export function passingOf(row: LoadBalancerRow): Passing {
  const known = passings.get(row);
  if (known) return known;
  const value = (key: string) => attribute(loadBalancerAttributes, row.attributes, key);
  const mode = value('routing.http.xff_header_processing.mode');
  const passing: Passing = {
    idleMilliseconds: Number(value('idle_timeout.timeout_seconds')) * millisecondsPerSecond,
    forwardedFor: mode === 'preserve' || mode === 'remove' ? mode : 'append',
    clientPort: value('routing.http.xff_client_port.enabled') === 'true',
  };
  passings.set(row, passing);
  return passing;
}

/** The X-Forwarded headers that a target gets; undefined: none of that name. */
export function forwardedHeaders(
  { request, protocol, port }: Forwarded,
  passing: Passing,
): Record<string, string | undefined> {
  const before = [request.headers['x-forwarded-for'] ?? []].flat().join(', ');
  const address = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  const peer = passing.clientPort
    ? `${address.includes(':') ? `[${address}]` : address}:${request.socket.remotePort}`
    : address;
  const appended = before ? `${before}, ${peer}` : peer;
  const kept = passing.forwardedFor === 'preserve' && before ? before : undefined;
  return {
    'x-forwarded-for': passing.forwardedFor === 'append' ? appended : kept,
    'x-forwarded-proto': protocol,
    'x-forwarded-port': String(port),
  };
}

/** Passes requests on to targets over connections that are kept open, bodies streamed in both directions. */
export class Forwarding {
  readonly #targets: Targets;
  readonly #agent = new http.Agent({ keepAlive: true, maxFreeSockets: 256, scheduling: 'lifo' });

  constructor(targets: Targets) {
    this.#targets = targets;
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Answers with what the target answers; 502 if it doesn't, 504 if not in time. */
  forward(forwarded: Forwarded, response: http.ServerResponse, member: Member, passing: Passing): void {
    const { request } = forwarded;
    const headers = requestHeaders(forwarded, passing);
    const hasBody =
      request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
    let connection: Connection | undefined;

    const send = (again: boolean): void => {
      const upstream = http.request({
        agent: this.#agent,
        host: '127.0.0.1',
        port: member.target.port,
        method: request.method,
        path: forwarded.path,
        headers,
        setHost: false,
        timeout: passing.idleMilliseconds,
      });
      if (connection) member.connections.delete(connection);
      connection = upstream;
      member.connections.add(upstream);
      let status: 502 | 504 | 408 = 502;
      upstream.on('timeout', () => {
        status = request.complete ? 504 : 408;
        upstream.destroy();
      });
      upstream.on('response', answer => pass(request, answer, response));
      upstream.on('error', () => {
        if (response.destroyed) return;
        // A target may close an idle connection just as it is used again. Nothing has been seen of the request then.
        if (again && upstream.reusedSocket && !hasBody && !response.headersSent && status === 502) return send(false);
        if (response.headersSent) return void response.destroy();
        answerPage(response, status);
        if (hasBody) request.unpipe(upstream).resume();
      });
      if (hasBody) request.pipe(upstream);
      else upstream.end();
    };

    response.on('close', () => {
      if (!connection) return;
      if (!response.writableFinished) connection.destroy();
      this.#targets.release(member, connection);
    });
    send(true);
  }
}

function pass(request: http.IncomingMessage, answer: http.IncomingMessage, response: http.ServerResponse): void {
  if (response.destroyed) return void answer.destroy();
  answer.on('close', () => {
    if (!answer.complete) response.destroy();
  });
  answer.on('error', () => response.destroy());
  try {
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, responseHeaders(answer));
  } catch {
    answer.destroy();
    answerPage(response, 502);
    return;
  }
  answer.pipe(response);
  // The rest of a body that the target no longer wants must not block the connection.
  answer.on('end', () => {
    if (!request.complete) request.unpipe().resume();
  });
}

function requestHeaders(forwarded: Forwarded, passing: Passing): string[] {
  const { request, host } = forwarded;
  const headers = ['host', host];
  copyHeaders(request, headers, ours);
  for (const [name, value] of Object.entries(forwardedHeaders(forwarded, passing)))
    if (value !== undefined) headers.push(name, value);
  return headers;
}

const none: ReadonlySet<string> = new Set(['transfer-encoding']);

function responseHeaders(answer: http.IncomingMessage): string[] {
  const headers: string[] = [];
  copyHeaders(answer, headers, none);
  return headers;
}

function copyHeaders(message: http.IncomingMessage, headers: string[], except: ReadonlySet<string>): void {
  const raw = message.rawHeaders;
  const named = connectionOptions(message.headers.connection);
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? '';
    const key = name.toLowerCase();
    if (notPassedOn.has(key) || except.has(key) || named?.has(key)) continue;
    headers.push(name, raw[index + 1] ?? '');
  }
}

/** Headers that the sender says are for this connection only. */
function connectionOptions(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || /^(keep-alive|close|upgrade)$/i.test(connection)) return undefined;
  const names = connection
    .toLowerCase()
    .split(',')
    .map(name => name.trim());
  // Framing is not the sender's to hide.
  return new Set(names.filter(name => name !== 'content-length' && name !== 'transfer-encoding' && name !== 'host'));
}
