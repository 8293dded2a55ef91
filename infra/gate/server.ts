import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { enterPath, filesPath, gateCookie, healthPath } from '../../api/resources/entrance.ts';
import type { Activity } from './activity.ts';
import { cookieName, cookiesNamed } from './cookies.ts';
import { type EntranceParts, enter, redirect, sendToPortal } from './entrance.ts';
import { sendFiles } from './files/send.ts';
import { ideAwayPage, notFoundPage, noticePage, refusedPage, sendPage, signedOutPage } from './pages.ts';
import { continuePath, gatePaths, innerPath, safeTarget } from './paths.ts';
import { isIdePage, personPath, personScriptPath, readTold, sendPersonScript } from './person.ts';
import { isForeign, isNavigation, isUnsafe, readForm, wantsPage } from './requests.ts';
import type { Open, Session } from './sessions.ts';
import type { Place, Settings } from './settings.ts';
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
  if (pathOf(request) === healthPath) return sendStatus(response, parts.isReady() ? 200 : 503);
  const arrived = arrive(parts, request);
  if (typeof arrived === 'number') return sendStatus(response, arrived);
  const { path, place } = arrived;
  if (path === '') return redirect(response, `${place.origin}${place.base}/`, []);
  if (request.method === 'TRACE') return sendStatus(response, 405);
  if (path === enterPath) {
    if (request.method === 'POST') return enter(parts, request, response, place);
    return sendStatus(response, 405);
  }
  const session = sessionOf(parts, request, place);
  if (!session) {
    if (isNavigation(request)) return sendToPortal(parts, request, response, place);
    return sendPage(response, signedOutPage(parts.settings.portalOrigin), wantsPage(request));
  }
  if (isForeign(request, place.origin)) {
    return sendPage(response, refusedPage(parts.settings.portalOrigin), wantsPage(request));
  }
  if (path === continuePath && request.method === 'POST') return goOn(session, request, response, place);
  if (path === personScriptPath) return sendPersonScript(response, place.base);
  if (path === personPath && request.method === 'POST') return hear(parts, session, request, response);
  if (path === filesPath) return sendHome(parts, session, request, response);
  if (path.startsWith(gatePaths)) return sendPage(response, notFoundPage(place.base), wantsPage(request));
  if (!session.told) {
    if (isNavigation(request)) {
      return sendPage(response, noticePage(session.claims.owner, place.base, request.url ?? '/'), true);
    }
    return sendStatus(response, 403);
  }
  if ((isUnsafe(request) && !session.watched) || request.headers['sec-fetch-user'] === '?1') parts.activity.mark();
  if (!parts.isReady()) return sendPage(response, ideAwayPage(), wantsPage(request));
  hold(session, response, response);
  const isPage = request.method === 'GET' && isNavigation(request) && isIdePage(path);
  if (isPage) parts.upstream.page(request, response, place);
  else parts.upstream.web(request, response, place);
}

/** The files of the home, once it is certain that they are this home's. */
async function sendHome(parts: ServerParts, session: Session, request: IncomingMessage, response: ServerResponse) {
  if (request.method !== 'GET' && request.method !== 'HEAD') return sendStatus(response, 405);
  if (!(await parts.isOpen())) return sendPage(response, ideAwayPage(), wantsPage(request));
  hold(session, response, response);
  const { homePath, slug } = parts.settings;
  const home = { path: homePath, name: slug, busy: () => parts.activity.mark(), now: new Date() };
  await sendFiles(request, response, home).catch(error => parts.log.warn({ err: error }, 'archive was cut off'));
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
async function goOn(session: Session, request: IncomingMessage, response: ServerResponse, place: Place) {
  const form = await readForm(request, formBytes);
  if (!form) return sendStatus(response, 400);
  session.told = true;
  redirect(response, safeTarget(place, form.get('to') ?? '/'), []);
}

function upgrade(parts: ServerParts, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const admitted = admit(parts, request);
  if (typeof admitted === 'number') {
    const line = `HTTP/1.1 ${admitted} ${http.STATUS_CODES[admitted]}`;
    socket.end(`${line}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    return;
  }
  hold(admitted.session, socket, socket);
  parts.upstream.socket(request, socket, head, admitted.place, () =>
    parts.activity.follow(socket, () => !admitted.session.watched),
  );
}

/** Whose WebSocket it is, or the status that refuses it. */
function admit(parts: ServerParts, request: IncomingMessage): { session: Session; place: Place } | number {
  if (request.headers.upgrade?.toLowerCase() !== 'websocket') return 400;
  const arrived = arrive(parts, request);
  if (typeof arrived === 'number') return arrived;
  const { path, place } = arrived;
  const session = sessionOf(parts, request, place);
  if (!session) return 401;
  const site = request.headers['sec-fetch-site'];
  const isOwn = request.headers.origin === place.origin && (site === undefined || site === 'same-origin');
  if (!isOwn || !session.told || path.startsWith(gatePaths)) return 403;
  return parts.isReady() ? { session, place } : 502;
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

/** Where a request came to; from here on its URL is what the IDE is asked for. Else the status that refuses it. */
function arrive({ settings }: ServerParts, request: IncomingMessage): { path: string; place: Place } | number {
  if (pathOf(request) === undefined) return 400;
  const place = settings.places.get((request.headers.host ?? '').toLowerCase());
  if (!place) return 421;
  const inner = innerPath(request.url ?? '', place);
  if (inner === undefined) return 404;
  request.url = inner;
  return { path: inner.split(/[?#]/, 1)[0] ?? '', place };
}

function sessionOf(parts: ServerParts, request: IncomingMessage, place: Place): Session | undefined {
  return parts.sessions.find(cookiesNamed(request.headers, cookieName(gateCookie, place)));
}

function sendStatus(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-length': 0, 'cache-control': 'no-store' }).end();
}
