import { EventEmitter } from 'node:events';
import pg from 'pg';
import type { Endpoint } from '../../infra/local/aws/endpoint.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A request as the SDK hands it to what sends it. */
interface SdkRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly body?: string | Uint8Array;
}

/** Sends the SDK's signed requests to a local AWS of this process, as bytes but without sockets. */
export function inProcess(endpoint: Endpoint, time: VirtualTime) {
  return {
    async handle(request: SdkRequest) {
      time.stir();
      const query = new URLSearchParams();
      for (const [name, value] of Object.entries(request.query ?? {}))
        for (const each of Array.isArray(value) ? value : [value ?? '']) query.append(name, each);
      const { method, path, headers, body = '' } = request;
      const text = typeof body === 'string' ? body : new TextDecoder().decode(body);
      const answer = await endpoint.answer({ method, path, query, headers, body: text });
      time.stir();
      if (!answer) throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
      const { status: statusCode, contentType, body: answered } = answer;
      return {
        response: {
          statusCode,
          headers: { 'content-type': contentType, ...answer.headers },
          body: new Uint8Array(Buffer.from(answered)),
        },
      };
    },
    destroy() {},
    updateHttpClientConfig() {},
    httpHandlerConfigs: () => ({}),
  };
}

/** What the campaign knows of PostgreSQL's connections in this process. */
export interface PostgresWatch {
  /** Told of each notification before anybody hears it; false: it is dropped. */
  onNotification: (client: object, channel: string, payload: string) => boolean;
  /** Told of a connection that listened and has ended. */
  onEnd: (client: object) => void;
  /** Told of each statement that may have changed something. */
  onCommit: () => void;
  /** Connections that listen to `asked` now. */
  readonly listeners: ReadonlySet<object>;
}

const reading = /^\s*(select|listen|set|begin|rollback)\b(?![\s\S]*\bfor update)/i;

/** Watches every connection to PostgreSQL that this process makes: time stands still while one is waited for. */
export function watchPostgres(time: VirtualTime): PostgresWatch {
  const listeners = new Set<object>();
  const watch: PostgresWatch = { onNotification: () => true, onEnd: () => {}, onCommit: () => {}, listeners };
  type Call = (this: pg.Client, ...args: unknown[]) => unknown;
  const prototype = pg.Client.prototype as unknown as Record<'query' | 'connect' | 'end' | 'emit', Call>;
  for (const method of ['query', 'connect', 'end'] as const) {
    const own = prototype[method];
    prototype[method] = function (...args) {
      const release = time.busy();
      const [first] = args;
      const text = typeof first === 'string' ? first : (first as { readonly text?: string } | undefined)?.text;
      const free = () => {
        if (method === 'query' && text && !reading.test(text)) watch.onCommit();
        release();
      };
      const last = args.length - 1;
      const callback = args[last];
      if (typeof callback === 'function')
        return own.apply(this, [
          ...args.slice(0, last),
          (...answer: unknown[]) => {
            free();
            callback(...answer);
          },
        ]);
      if (text === 'listen asked') {
        listeners.add(this);
        this.once('end', () => {
          listeners.delete(this);
          watch.onEnd(this);
        });
      }
      const answer = own.apply(this, args) as Promise<unknown>;
      answer.then(free, free);
      return answer;
    };
  }
  prototype.emit = function (...args) {
    const [event, message] = args as [string, { channel: string; payload: string }];
    if (event === 'notification' && !watch.onNotification(this, message.channel, message.payload)) return false;
    if (event === 'end' || event === 'notification') time.stir();
    return EventEmitter.prototype.emit.apply(this, args as [string]);
  };
  return watch;
}
