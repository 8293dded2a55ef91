import http from 'node:http';
import net from 'node:net';
import * as sdk from '@aws-sdk/client-elastic-load-balancing-v2';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../../../support/eventually.ts';
import {
  ask,
  createGroup,
  createListener,
  createRule,
  type ElbGround,
  fixed,
  forward,
  startElb,
  startTiny,
  type Tiny,
  upgrade,
} from './elb-ground.ts';

let ground: ElbGround;
const tinies: Tiny[] = [];

beforeEach(async () => {
  ground = await startElb();
});

afterEach(async () => {
  await ground.close();
  for (const tiny of tinies.splice(0)) await tiny.close();
});

async function tiny(name: string, answer?: http.RequestListener): Promise<Tiny> {
  const started = await startTiny(name, answer);
  tinies.push(started);
  return started;
}

/** A target group with one server behind a rule for a host, once the server is found healthy. */
async function serve(listenerArn: string, priority: number, host: string, answer?: http.RequestListener) {
  const name = host.split('.')[0]!;
  const server = await tiny(name, answer);
  const group = await createGroup(ground, `${name}-${priority}`);
  const rule = await createRule(ground, listenerArn, priority, host, forward(group));
  const target = { id: 'i-1', port: server.port };
  ground.elb.register(group, target);
  await eventually(() => ground.elb.health(group, target) === 'healthy');
  return { server, group, rule, target };
}

test('names that begin alike go to their own targets', async () => {
  const { listenerArn, port } = await createListener(ground);
  await serve(listenerArn, 1, 'ann.localhost');
  await serve(listenerArn, 2, 'anna.localhost');
  expect((await ask(port, 'ann.localhost')).body).toBe('ann');
  expect((await ask(port, `ANNA.localhost:${port}`)).body).toBe('anna');
  expect((await ask(port, 'annab.localhost')).body).toBe('default');
  expect((await ask(port, 'x.ann.localhost')).body).toBe('default');
});

test('a thousand requests over fifty hosts all reach their own target', async () => {
  const { listenerArn, port } = await createListener(ground);
  const hosts = Array.from({ length: 50 }, (_, index) => `s${index}.localhost`);
  await Promise.all(hosts.map((host, index) => serve(listenerArn, 50 - index, host)));
  const agent = new http.Agent({ keepAlive: true, maxSockets: 20 });
  const wrong: string[] = [];
  await Promise.all(
    Array.from({ length: 1_000 }, async () => {
      const host = hosts[Math.floor(Math.random() * hosts.length)]!;
      const { body } = await ask(port, host, { agent });
      if (`${body}.localhost` !== host) wrong.push(`${host} → ${body}`);
    }),
  );
  agent.destroy();
  expect(wrong).toEqual([]);
});

test('the rule with the smallest priority wins, whether its host has wildcards or not', async () => {
  const { listenerArn, port } = await createListener(ground);
  const exact = await createRule(ground, listenerArn, 20, 'a.localhost', fixed('exact'));
  await createRule(ground, listenerArn, 10, '*.localhost', fixed('wild'));
  expect((await ask(port, 'a.localhost')).body).toBe('wild');
  await ground.client.send(new sdk.SetRulePrioritiesCommand({ RulePriorities: [{ RuleArn: exact, Priority: 5 }] }));
  expect((await ask(port, 'a.localhost')).body).toBe('exact');
  await ground.client.send(new sdk.DeleteRuleCommand({ RuleArn: exact }));
  expect((await ask(port, 'a.localhost')).body).toBe('wild');
});

test('healthy targets take turns', async () => {
  const { listenerArn, port } = await createListener(ground);
  const { group } = await serve(listenerArn, 1, 'one.localhost');
  const second = await tiny('two');
  ground.elb.register(group, { id: 'i-2', port: second.port });
  await eventually(() => ground.elb.health(group, { id: 'i-2', port: second.port }) === 'healthy');
  const bodies = [];
  for (let turn = 0; turn < 4; turn++) bodies.push((await ask(port, 'one.localhost')).body);
  expect(bodies.filter(body => body === 'one')).toHaveLength(2);
  expect(bodies.filter(body => body === 'two')).toHaveLength(2);
});

