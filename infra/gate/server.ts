import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { enterPath, gateCookie, healthPath } from '../../api/resources/entrance.ts';
import type { Activity } from './activity.ts';
import { cookiesNamed } from './cookies.ts';
import { type EntranceParts, enter, redirect, sendToPortal } from './entrance.ts';
import { ideAwayPage, notFoundPage, noticePage, refusedPage, sendPage, signedOutPage } from './pages.ts';
import { continuePath, gatePaths, safeTarget } from './paths.ts';
import { isIdePage, personPath, personScriptPath, readTold, sendPersonScript } from './person.ts';
import { isForeign, isNavigation, isUnsafe, readForm, wantsPage } from './requests.ts';
import type { Open, Session } from './sessions.ts';
import type { Settings } from './settings.ts';
import type { Upstream } from './upstream.ts';

export interface ServerParts extends EntranceParts {
  readonly settings: Settings;
  readonly upstream: Upstream;
  readonly activity: Activity;
  /** The home is held and the IDE answers. */
  readonly isReady: () => boolean;
}

/** Longer than a balancer keeps its idle connections (60 s): else it may write into one that we just closed. */
const keepAliveMilliseconds = 75_000;
/** A student's page may set many cookies for its host; Node's own limit is 16 KiB. */
const headerBytes = 64 * 1024;
const formBytes = 16 * 1024;

/** The gate's server, not yet listening. */
export function createGateServer(parts: ServerParts): http.Server {
  const server = http.createServer({ maxHeaderSize: headerBytes, keepAliveTimeout: keepAliveMilliseconds });
  server.on('request', (request, response) => {
    answer(parts, request, response).catch(error => {
      parts.log.error({ err: error }, 'request failed');
      response.destroy();
    });
  });
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    upgrade(parts, request, socket, head);
  });
  return server;
}

async function answer(parts: ServerParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = pathOf(request);
  if (path === undefined) return sendStatus(response, 400);
  if (path === healthPath) return sendStatus(response, parts.isReady() ? 200 : 503);
  const origin = originOf(parts, request);
  if (origin === undefined) return sendStatus(response, 421);
  if (request.method === 'TRACE') return sendStatus(response, 405);
  if (path === enterPath) {
    if (request.method === 'POST') return enter(parts, request, response, origin);
    return sendStatus(response, 405);
  }
  const session = sessionOf(parts, request);
  if (!session) {
    if (isNavigation(request)) return sendToPortal(parts, request, response);
    return sendPage(response, signedOutPage(parts.settings.portalOrigin), wantsPage(request));
  }
  if (isForeign(request, origin)) {
    return sendPage(response, refusedPage(parts.settings.portalOrigin), wantsPage(request));
  }
  if (path === continuePath && request.method === 'POST') return goOn(session, request, response, origin);
  if (path === personScriptPath) return sendPersonScript(response);
  if (path === personPath && request.method === 'POST') return hear(parts, session, request, response);
  if (path.startsWith(gatePaths)) return sendPage(response, notFoundPage(), wantsPage(request));
  if (!session.told) {
    if (isNavigation(request)) return sendPage(response, noticePage(session.claims.owner, request.url ?? '/'), true);
    return sendStatus(response, 403);
  }
  if ((isUnsafe(request) && !session.watched) || request.headers['sec-fetch-user'] === '?1') parts.activity.mark();
  if (!parts.isReady()) return sendPage(response, ideAwayPage(), wantsPage(request));
  hold(session, response, response);
  const isPage = request.method === 'GET' && isNavigation(request) && isIdePage(path);
  if (isPage) parts.upstream.page(request, response, origin);
  else parts.upstream.web(request, response, origin);
}

/** A page tells that it watches, or that a person is at it. */
async function hear(parts: ServerParts, session: Session, request: IncomingMessage, response: ServerResponse) {
  const told = await readTold(request);
  if (told === undefined) return sendStatus(response, 400);
  session.watched = true;
  if (told === 'seen') parts.activity.mark();
  response.writeHead(204, { 'cache-control': 'no-store' }).end();
}

/** The person has read whose code runs here. */
async function goOn(session: Session, request: IncomingMessage, response: ServerResponse, origin: string) {
  const form = await readForm(request, formBytes);
  if (!form) return sendStatus(response, 400);
  session.told = true;
  redirect(response, safeTarget(origin, form.get('to') ?? '/'), []);
}

function upgrade(parts: ServerParts, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const admitted = admit(parts, request);
  if (typeof admitted === 'number') {
    const line = `HTTP/1.1 ${admitted} ${http.STATUS_CODES[admitted]}`;
    socket.end(`${line}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    return;
  }
  hold(admitted.session, socket, socket);
  parts.upstream.socket(request, socket, head, admitted.origin, () =>
    parts.activity.follow(socket, () => !admitted.session.watched),
  );
}

/** Whose WebSocket it is, or the status that refuses it. */
function admit(parts: ServerParts, request: IncomingMessage): { session: Session; origin: string } | number {
  const path = pathOf(request);
  if (path === undefined || request.headers.upgrade?.toLowerCase() !== 'websocket') return 400;
  const origin = originOf(parts, request);
  if (origin === undefined) return 421;
  const session = sessionOf(parts, request);
  if (!session) return 401;
  const site = request.headers['sec-fetch-site'];
  const isOwn = request.headers.origin === origin && (site === undefined || site === 'same-origin');
  if (!isOwn || !session.told || path.startsWith(gatePaths)) return 403;
  return parts.isReady() ? { session, origin } : 502;
}

/** Ends `open` when its session ends. */
function hold(session: Session, open: Open, until: Socket | ServerResponse): void {
  session.open.add(open);
  until.once('close', () => session.open.delete(open));
}

/** Undefined: the request line names a whole URL, or no path at all; only proxies are asked so. */
function pathOf(request: IncomingMessage): string | undefined {
  const url = request.url ?? '';
  return url.startsWith('/') ? url.split(/[?#]/, 1)[0] : undefined;
}

function originOf(parts: ServerParts, request: IncomingMessage): string | undefined {
  return parts.settings.origins.get((request.headers.host ?? '').toLowerCase());
}

function sessionOf(parts: ServerParts, request: IncomingMessage): Session | undefined {
  return parts.sessions.find(cookiesNamed(request.headers, gateCookie));
}

function sendStatus(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-length': 0, 'cache-control': 'no-store' }).end();
}
