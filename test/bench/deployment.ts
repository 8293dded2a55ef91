import { readFileSync } from 'node:fs';
import { chmod, copyFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { openDataFolder } from '../../infra/local/data-folder.ts';
import { type GroundOptions, listenerPort } from '../../infra/local/ground.ts';
import { type Services, startServices } from '../../infra/local/services.ts';
import { eventually } from '../support/eventually.ts';
import { anyPort, temporaryDataFolder } from '../support/product.ts';
import { cpuSecondsOf, memoryOf } from './cpu.ts';
import { ending } from './ending.ts';

/** Everything but IDEs: PostgreSQL, local AWS, API and controller as real processes, with trivial servers as images. */
export interface Deployment {
  readonly services: Services;
  /** Where the balancers listen, the first one's port first. */
  readonly ports: readonly [number, number];
  /** A request to the API as the operator; answers with the parsed JSON, throws above 299. */
  call(method: string, path: string, body?: object): Promise<unknown>;
  /** AWS calls since the last time this was asked, by operation. */
  calls(): Promise<Readonly<Record<string, number>>>;
  readonly token: string;
  /** CPU seconds of API, controller and local AWS so far; tasks are not in it. */
  cpuSeconds(): number;
  /** The same of each of them by itself. */
  cpuSecondsOfParts(): Readonly<Record<string, number>>;
  /** Resident memory of each of them in MiB. */
  memory(): readonly { readonly name: string; readonly now: number }[];
  close(): Promise<void>;
}

const parts = ['aws', 'api', 'controller'];

export type StubImage = 'bench/gate:now' | 'bench/gate:late';

/** Starts one; `gate` is the image that every workspace gets. */
export async function startDeployment(gate: StubImage): Promise<Deployment> {
  const folder = await temporaryDataFolder();
  const noFolder = ending(() => folder.remove());
  const data = openDataFolder(folder.path);
  const stub = path.join(data.stage, 'stub.pl');
  await copyFile(path.join(import.meta.dirname, 'stub.pl'), stub);
  await chmod(stub, 0o644);
  const port = await anyPairOfPorts();
  const stopping = new AbortController();
  const starting = startServices(
    {
      data,
      port,
      email: 'instructor@armada.localhost',
      databaseUrl: undefined,
      awsScript: path.join(import.meta.dirname, 'aws.ts'),
      images: { gate, ide: 'bench/ide:none' },
      moreBalancers: secondBalancer,
      report: () => {},
    },
    stopping.signal,
  );
  const noServices = ending(async () => {
    stopping.abort(new Error('the bench ends'));
    await (await starting).stop();
  });
  const services = await starting;
  const pidOf = (name: string): number => JSON.parse(readFileSync(path.join(data.logs, `${name}.pid`), 'utf8')).pid;
  let asked = 0;
  const api = `http://localhost:${port}/v1`;
  return {
    services,
    ports: [port, port + 1],
    async call(method, route, body) {
      const response = await fetch(`${api}${route}`, {
        method,
        headers: {
          authorization: `Bearer ${data.secrets.operatorToken}`,
          ...(body ? { 'content-type': 'application/json' } : {}),
        },
        body: body ? JSON.stringify(body) : undefined,
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${text}`);
      return text ? JSON.parse(text) : undefined;
    },
    async calls() {
      const file = path.join(folder.path, `calls-${++asked}.json`);
      services.tell({ type: 'calls', file });
      return JSON.parse(await eventually(() => readFile(file, 'utf8')));
    },
    token: data.secrets.operatorToken,
    cpuSeconds: () => cpuSecondsOf(parts.map(pidOf)),
    cpuSecondsOfParts: () => Object.fromEntries(parts.map(name => [name, cpuSecondsOf([pidOf(name)])])),
    memory: () => parts.map(name => ({ name, now: memoryOf(pidOf(name)).now })),
    async close() {
      await noServices();
      data.release();
      await noFolder();
    },
  };
}

/** A second balancer beside the ground's, on the port after: one has places for 98 workspaces. */
async function secondBalancer(options: GroundOptions) {
  const elb = new ElasticLoadBalancingV2Client(options);
  const { LoadBalancers } = await elb.send(
    new CreateLoadBalancerCommand({
      Name: 'armada-2',
      Subnets: ['subnet-0a0a0a0a0a0a0a0a0', 'subnet-0b0b0b0b0b0b0b0b0'],
    }),
  );
  const { Listeners } = await elb.send(
    new CreateListenerCommand({
      LoadBalancerArn: LoadBalancers?.[0]?.LoadBalancerArn,
      Protocol: 'HTTP',
      Port: listenerPort + 1,
      DefaultActions: [{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '503' } }],
    }),
  );
  return [{ listenerArn: Listeners?.[0]?.ListenerArn ?? '', domain: 's2.localhost' }];
}

/** Two ports in a row that are free, and that nobody else in this process is given. */
async function anyPairOfPorts(): Promise<number> {
  let port = await anyPort();
  for (;;) {
    const next = await anyPort();
    if (next === port + 1) return port;
    port = next;
  }
}