test('a group without targets answers 503, one whose target refuses 502', async () => {
  const { listenerArn, port } = await createListener(ground);
  const group = await createGroup(ground, 'empty');
  await createRule(ground, listenerArn, 1, 'a.localhost', forward(group));
  expect((await ask(port, 'a.localhost')).status).toBe(503);
  const gone = await startTiny('gone');
  await gone.close();
  ground.elb.register(group, { id: 'i-1', port: gone.port });
  expect((await ask(port, 'a.localhost')).status).toBe(502);
});

test('only unhealthy targets are sent requests all the same', async () => {
  await ground.close();
  ground = await startElb({ probe: async target => target.id !== 'i-sick' });
  const { listenerArn, port } = await createListener(ground);
  const group = await createGroup(ground, 'sick');
  await createRule(ground, listenerArn, 1, 'a.localhost', forward(group));
  const sick = await tiny('sick');
  ground.elb.register(group, { id: 'i-sick', port: sick.port });
  expect((await ask(port, 'a.localhost')).body).toBe('sick');
  const well = await tiny('well');
  ground.elb.register(group, { id: 'i-well', port: well.port });
  await eventually(() => ground.elb.health(group, { id: 'i-well', port: well.port }) === 'healthy');
  for (let turn = 0; turn < 4; turn++) expect((await ask(port, 'a.localhost')).body).toBe('well');
});

test('targets are told who asked, how, and by which port', async () => {
  const { listenerArn, port } = await createListener(ground);
  const { server } = await serve(listenerArn, 1, 'a.localhost');
  await ask(port, 'a.localhost', {
    headers: { 'x-forwarded-for': '10.1.2.3', 'x-forwarded-proto': 'https', 'x-forwarded-port': '1' },
  });
  const headers = server.seen[0]!.headersDistinct;
  expect(headers['x-forwarded-for']).toEqual(['10.1.2.3, 127.0.0.1']);
  expect(headers['x-forwarded-proto']).toEqual(['http']);
  expect(headers['x-forwarded-port']).toEqual([String(port)]);
  expect(headers['host']).toEqual(['a.localhost']);
});

test('headers about the client connection, and those it names, stay behind', async () => {
  const { listenerArn, port } = await createListener(ground);
  const { server } = await serve(listenerArn, 1, 'a.localhost');
  await ask(port, 'a.localhost', {
    headers: { connection: 'close, x-secret', 'x-secret': '1', te: 'trailers', 'x-kept': '1' },
  });
  const { headers } = server.seen[0]!;
  expect(headers['x-secret']).toBeUndefined();
  expect(headers['te']).toBeUndefined();
  expect(headers['x-kept']).toBe('1');
});

test('bodies pass in both directions, repeated headers and status kept', async () => {
  const { listenerArn, port } = await createListener(ground);
  await serve(listenerArn, 1, 'a.localhost', (request, response) => {
    response.writeHead(418, 'Teapot', [
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ] as never);
    request.pipe(response);
  });
  const body = 'x'.repeat(3_000_000);
  const answer = await ask(port, 'a.localhost', { method: 'POST', body });
  expect(answer.status).toBe(418);
  expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2']);
  expect(answer.body === body).toBe(true);
});

test('an answer is streamed: its first part arrives while the target still holds back the rest', async () => {
  const { listenerArn, port } = await createListener(ground);
  let finish = () => {};
  await serve(listenerArn, 1, 'a.localhost', (_request, response) => {
    response.write('first');
    finish = () => response.end('last');
  });
  const text = await new Promise<string>((resolve, reject) => {
    let heard = '';
    http
      .get({ host: '127.0.0.1', port, headers: { host: 'a.localhost' } }, response => {
        response.setEncoding('utf8').on('data', chunk => {
          heard += chunk;
          if (heard === 'first') finish();
        });
        response.on('end', () => resolve(heard));
      })
      .on('error', reject);
  });
  expect(text).toBe('firstlast');
});

