import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { createProxyServer } from 'httpxy';
import { allowedSetCookies, withoutOurs } from './cookies.ts';
import { createForward, passOn } from './forward.ts';
import { ideAwayPage, sendPage } from './pages.ts';
import { sendWithScript } from './person.ts';
import { wantsPage } from './requests.ts';
import type { Place } from './settings.ts';

/** The way to the IDE. */
export interface Upstream {
  web(request: IncomingMessage, response: ServerResponse, place: Place): void;
  /** As `web`, for a page that is to tell of the person at it. */
  page(request: IncomingMessage, response: ServerResponse, place: Place): void;
  /** `onOpen` is called once both sides speak WebSocket. */
  socket(request: IncomingMessage, socket: Socket, head: Buffer, place: Place, onOpen: () => void): void;
}

/** What the browser said about the way it came, or proves who it is: the IDE is told our version of it, or nothing. */
const dropped = /^(x-forwarded-.*|forwarded|x-real-ip|authorization|proxy-authorization|expect|x-amzn-.*)$/;

/** Passes requests on to a unix socket; `onAway` is called when nobody answers there. */
export function createUpstream(socketPath: string, onAway: () => void): Upstream {
  const forward = createForward(socketPath);
  // WebSockets alone.
  const proxy = createProxyServer({ target: { socketPath } });
  const opened = new WeakMap<IncomingMessage, () => void>();
  const places = new WeakMap<IncomingMessage, Place>();

  const noteAway = (error: Error) => {
    if ('code' in error && (error.code === 'ECONNREFUSED' || error.code === 'ENOENT')) onAway();
  };
  proxy.on('error', (error, _request, to) => {
    noteAway(error);
    if (to instanceof ServerResponse) to.destroy();
    else if (to?.writable && to.bytesWritten === 0) to.end('HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\n');
    else to?.destroy();
  });
  proxy.on('proxyReqWs', (upstreamRequest, request, socket) => {
    upstreamRequest.once('upgrade', (answer: IncomingMessage, upstreamSocket: Socket) => {
      const place = places.get(request);
      if (place) cleanAnswer(answer, place);
      // The library ends the other side only after an orderly end; a lost connection must end it too.
      socket.once('close', () => upstreamSocket.destroy());
      upstreamSocket.once('close', () => socket.destroySoon());
      opened.get(request)?.();
    });
  });

  function pass(
    request: IncomingMessage,
    response: ServerResponse,
    place: Place,
    send: (answer: IncomingMessage) => void,
  ): void {
    cleanRequest(request, place);
    forward(request, response, {
      answered(answer) {
        cleanAnswer(answer, place);
        send(answer);
      },
      failed(error) {
        noteAway(error);
        sendPage(response, ideAwayPage(), wantsPage(request));
      },
    });
  }

  return {
    web(request, response, place) {
      pass(request, response, place, answer => passOn(answer, response));
    },
    page(request, response, place) {
      // What is compressed can't be added to.
      delete request.headers['accept-encoding'];
      pass(request, response, place, answer => sendWithScript(answer, response, place.base));
    },
    socket(request, socket, head, place, onOpen) {
      places.set(request, place);
      cleanRequest(request, place);
      opened.set(request, onOpen);
      // Its errors come by the event.
      proxy.ws(request, socket, {}, head).catch(() => {});
    },
  };
}

function cleanRequest(request: IncomingMessage, { origin }: Place): void {
  const { headers } = request;
  for (const name in headers) if (dropped.test(name)) delete headers[name];
  const cookie = withoutOurs(headers.cookie);
  if (cookie === undefined) delete headers.cookie;
  else headers.cookie = cookie;
  const end = origin.indexOf('://');
  headers['x-forwarded-host'] = origin.slice(end + '://'.length);
  headers['x-forwarded-proto'] = origin.slice(0, end);
}

function cleanAnswer(answer: IncomingMessage, place: Place): void {
  const { headers } = answer;
  const cookies = headers['set-cookie'];
  if (cookies) {
    const allowed = allowedSetCookies(cookies, place);
    if (allowed.length > 0) headers['set-cookie'] = allowed;
    else delete headers['set-cookie'];
  }
  if (place.base !== '') confine(headers, place.base);
  // Sibling workspaces may share the registrable domain: without these they could frame this one or read from it.
  headers['x-frame-options'] ??= 'SAMEORIGIN';
  headers['cross-origin-resource-policy'] ??= 'same-origin';
  headers['cross-origin-opener-policy'] ??= 'same-origin-allow-popups';
}

/** Where workspaces share an origin: paths that the IDE names are the browser's, and no worker reaches above them. */
function confine(headers: IncomingMessage['headers'], base: string): void {
  const { location } = headers;
  // `//host` names another host.
  if (location !== undefined && /^\/(?!\/)/.test(location)) headers.location = `${base}${location}`;
  if (headers['service-worker-allowed'] !== undefined) headers['service-worker-allowed'] = `${base}/`;
  // It would end the cookies and storage of every workspace there.
  delete headers['clear-site-data'];
}
