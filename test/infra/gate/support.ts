import { createHash, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SignJWT } from 'jose';
import { pino } from 'pino';
import { type Heartbeat, type HeartbeatAnswer, ticketSeconds } from '../../../api/resources/entrance.ts';
import { keysOf } from '../../../api/resources/keys.ts';
import { type Gate, startGate } from '../../../infra/gate/gate.ts';
import { readSettings } from '../../../infra/gate/settings.ts';

export const host = 'fall-intro-ada.localhost:8080';
export const origin = `http://${host}`;
export const portalOrigin = 'http://localhost:8080';
export const keys = keysOf('a secret of the tests');
export const workspaceId = 'wsp-1';

export interface Claims {
  readonly aud?: string;
  readonly sub?: string;
  readonly sid?: string;
  readonly state?: string;
  readonly as?: string;
  readonly owner?: string;
  readonly jti?: string;
  /** Seconds. */
  readonly iat?: number;
  readonly exp?: number;
}

/** A ticket as the portal signs it, for Ada in her own workspace unless told otherwise. */
export function ticketOf(claims: Claims, signer = keys): Promise<string> {
  const iat = claims.iat ?? Math.floor(Date.now() / 1000);
  const payload = { sub: 'ada', sid: 'session-1', as: 'owner', owner: 'Ada', aud: workspaceId, jti: randomUUID() };
  return new SignJWT({ ...payload, iat, exp: iat + ticketSeconds, ...claims })
    .setProtectedHeader({ alg: 'EdDSA', kid: signer.ticketKeyId })
    .sign(signer.ticketKey);
}

/** Stands where the API is: keeps heartbeats, answers as told. */
export interface Portal {
  readonly url: string;
  readonly beats: Heartbeat[];
  answer: HeartbeatAnswer;
  status: number;
  /** Heartbeats that came, answered well or not. */
  asked: number;
  close(): Promise<void>;
}

export async function startPortal(): Promise<Portal> {
  const beats: Heartbeat[] = [];
  const server = http.createServer(async (request, response) => {
    const body = await textOf(request);
    portal.asked += 1;
    const known = request.headers.authorization === `Bearer ${keys.heartbeatToken(workspaceId)}`;
    const ok = known && request.method === 'POST' && request.url === '/v1/heartbeats' && portal.status === 200;
    if (ok) beats.push(JSON.parse(body));
    response.writeHead(ok ? 200 : portal.status === 200 ? 401 : portal.status);
    response.end(JSON.stringify(portal.answer));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const portal: Portal = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    beats,
    answer: { mayMark: false, revoked: [] },
    status: 200,
    asked: 0,
    close: () => closeServer(server),
  };
  return portal;
}

/** Stands where the IDE is: keeps what reaches it, and echoes what comes by WebSocket. */
export interface Ide {
  readonly requests: Array<{ method: string; url: string; headers: IncomingHttpHeaders; body: string }>;
  readonly upgrades: IncomingHttpHeaders[];
  /** Open WebSockets and answers that have not ended. */
  readonly open: Set<unknown>;
  close(): Promise<void>;
}

export async function startIde(socketPath: string): Promise<Ide> {
  const ide: Ide = { requests: [], upgrades: [], open: new Set(), close: () => closeServer(server) };
  const server = http.createServer(async (request, response) => {
    if (request.url === '/healthz') return response.end('{}');
    ide.open.add(response);
    response.once('close', () => ide.open.delete(response));
    const body = await textOf(request);
    ide.requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body });
    if (request.url === '/moved') {
      const headers = { location: '/proxy/3000/there?x#y', 'service-worker-allowed': '/', 'clear-site-data': '"*"' };
      return response.writeHead(302, headers).end();
    }
    if (request.url === '/stream') return response.write('first');
    if (/page/.test(request.url ?? '')) response.setHeader('content-type', 'text/html; charset=utf-8');
    if (request.url === '/page-packed') response.setHeader('content-encoding', 'br');
    if (request.url === '/cookies') {
      response.setHeader('set-cookie', ['program=1; Path=/', '__Host-armada-gate=stolen', '__host-Armada-state=x']);
    }
    response.end(`IDE ${request.url}`);
  });
  server.on('upgrade', (request, socket: Socket) => {
    ide.upgrades.push(request.headers);
    ide.open.add(socket);
    socket.on('error', () => {}).once('close', () => ide.open.delete(socket));
    const accept = createHash('sha1').update(
      `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`,
    );
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept.digest('base64')}\r\n\r\n`,
    );
    socket.pipe(socket);
  });
  await new Promise<void>(resolve => server.listen(socketPath, resolve));
  return ide;
}

export interface World {
  readonly gate: Gate;
  readonly portal: Portal;
  readonly ide: Ide;
  readonly home: string;
  readonly run: string;
  /** Added to the gate's clock, in milliseconds. */
  later: number;
  close(): Promise<void>;
}

/** A folder for a task: a home marked as `home-1` and a place for the IDE's socket. */
export async function makeTask(): Promise<{ folder: string; home: string; run: string; env: NodeJS.ProcessEnv }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gate-'));
  const [home, run] = [path.join(folder, 'home'), path.join(folder, 'run')];
  await mkdir(path.join(home, '.armada'), { recursive: true });
  await mkdir(run);
  await writeFile(path.join(home, '.armada/home'), 'home-1\n');
  const env = {
    PORT: '0',
    ARMADA_GATE_ADDRESS: '127.0.0.1',
    ARMADA_WORKSPACE_ID: workspaceId,
    ARMADA_WORKSPACE_SLUG: 'fall-intro-ada',
    ARMADA_HOME_ID: 'home-1',
    ARMADA_HOME: home,
    ARMADA_ORIGINS: `${origin} http://fall-intro-ada.s2.localhost:8080`,
    ARMADA_PORTAL_URL: portalOrigin,
    ARMADA_HEARTBEAT_URL: 'http://127.0.0.1:9',
    ARMADA_HEARTBEAT_TOKEN: keys.heartbeatToken(workspaceId),
    ARMADA_TICKET_KEYS: JSON.stringify(keys.publicKeys),
    ARMADA_IDE_SOCKET: path.join(run, 'ide.sock'),
    ARMADA_GATE_READY_FILE: path.join(run, 'gate-ready'),
  };
  return { folder, home, run, env };
}

/** A gate between a portal and an IDE that answers; not yet ready. */
export async function startWorld(environment: NodeJS.ProcessEnv = {}): Promise<World> {
  const task = await makeTask();
  const portal = await startPortal();
  const ide = await startIde(path.join(task.run, 'ide.sock'));
  const settings = readSettings({ ...task.env, ARMADA_HEARTBEAT_URL: portal.url, ...environment });
  const clock = { later: 0 };
  const gate = await startGate({ settings, log: pino({ level: 'silent' }), now: () => Date.now() + clock.later });
  return Object.assign(clock, {
    gate,
    portal,
    ide,
    home: task.home,
    run: task.run,
    async close() {
      await gate.close();
      await Promise.all([portal.close(), ide.close()]);
      await rm(task.folder, { recursive: true, force: true, maxRetries: 5 });
    },
  });
}

function closeServer(server: http.Server): Promise<void> {
  const closed = new Promise<void>(resolve => server.close(() => resolve()));
  server.closeAllConnections();
  return closed;
}

export async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