test('a target that resets amid its answer cuts the client off, and the balancer goes on', async () => {
  const { listenerArn, port } = await createListener(ground);
  await serve(listenerArn, 1, 'bad.localhost', (request, response) => {
    if (request.url !== '/reset') return void response.end('fine');
    response.writeHead(200, { 'content-length': '100' });
    response.write('part');
    setImmediate(() => (request.socket as net.Socket).resetAndDestroy());
  });
  await expect(ask(port, 'bad.localhost', { path: '/reset' })).rejects.toThrow();
  expect((await ask(port, 'bad.localhost')).body).toBe('fine');
});

test('a client that gives up frees the target', async () => {
  const { listenerArn, port } = await createListener(ground);
  let closed = false;
  const { server } = await serve(listenerArn, 1, 'a.localhost', (_request, response) => {
    response.on('close', () => (closed = true));
    response.write('never ending');
  });
  const client = http.get({ host: '127.0.0.1', port, headers: { host: 'a.localhost' } });
  client.on('error', () => {});
  await eventually(() => server.seen.length === 1);
  client.destroy();
  await eventually(() => closed);
});

test('a target that does not answer in the idle time makes it a 504', async () => {
  const { listenerArn, loadBalancerArn, port } = await createListener(ground);
  await ground.client.send(
    new sdk.ModifyLoadBalancerAttributesCommand({
      LoadBalancerArn: loadBalancerArn,
      Attributes: [{ Key: 'idle_timeout.timeout_seconds', Value: '1' }],
    }),
  );
  await serve(listenerArn, 1, 'a.localhost', () => {});
  expect((await ask(port, 'a.localhost')).status).toBe(504);
});

test('a kept connection that turns out to be closed when it is used again costs the client nothing', async () => {
  const { listenerArn, port } = await createListener(ground);
  const used = new Set<unknown>();
  const { server } = await serve(listenerArn, 1, 'a.localhost', (request, response) => {
    if (used.has(request.socket)) return void request.socket.destroy();
    used.add(request.socket);
    response.end('once');
  });
  for (let turn = 0; turn < 3; turn++) expect((await ask(port, 'a.localhost')).body).toBe('once');
  expect(server.seen.length).toBeGreaterThan(3);
});

test('a connection that the target closed while it was idle costs the client nothing', async () => {
  const { listenerArn, port } = await createListener(ground);
  const { server } = await serve(listenerArn, 1, 'a.localhost');
  for (let turn = 0; turn < 3; turn++) {
    expect((await ask(port, 'a.localhost')).status).toBe(200);
    server.server.closeIdleConnections();
  }
});

test('a WebSocket goes to its target, and other rules may change around it', async () => {
  const { listenerArn, port } = await createListener(ground);
  await serve(listenerArn, 1, 'ann.localhost');
  const other = await serve(listenerArn, 2, 'bob.localhost');
  const { socket, heard, closed } = await upgrade(port, 'ann.localhost');
  socket.write('hi');
  await eventually(() => heard() === 'ann:hi');
  await ground.client.send(new sdk.DeleteRuleCommand({ RuleArn: other.rule }));
  await createRule(ground, listenerArn, 3, 'cat.localhost', fixed('cat'));
  socket.write('!');
  await eventually(() => heard() === 'ann:hiann:!');
  expect(closed()).toBe(false);
  socket.destroy();
});

test('either end of a WebSocket takes the other along', async () => {
  const { listenerArn, port } = await createListener(ground);
  const { server } = await serve(listenerArn, 1, 'ann.localhost');
  const first = await upgrade(port, 'ann.localhost');
  const targetSide = server.seen[0]!.socket;
  first.socket.resetAndDestroy();
  await eventually(() => targetSide.destroyed);
  const second = await upgrade(port, 'ann.localhost');
  server.seen[1]!.socket.resetAndDestroy();
  await eventually(second.closed);
});

