import http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import * as sdk from '@aws-sdk/client-elastic-load-balancing-v2';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ServedCertificate } from '../../../../infra/local/aws/elb/site.ts';
import { makeAuthority } from '../../../support/certificate.ts';
import {
  createGroup,
  createListener,
  createRule,
  type ElbGround,
  fixed,
  forward,
  refusal,
  startElb,
} from './elb-ground.ts';

const authority = makeAuthority();
if (!authority) console.log('no openssl found: the tests of HTTPS listeners are skipped');
const arn = 'arn:aws:acm:us-east-1:000000000000:certificate/one';
const Certificates = [{ CertificateArn: arn }];

/** A certificate that the test renews by hand. */
function renewable() {
  let pair = authority!.issue(['class.example.edu', '*.s1.class.example.edu']);
  const listeners = new Set<() => void>();
  const certificate: ServedCertificate = {
    current: () => pair,
    onRenewal(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return {
    certificate,
    renew() {
      pair = authority!.issue(['class.example.edu', '*.s1.class.example.edu']);
      for (const listener of listeners) listener();
    },
  };
}

describe.skipIf(!authority)('an HTTPS listener', () => {
  let ground: ElbGround;
  let target: http.Server;
  let renew: () => void;
  const ca = authority?.cert;

  beforeEach(async () => {
    const { certificate, renew: again } = renewable();
    renew = again;
    ground = await startElb({ certificate: wanted => (wanted === arn ? certificate : undefined) });
    target = http.createServer((request, response) => response.end(JSON.stringify(request.headers)));
    target.on('upgrade', (request, socket) => {
      const accept = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
      socket.end(`${accept}${request.headers['x-forwarded-proto']}`);
    });
    await new Promise<void>(resolve => target.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    target.close();
    target.closeAllConnections();
    await ground.close();
  });
  afterAll(() => authority?.remove());

  /** A plain listener made HTTPS, with a rule for one host that leads to the target. */
  async function secure() {
    const { listenerArn, loadBalancerArn } = await createListener(ground);
    await ground.client.send(
      new sdk.ModifyListenerCommand({ ListenerArn: listenerArn, Protocol: 'HTTPS', Port: 443, Certificates }),
    );
    const group = await createGroup(ground, 'app', { TargetType: 'ip' });
    const Targets = [{ Id: '127.0.0.1', Port: (target.address() as { port: number }).port }];
    await ground.client.send(new sdk.RegisterTargetsCommand({ TargetGroupArn: group, Targets }));
    await createRule(ground, listenerArn, 1, 'ada.s1.class.example.edu', forward(group));
    return { listenerArn, loadBalancerArn, port: (await ground.elb.portOf(listenerArn)) ?? 0 };
  }

  const at = (port: number, servername: string) => ({ host: '127.0.0.1', port, servername, ca, agent: false });

  function ask(port: number, host: string, servername = host): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const request = https.get({ ...at(port, servername), headers: { host } }, answer => {
        let body = '';
        answer.on('data', chunk => {
          body += chunk;
        });
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }));
      });
      request.on('error', reject);
    });
  }

  test('keeps a plain listener’s ARN and rules, and tells targets that they are asked over https', async () => {
    const { listenerArn, port } = await secure();
    const answer = await ask(port, 'ada.s1.class.example.edu');
    expect(JSON.parse(answer.body)).toMatchObject({ 'x-forwarded-proto': 'https', host: 'ada.s1.class.example.edu' });
    expect((await ask(port, 'bob.s1.class.example.edu')).body).toBe('default');
    const seen = await ground.client.send(new sdk.DescribeListenersCommand({ ListenerArns: [listenerArn] }));
    expect(seen.Listeners?.[0]).toMatchObject({ Protocol: 'HTTPS', Port: 443, Certificates });
  });

  test('passes WebSockets on', async () => {
    const { port } = await secure();
    const headers = { host: 'ada.s1.class.example.edu', connection: 'Upgrade', upgrade: 'websocket' };
    const options = { ...at(port, 'ada.s1.class.example.edu'), headers };
    const said = await new Promise<string>((resolve, reject) => {
      const request = https.get(options);
      request.on('upgrade', (_, socket, head) => {
        let text = String(head);
        socket.on('data', chunk => {
          text += chunk;
        });
        socket.on('end', () => resolve(text));
      });
      request.on('error', reject);
    });
    expect(said).toBe('https');
  });

  test('speaks nothing below TLS 1.2, and no HTTP', async () => {
    const { port } = await secure();
    // A client that would go that low: it is the listener that says no.
    const low = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const old = tls.connect({ ...at(port, 'class.example.edu'), ...low });
    const refused = new Promise((resolve, reject) => old.on('secureConnect', resolve).on('error', reject));
    await expect(refused).rejects.toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
  });

  test('serves a renewed certificate to who comes next, on the same port', async () => {
    const { port } = await secure();
    const serial = () =>
      new Promise<string>((resolve, reject) => {
        const socket = tls.connect(at(port, 'class.example.edu'), () => {
          resolve(socket.getPeerCertificate().serialNumber);
          socket.destroy();
        });
        socket.on('error', reject);
      });
    const first = await serial();
    expect(await serial()).toBe(first);
    renew();
    expect(await serial()).not.toBe(first);
  });

  test('becomes plain again', async () => {
    const { listenerArn } = await secure();
    await ground.client.send(new sdk.ModifyListenerCommand({ ListenerArn: listenerArn, Protocol: 'HTTP', Port: 80 }));
    const port = await ground.elb.portOf(listenerArn);
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
  });

  test('refuses what AWS refuses', async () => {
    const { loadBalancerArn: LoadBalancerArn } = await createListener(ground);
    const listener = { LoadBalancerArn, Protocol: 'HTTPS' as const, Port: 443, DefaultActions: [fixed('x')] };
    const make = (more: object) => refusal(ground.client.send(new sdk.CreateListenerCommand({ ...listener, ...more })));
    expect(await make({})).toBe('ValidationError');
    expect(await make({ Certificates: [{ CertificateArn: 'arn:none' }] })).toBe('CertificateNotFound');
    expect(await make({ Certificates, SslPolicy: 'ELBSecurityPolicy-none' })).toBe('SSLPolicyNotFound');
    expect(await make({ Certificates, Protocol: 'HTTP' })).toBe('ValidationError');
    await ground.client.send(new sdk.CreateListenerCommand({ ...listener, Certificates }));
    expect(await make({ Certificates, DefaultActions: [fixed('y')] })).toBe('DuplicateListener');
  });

  test('is sent on to by a plain listener’s redirect', async () => {
    const toHttps = { Protocol: 'HTTPS', Port: '443', StatusCode: 'HTTP_301' } as const;
    const { listenerArn, port } = await createListener(ground);
    await ground.client.send(
      new sdk.ModifyListenerCommand({
        ListenerArn: listenerArn,
        DefaultActions: [{ Type: 'redirect', RedirectConfig: toHttps }],
      }),
    );
    const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
      const headers = { host: 'class.example.edu' };
      http.get({ host: '127.0.0.1', port, path: '/a?b', headers, agent: false }, resolve).on('error', reject);
    });
    expect([answer.statusCode, answer.headers.location]).toEqual([301, 'https://class.example.edu/a?b']);
    answer.destroy();
  });
});
