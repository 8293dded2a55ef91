import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';

/** One request on its way in: what it looks like to who answers. */
export interface Passing {
  readonly headers: http.IncomingHttpHeaders;
  /** Port of this machine that answers. */
  port: number;
}

/** A proxy that speaks TLS for every host of armada.test, and may take a defence away. */
export interface Front {
  readonly port: number;
  /** Ports of this machine, by host without its port. */
  readonly hosts: Map<string, number>;
  /** Changes a request; a defence is off while one is set. */
  request: ((passing: Passing, url: string) => void) | undefined;
  /** Changes an answer's headers. */
  answer: ((headers: http.IncomingHttpHeaders, request: IncomingMessage) => void) | undefined;
  close(): void;
}

/** Makes a certificate with openssl; undefined where it is missing. */
export function makeCertificate(): { key: Buffer; cert: Buffer } | undefined {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'armada-certificate-'));
  const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  try {
    const subject = ['-subj', '/CN=armada.test', '-addext', 'subjectAltName=DNS:*.armada.test,DNS:*.s1.armada.test'];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    execFileSync('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    return { key: readFileSync(key), cert: readFileSync(cert) };
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function startFront(certificate: { key: Buffer; cert: Buffer }): Promise<Front> {
  const server = https.createServer(certificate);
  const hosts = new Map<string, number>();
  const forward = (request: IncomingMessage) => {
    const passing = {
      headers: { ...request.headers },
      port: hosts.get((request.headers.host ?? '').split(':')[0] ?? '') ?? 0,
    };
    front.request?.(passing, request.url ?? '');
    const { port, headers } = passing;
    return http.request({ host: '127.0.0.1', port, path: request.url, method: request.method, headers, agent: false });
  };
  server.on('request', (request, response) => {
    const onward = forward(request);
    onward.on('error', () => response.destroy());
    onward.on('response', answer => {
      const headers = { ...answer.headers };
      front.answer?.(headers, request);
      response.writeHead(answer.statusCode ?? 502, headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  server.on('upgrade', (request, socket) => {
    const onward = forward(request);
    socket.on('error', () => onward.destroy());
    onward.on('error', () => socket.destroy());
    onward.on('response', answer => socket.end(`HTTP/1.1 ${answer.statusCode} No\r\nConnection: close\r\n\r\n`));
    onward.on('upgrade', (answer, upstream) => {
      const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`);
      upstream.on('error', () => socket.destroy()).pipe(socket);
      socket.pipe(upstream);
    });
    onward.end();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const front: Front = {
    port: (server.address() as AddressInfo).port,
    hosts,
    request: undefined,
    answer: undefined,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
  return front;
}
