import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Api, operatorToken, type Sender } from './harness.ts';

/** What one hears who asks for the watch over a socket, as no injected request can. */
export interface Heard {
  readonly status: number;
  /** All that has come so far. */
  text(): string;
  close(): void;
}

/** Asks for `GET /v1/watch`; resolves with the head of the answer. The API listens from the first call on. */
export async function watchAs(api: Api, as: Sender): Promise<Heard> {
  if (!api.app.server.listening) await api.app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = api.app.server.address() as AddressInfo;
  const bearer = as === 'operator' ? operatorToken : as && 'bearer' in as ? as.bearer : undefined;
  const headers = {
    host: 'localhost:8080',
    accept: 'text/event-stream',
    ...(bearer && { authorization: `Bearer ${bearer}` }),
    ...(typeof as === 'object' && 'cookie' in as && { cookie: as.cookie }),
  };
  return new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port, path: '/v1/watch', headers, agent: false });
    request.on('error', reject);
    request.on('response', response => {
      let text = '';
      response.on('error', () => {});
      response.setEncoding('utf8').on('data', chunk => {
        text += chunk;
      });
      resolve({ status: response.statusCode!, text: () => text, close: () => request.destroy() });
    });
  });
}
