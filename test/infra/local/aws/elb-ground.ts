import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import * as sdk from '@aws-sdk/client-elastic-load-balancing-v2';
import { realClock } from '../../../../infra/local/aws/clock.ts';
import { Elb, type ElbOptions } from '../../../../infra/local/aws/elb/elb.ts';
import { Endpoint } from '../../../../infra/local/aws/endpoint.ts';
import { State } from '../../../../infra/local/aws/state.ts';

/** Load balancing on an endpoint of its own, with the real SDK client; `close` ends everything. */
export interface ElbGround {
  readonly state: State;
  readonly elb: Elb;
  readonly client: sdk.ElasticLoadBalancingV2Client;
  close(): Promise<void>;
}

/** Starts it with any free port for listeners; `options` changes that. */
export async function startElb(options: Partial<ElbOptions> = {}): Promise<ElbGround> {
  const state = options.state ?? new State(':memory:', realClock);
  const elb = new Elb({
    region: 'us-east-1',
    accountId: '000000000000',
    ports: () => 0,
    addresses: ['127.0.0.1'],
    ...options,
    state,
  });
  await elb.start();
  const services = { ecs: {}, 'cognito-idp': {}, elasticfilesystem: {}, elasticloadbalancing: elb.operations };
  const endpoint = new Endpoint({ services, authenticate: () => {} });
  const client = new sdk.ElasticLoadBalancingV2Client({
    endpoint: await endpoint.listen(0),
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
  return {
    state,
    elb,
    client,
    async close() {
      client.destroy();
      await endpoint.close();
      await elb.stop();
    },
  };
}

/** Makes a load balancer with one listener; what no rule takes is answered by `default` with 200. */
export async function createListener(ground: ElbGround, name = 'main', listenerPort = 80) {
  const made = await ground.client.send(
    new sdk.CreateLoadBalancerCommand({ Name: name, Subnets: ['subnet-1', 'subnet-2'] }),
  );
  const loadBalancerArn = made.LoadBalancers![0]!.LoadBalancerArn!;
  const listener = await ground.client.send(
    new sdk.CreateListenerCommand({
      LoadBalancerArn: loadBalancerArn,
      Protocol: 'HTTP',
      Port: listenerPort,
      DefaultActions: [fixed('default')],
    }),
  );
  const listenerArn = listener.Listeners![0]!.ListenerArn!;
  return { loadBalancerArn, listenerArn, port: (await ground.elb.portOf(listenerArn)) ?? 0 };
}

export async function createGroup(ground: ElbGround, name: string, more: Partial<sdk.CreateTargetGroupInput> = {}) {
  const made = await ground.client.send(
    new sdk.CreateTargetGroupCommand({
      Name: name,
      Protocol: 'HTTP',
      Port: 80,
      VpcId: 'vpc-1',
      HealthCheckIntervalSeconds: 5,
      HealthCheckTimeoutSeconds: 2,
      ...more,
    }),
  );
  return made.TargetGroups![0]!.TargetGroupArn!;
}

export async function createRule(
  ground: ElbGround,
  listenerArn: string,
  priority: number,
  host: string,
  action: sdk.Action,
) {
  const made = await ground.client.send(
    new sdk.CreateRuleCommand({
      ListenerArn: listenerArn,
      Priority: priority,
      Conditions: [{ Field: 'host-header', Values: [host] }],
      Actions: [action],
    }),
  );
  return made.Rules![0]!.RuleArn!;
}

export function forward(targetGroupArn: string): sdk.Action {
  return { Type: 'forward', TargetGroupArn: targetGroupArn };
}

export function fixed(body: string): sdk.Action {
  return { Type: 'fixed-response', FixedResponseConfig: { StatusCode: '200', MessageBody: body } };
}

/** The wire code of the refusal of a call. */
export async function refusal(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'not refused',
    error => String(error.Code ?? error.name),
  );
}

/** A server that answers with its name, and echoes what is said over a WebSocket. */
export interface Tiny {
  readonly port: number;
  readonly server: http.Server;
  readonly seen: http.IncomingMessage[];
  close(): Promise<void>;
}

export async function startTiny(name: string, answer?: http.RequestListener): Promise<Tiny> {
  const seen: http.IncomingMessage[] = [];
  const sockets = new Set<Socket>();
  const server = http.createServer((request, response) => {
    if (!request.headers['user-agent']?.startsWith('ELB')) {
      seen.push(request);
      if (answer) return answer(request, response);
    }
    response.end(name);
  });
  server.on('upgrade', (request, socket) => {
    seen.push(request);
    sockets.add(socket as Socket);
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    socket.on('data', (data: Buffer) => socket.write(`${name}:${data.toString()}`));
    socket.on('end', () => socket.end());
    socket.on('error', () => socket.destroy());
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    server,
    seen,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** One request to 127.0.0.1 for a host; names under .localhost are not resolved everywhere. */
export function ask(
  port: number,
  host: string,
  options: http.RequestOptions & { body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { host, ...(options.headers as http.OutgoingHttpHeaders) };
    const request = http.request({ path: '/', ...options, host: '127.0.0.1', port, headers }, response => {
      let body = '';
      response.setEncoding('utf8').on('data', chunk => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(options.body);
  });
}

/** Opens a WebSocket's connection by hand; `heard` is what came since the handshake. */
export async function upgrade(port: number, host: string) {
  return new Promise<{ socket: Socket; heard: () => string; closed: () => boolean }>((resolve, reject) => {
    const request = http.get({
      host: '127.0.0.1',
      port,
      headers: {
        host,
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-key': 'x',
        'sec-websocket-version': '13',
      },
    });
    request.on('upgrade', (_response, socket, head) => {
      let text = head.toString();
      let closed = false;
      socket.on('data', (data: Buffer) => (text += data.toString()));
      socket.on('close', () => (closed = true));
      socket.on('error', () => {});
      resolve({ socket: socket as Socket, heard: () => text, closed: () => closed });
    });
    request.on('response', response => reject(new Error(`not upgraded: ${response.statusCode}`)));
    request.on('error', reject);
  });
}