test('a WebSocket to nobody is answered like any request', async () => {
  const { listenerArn, port } = await createListener(ground);
  const group = await createGroup(ground, 'empty');
  await createRule(ground, listenerArn, 1, 'a.localhost', forward(group));
  await expect(upgrade(port, 'a.localhost')).rejects.toThrow('503');
  const gone = await startTiny('gone');
  await gone.close();
  ground.elb.register(group, { id: 'i-1', port: gone.port });
  await expect(upgrade(port, 'a.localhost')).rejects.toThrow('502');
});

test('a target being deregistered gets nothing new and keeps its WebSocket until the delay is over', async () => {
  const { listenerArn, port } = await createListener(ground);
  const { group, target } = await serve(listenerArn, 1, 'ann.localhost');
  await ground.client.send(
    new sdk.ModifyTargetGroupAttributesCommand({
      TargetGroupArn: group,
      Attributes: [{ Key: 'deregistration_delay.timeout_seconds', Value: '4' }],
    }),
  );
  const { socket, heard, closed } = await upgrade(port, 'ann.localhost');
  const drained = ground.elb.deregister(group, target);
  expect(ground.elb.health(group, target)).toBe('draining');
  expect((await ask(port, 'ann.localhost')).status).toBe(503);
  socket.write('still');
  await eventually(() => heard() === 'ann:still');
  expect(closed()).toBe(false);
  await drained;
  expect(ground.elb.health(group, target)).toBeUndefined();
  await eventually(closed);
});

test('deregistration is over as soon as the last connection is', async () => {
  const { listenerArn, port } = await createListener(ground);
  const { group, target } = await serve(listenerArn, 1, 'ann.localhost');
  const { socket } = await upgrade(port, 'ann.localhost');
  // The default delay of 300 s would outlast the test.
  const drained = ground.elb.deregister(group, target);
  socket.destroy();
  await drained;
  await ground.elb.deregister(group, target);
});

test('a request line with a whole URL is understood, and two hosts are refused', async () => {
  const { listenerArn, port } = await createListener(ground);
  const { server } = await serve(listenerArn, 1, 'ann.localhost');
  expect((await ask(port, 'bob.localhost', { path: 'http://ann.localhost/x?y=1' })).body).toBe('ann');
  expect(server.seen[0]!.url).toBe('/x?y=1');
  expect(server.seen[0]!.headers.host).toBe('ann.localhost');
  expect(await raw(port, 'GET / HTTP/1.1\r\nHost: ann.localhost\r\nHost: bob.localhost\r\n\r\n')).toMatch(/ 400 /);
  expect(await raw(port, 'GET / HTTP/1.1\r\n\r\n')).toMatch(/ 400 /);
  const both = 'Host: ann.localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n';
  expect(await raw(port, `POST / HTTP/1.1\r\n${both}`)).toMatch(/ 400 /);
});

test('a redirect fills in what it does not change', async () => {
  const { listenerArn, port } = await createListener(ground);
  await createRule(ground, listenerArn, 1, 'old.localhost', {
    Type: 'redirect',
    RedirectConfig: { Host: 'new.localhost', StatusCode: 'HTTP_302' },
  });
  const answer = await ask(port, 'old.localhost', { path: '/a/b?c=d' });
  expect([answer.status, answer.headers.location]).toEqual([302, `http://new.localhost:${port}/a/b?c=d`]);
});

test('two load balancers whose listeners share a port keep their rules apart', async () => {
  const one = await createListener(ground, 'one');
  const two = await createListener(ground, 'two');
  expect(two.port).toBe(one.port);
  await createRule(ground, one.listenerArn, 1, 'a.localhost', fixed('first'));
  await createRule(ground, two.listenerArn, 1, 'b.localhost', fixed('second'));
  expect((await ask(one.port, 'a.localhost')).body).toBe('first');
  expect((await ask(one.port, 'b.localhost')).body).toBe('second');
});

test('a port that another program has is named', async () => {
  const taken = net.createServer();
  await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as net.AddressInfo;
  await createListener(ground);
  const again = startElb({ state: ground.state, ports: () => port });
  await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE', message: expect.stringContaining(String(port)) });
  taken.close();
});

function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = '';
    const socket = net.connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', data => {
      heard += data.toString();
      if (heard.includes('\r\n\r\n')) socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(heard));
  });
}
