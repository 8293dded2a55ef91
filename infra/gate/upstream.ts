import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { createProxyServer } from 'httpxy';
import { allowedSetCookies, withoutOurs } from './cookies.ts';
import { ideAwayPage, sendPage } from './pages.ts';
import { sendWithScript } from './person.ts';
import { wantsPage } from './requests.ts';

/** The way to the IDE. */
export interface Upstream {
  web(request: IncomingMessage, response: ServerResponse, origin: string): void;
  /** As `web`, for a page that is to tell of the person at it. */
  page(request: IncomingMessage, response: ServerResponse, origin: string): void;
  /** `onOpen` is called once both sides speak WebSocket. */
  socket(request: IncomingMessage, socket: Socket, head: Buffer, origin: string, onOpen: () => void): void;
}

/** What the browser said about the way it came, or proves who it is: the IDE is told our version of it, or nothing. */
const dropped = /^(x-forwarded-.*|forwarded|x-real-ip|authorization|proxy-authorization|expect|x-amzn-.*)$/;

/** Passes requests on to a unix socket; `onAway` is called when nobody answers there. */
export function createUpstream(socketPath: string, onAway: () => void): Upstream {
  const proxy = createProxyServer({ target: { socketPath } });
  const opened = new WeakMap<IncomingMessage, () => void>();

  proxy.on('error', (error, request, to) => {
    if ('code' in error && (error.code === 'ECONNREFUSED' || error.code === 'ENOENT')) onAway();
    if (!(to instanceof ServerResponse)) {
      if (to?.writable && to.bytesWritten === 0) to.end('HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\n');
      else to?.destroy();
    } else if (to.headersSent) to.destroy();
    else sendPage(to, ideAwayPage(), request !== undefined && wantsPage(request));
  });
  const pages = new WeakSet<IncomingMessage>();
  proxy.on('proxyRes', (answer, request, response) => {
    cleanAnswer(answer);
    if (pages.has(request)) sendWithScript(answer, response);
  });
  proxy.on('proxyReqWs', (upstreamRequest, request, socket) => {
    upstreamRequest.once('upgrade', (answer: IncomingMessage, upstreamSocket: Socket) => {
      cleanAnswer(answer);
      // The library ends the other side only after an orderly end; a lost connection must end it too.
      socket.once('close', () => upstreamSocket.destroy());
      upstreamSocket.once('close', () => socket.destroySoon());
      opened.get(request)?.();
    });
  });

  return {
    web(request, response, origin) {
      cleanRequest(request, origin);
      // Its errors come by the event.
      proxy.web(request, response).catch(() => {});
    },
    page(request, response, origin) {
      cleanRequest(request, origin);
      // What is compressed can't be added to.
      delete request.headers['accept-encoding'];
      pages.add(request);
      proxy.web(request, response, { selfHandleResponse: true }).catch(() => {});
    },
    socket(request, socket, head, origin, onOpen) {
      cleanRequest(request, origin);
      opened.set(request, onOpen);
      proxy.ws(request, socket, {}, head).catch(() => {});
    },
  };
}

function cleanRequest(request: IncomingMessage, origin: string): void {
  const { headers } = request;
  for (const name of Object.keys(headers)) if (dropped.test(name)) delete headers[name];
  const cookie = withoutOurs(headers.cookie);
  if (cookie === undefined) delete headers.cookie;
  else headers.cookie = cookie;
  const url = new URL(origin);
  headers['x-forwarded-host'] = url.host;
  headers['x-forwarded-proto'] = url.protocol.slice(0, -1);
}

function cleanAnswer(answer: IncomingMessage): void {
  const { headers } = answer;
  const cookies = headers['set-cookie'];
  if (cookies) {
    const allowed = allowedSetCookies(cookies);
    if (allowed.length > 0) headers['set-cookie'] = allowed;
    else delete headers['set-cookie'];
  }
  // Sibling workspaces may share the registrable domain: without these they could frame this one or read from it.
  headers['x-frame-options'] ??= 'SAMEORIGIN';
  headers['cross-origin-resource-policy'] ??= 'same-origin';
  headers['cross-origin-opener-policy'] ??= 'same-origin-allow-popups';
}
