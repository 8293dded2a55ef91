import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Authenticate, unsignedAllowed } from './authentication.ts';
import { CallLog } from './call-log.ts';
import { Faults } from './faults.ts';
import { AwsError, recognise, type ServiceName, type WireAnswer, type WireRequest, writeError } from './protocol.ts';

/** What an operation is told besides its input. */
export interface Call {
  readonly service: ServiceName;
  readonly operation: string;
}

/**
 * One operation: the SDK's input in, the SDK's output out, AwsError for a refusal. The method spelling makes
 * `(input: CreateServiceRequest) => CreateServiceResponse` fit without a cast; the endpoint has read the input with
 * that very operation's schema.
 */
export type Handler = { handle(input: object, call: Call): object | Promise<object> }['handle'];

/** The operations of one service that are there, by AWS's names; all others are refused as not available. */
export type Operations = Readonly<Record<string, Handler>>;

export interface EndpointOptions {
  /** A service that is left out has no operation that is available. */
  readonly services: Readonly<Partial<Record<ServiceName, Operations>>>;
  /** Refuses requests that are not signed with this endpoint's credentials. */
  readonly authenticate: Authenticate;
  /** Public documents that AWS serves unsigned, such as a user pool's JWKS: the path in, JSON out. */
  readonly documents?: (path: string) => object | undefined;
  /** Pages of the machine's own (the outbox); they do their own checks. True when answered. */
  readonly extras?: (request: http.IncomingMessage, response: http.ServerResponse) => boolean;
}

const bodyLimitBytes = 1 << 20;

/** The local AWS's one address: an HTTP server that the unchanged SDK clients talk to. */
export class Endpoint {
  /** Told by tests and campaigns what to do to the calls that come. */
  readonly faults = new Faults();
  /** Counts what was called. */
  readonly calls = new CallLog();
  readonly #options: EndpointOptions;
  readonly #server: http.Server;

  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#server = http.createServer((request, response) => void this.#answer(request, response));
    this.#server.keepAliveTimeout = 60_000;
  }

  /** Listens on loopback; port 0 for any. Answers with the URL. */
  async listen(port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', resolve);
    });
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>(resolve => this.#server.close(() => resolve()));
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    if (this.#options.extras?.(request, response)) return;
    const body = await readBody(request).catch(() => undefined);
    if (body === undefined) return void request.destroy();
    const url = new URL(request.url ?? '/', 'http://localhost');
    const wire: WireRequest = {
      method: request.method ?? 'GET',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body,
    };
    const answer = await this.#respond(wire);
    if (!answer) return void request.socket.destroy();
    response.writeHead(answer.status, { 'content-type': answer.contentType, ...answer.headers });
    response.end(answer.body);
  }

  /** Answers a request of this very process, signed or not; undefined where a fault loses the answer. */
  answer(wire: WireRequest): Promise<WireAnswer | undefined> {
    return this.#respond(wire, { trusted: true });
  }

  /** The answer to a request, or undefined where a fault loses it. */
  async #respond(wire: WireRequest, { trusted } = { trusted: false }): Promise<WireAnswer | undefined> {
    const document = wire.method === 'GET' ? this.#options.documents?.(wire.path) : undefined;
    if (document) return { status: 200, contentType: 'application/json', body: JSON.stringify(document) };
    let service: ServiceName | undefined;
    try {
      const operation = recognise(wire);
      service = operation.service;
      if (!trusted && !unsignedAllowed(operation.service, operation.name))
        this.#options.authenticate(wire, operation.service);
      const handle = this.#options.services[service]?.[operation.name];
      if (!handle) throw new AwsError('UnknownOperationException', `${operation.name} is not available here`);
      const fault = this.faults.next(service, operation.name);
      await fault?.before?.();
      const input = await operation.read();
      this.calls.add(service, operation.name, input);
      const output = await handle(input, { service, operation: operation.name });
      await fault?.after?.();
      return fault?.loseAnswer ? undefined : operation.write(fault?.change ? fault.change(output) : output);
    } catch (error) {
      if (!(error instanceof AwsError))
        console.error('local AWS failed at', wire.headers['x-amz-target'] ?? wire.path, error);
      const refusal = error instanceof AwsError ? error : new AwsError('InternalFailure', 'the local AWS failed', 500);
      return writeError(service, refusal);
    }
  }
}

async function readBody(request: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > bodyLimitBytes) throw new Error('body too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
