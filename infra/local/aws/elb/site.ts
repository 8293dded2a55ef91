import http from 'node:http';
import https from 'node:https';
import { Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import type { ListenerRow } from './tables.ts';

/** A certificate with its key, which may be renewed while it is served. */
export interface ServedCertificate {
  current(): Pick<SecureContextOptions, 'cert' | 'key'>;
  /** Calls `listener` once `current` answers another; the answer ends it. */
  onRenewal(listener: () => void): () => void;
}

/** One listener's port as it is served. Listeners of several load balancers may share it: their rules are tried in turn. */
export interface Site {
  readonly protocol: 'http' | 'https';
  readonly listeners: Map<string, ListenerRow>;
  readonly port: number;
  /** Stops listening and cuts all connections; resolves once WebSockets have ended too. */
  close(): Promise<void>;
}

/** Where a site listens, and who answers there. */
export interface SiteOptions {
  /** 0: any. */
  readonly port: number;
  /** An IPv6 one is left out where there is none. */
  readonly addresses: readonly string[];
  /** With one, TLS is spoken. */
  readonly certificate: ServedCertificate | undefined;
  readonly answer: (site: Site, request: http.IncomingMessage, response: http.ServerResponse) => void;
  readonly upgrade: (site: Site, request: http.IncomingMessage, socket: Socket, head: Buffer) => void;
}

/** As long as AWS waits for the headers of a request, and keeps a client's idle connection. */
const clientIdleMilliseconds = 60_000;
/** Who has not finished a handshake by then is no browser. */
const handshakeMilliseconds = 10_000;

const serverOptions = {
  keepAliveTimeout: clientIdleMilliseconds,
  headersTimeout: clientIdleMilliseconds,
  // Uploads may take as long as they move; the idle timeout ends those that don't.
  requestTimeout: 0,
  requireHostHeader: true,
  insecureHTTPParser: false,
  noDelay: true,
  shouldUpgradeCallback: (request: http.IncomingMessage) => request.headers.upgrade?.toLowerCase() === 'websocket',
} as const;

/** Listens on every address. Rejects with the system's code (EADDRINUSE) if the port is taken. */
export async function openSite(options: SiteOptions): Promise<Site> {
  const servers: (http.Server | https.Server)[] = [];
  const endings: (() => void)[] = [];
  let { port } = options;
  const site: Site = {
    protocol: options.certificate ? 'https' : 'http',
    listeners: new Map(),
    get port() {
      return port;
    },
    async close() {
      for (const end of endings) end();
      const closed = servers.map(server => new Promise<void>(resolve => server.close(() => resolve())));
      for (const server of servers) server.closeAllConnections();
      await Promise.all(closed);
    },
  };
  for (const address of options.addresses) {
    const server = createServer(site, options, endings);
    try {
      port = await listenOn(server, port, address);
      servers.push(server);
    } catch (error) {
      if (servers.length && isAddressMissing(error)) continue;
      await site.close();
      throw taken(port, address, error);
    }
  }
  return site;
}

function createServer(
  site: Site,
  { certificate, answer, upgrade }: SiteOptions,
  endings: (() => void)[],
): http.Server | https.Server {
  const server = certificate ? createTlsServer(certificate, endings) : http.createServer(serverOptions);
  server.on('request', (request, response) => answer(site, request, response));
  server.on('upgrade', (request, socket, head) => {
    if (socket instanceof Socket) upgrade(site, request, socket, head);
    else socket.destroy();
  });
  return server;
}

/** TLS 1.2 and up, as the policy that the stack names has it. */
function createTlsServer(certificate: ServedCertificate, endings: (() => void)[]): https.Server {
  const context = (): SecureContextOptions => ({ ...certificate.current(), minVersion: 'TLSv1.2' });
  const server = https.createServer({ ...serverOptions, ...context(), handshakeTimeout: handshakeMilliseconds });
  endings.push(certificate.onRenewal(() => server.setSecureContext(context())));
  return server;
}

function listenOn(server: http.Server | https.Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // Each family has a server of its own.
    server.listen({ port, host, ipv6Only: true }, () => {
      server.off('error', reject);
      const bound = server.address();
      resolve(typeof bound === 'object' && bound ? bound.port : port);
    });
  });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

function isAddressMissing(error: unknown): boolean {
  return ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(codeOf(error) ?? '');
}

function taken(port: number, address: string, cause: unknown): Error {
  const code = codeOf(cause);
  const why = code === 'EADDRINUSE' ? 'is taken by another program' : 'cannot be listened on';
  return Object.assign(new Error(`port ${port} of ${address} ${why}`, { cause }), { code });
}
