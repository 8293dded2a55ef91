import http, { type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { enterPath } from '../../../api/resources/entrance.ts';
import { type Claims, host, origin, portalOrigin, textOf, ticketOf } from './support.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What a browser adds when a person opens a page. */
export const navigation = {
  accept: 'text/html,*/*',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-site': 'none',
  'sec-fetch-user': '?1',
};

export interface Asked {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
}

/** One person's browser at one gate, with a cookie jar. */
export class Browser {
  readonly cookies = new Map<string, string>();
  readonly #port: number;
  readonly #host: string;
  readonly #base: string;

  /** `base`: what every path begins with, where workspaces share a host. */
  constructor(port: number, at: { readonly host: string; readonly base: string } = { host, base: '' }) {
    this.#port = port;
    this.#host = at.host;
    this.#base = at.base;
  }

  /** The Cookie header; undefined when the jar is empty. */
  get cookie(): string | undefined {
    return this.cookies.size > 0 ? [...this.cookies].map(pair => pair.join('=')).join('; ') : undefined;
  }

  open(path: string): Promise<Answer> {
    return this.ask(path, { headers: navigation });
  }

  async ask(path: string, { method = 'GET', headers = {}, body = '' }: Asked = {}): Promise<Answer> {
    const request = this.#request(path, method, headers);
    request.end(body);
    const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
      request.once('response', resolve).once('error', reject);
    });
    for (const line of response.headers['set-cookie'] ?? []) {
      const [pair = '', ...attributes] = line.split(';').map(each => each.trim());
      const [name = '', value = ''] = pair.split('=');
      if (attributes.includes('Max-Age=0')) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return { status: response.statusCode!, headers: response.headers, body: await textOf(response) };
  }

  post(path: string, form: Readonly<Record<string, string>>, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    return this.ask(path, {
      method: 'POST',
      headers: { ...type, ...headers },
      body: String(new URLSearchParams(form)),
    });
  }

  /** The whole way in, by the portal; answers the gate's answer to the ticket. */
  async enter(claims: Claims = {}, to = '/'): Promise<Answer> {
    const state = await this.stateOf('/');
    return this.postTicket(await ticketOf({ state, ...claims }), to);
  }

  /** Opens a page without being inside; answers the state hash that the portal is told. */
  async stateOf(path: string): Promise<string> {
    const away = await this.open(path);
    return new URL(away.headers.location!).searchParams.get('state')!;
  }

  postTicket(ticket: string, to = '/', from = portalOrigin): Promise<Answer> {
    return this.post(enterPath, { ticket, to }, { origin: from, ...navigation, 'sec-fetch-site': 'cross-site' });
  }

  /** Asks for a WebSocket: the socket once it is open, else the status that refused it. */
  connect(headers: OutgoingHttpHeaders = { origin }): Promise<{ status: number; socket: Socket | undefined }> {
    const key = 'dGhlIHNhbXBsZSBub25jZQ==';
    const handshake = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': key,
    };
    const request = this.#request('/socket', 'GET', { ...handshake, ...headers });
    request.end();
    return new Promise((resolve, reject) => {
      request.once('error', reject);
      request.once('upgrade', (_response, socket) => resolve({ status: 101, socket: socket.on('error', () => {}) }));
      request.once('response', response => resolve({ status: response.resume().statusCode!, socket: undefined }));
    });
  }

  #request(path: string, method: string, headers: OutgoingHttpHeaders): http.ClientRequest {
    const cookie = this.cookie === undefined ? {} : { cookie: this.cookie };
    return http.request({
      host: '127.0.0.1',
      port: this.#port,
      path: this.#base + path,
      method,
      agent: false,
      headers: { host: this.#host, ...cookie, ...headers },
    });
  }
}
