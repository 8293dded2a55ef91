import type { Socket } from 'node:net';
import { createProxyServer } from 'httpxy';
import { type Forwarded, forwardedHeaders, type Passing } from './forwarding.ts';
import { pageOf, writeRawAnswer } from './pages.ts';
import type { Connection, Member, Targets } from './targets.ts';

/** WebSockets on their way to targets. Each lives until an end closes it, it is idle too long, or its target has drained. */
export class Upgrades {
  readonly #targets: Targets;
  readonly #proxy = createProxyServer({});
  readonly #open = new Set<Socket>();

  constructor(targets: Targets) {
    this.#targets = targets;
    this.#proxy.on('proxyReqWs', (upstream, _request, client) => {
      upstream.on('upgrade', (_answer, socket) => {
        // Either end's going takes the other along, however it went: a WebSocket is never half closed.
        for (const [from, to] of [
          [client, socket],
          [socket, client],
        ] as const) {
          from.on('end', () => {
            to.destroySoon();
            from.destroySoon();
          });
          from.on('close', () => to.destroy());
        }
      });
      client.on('close', () => upstream.destroy());
    });
    this.#proxy.on('error', (_error, _request, client) => {
      if (client && 'bytesWritten' in client && client.bytesWritten === 0 && client.writable)
        writeRawAnswer(client, pageOf(502));
    });
  }

  /** Passes a request for a WebSocket on, and then what is said over it. */
  forward(forwarded: Forwarded, client: Socket, head: Buffer, member: Member, passing: Passing): void {
    const connection: Connection = { destroy: () => client.destroy() };
    member.connections.add(connection);
    this.#open.add(client);
    client.on('close', () => {
      this.#open.delete(client);
      this.#targets.release(member, connection);
    });
    const { request, host } = forwarded;
    request.url = forwarded.path;
    const headers: Record<string, string> = { host };
    for (const [name, value] of Object.entries(forwardedHeaders(forwarded, passing))) {
      if (value === undefined) delete request.headers[name];
      else headers[name] = value;
    }
    const target = { protocol: 'http:', host: '127.0.0.1', port: member.target.port };
    void this.#proxy
      .ws(request, client, { target, headers, upgradeTimeout: passing.idleMilliseconds }, head)
      .catch(() => {
        client.destroy();
      });
    client.setTimeout(passing.idleMilliseconds, () => client.destroy());
  }

  close(): void {
    for (const socket of this.#open) socket.destroy();
  }
}
