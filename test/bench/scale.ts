import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { migrate } from '../../api/store/migrate.ts';
import { createPool } from '../../api/store/pool.ts';
import { type WorkspaceRow, workspaceOf, workspaceQuery } from '../../api/store/status.ts';
import { type Ground, layEventsQueue, layGround } from '../../infra/local/ground.ts';
import { startPostgres } from '../../infra/local/postgres.ts';
import { type Clients, createClients } from '../../reconcilers/aws/clients.ts';
import { anyPort } from '../support/product.ts';
import { cpuSecondsOf, memoryOf } from './cpu.ts';
import { ending, tell } from './ending.ts';
import type { ScaleQuestion } from './scale-aws.ts';
import { moreListeners, placeRunning, placesPerBalancer } from './scale-balancers.ts';
import type { Laid, Laying } from './scale-lay.ts';
import { addRows } from './scale-rows.ts';

/** A database, a local AWS without processes and a real controller, for as many workspaces as a bench wants. */
export interface Scale {
  readonly pool: pg.Pool;
  readonly databaseUrl: string;
  readonly clients: Clients;
  readonly ground: Ground;
  /** The controller's process; started at once, and started again by `startController`. */
  startController(): Promise<void>;
  /** Ends it: SIGTERM, or SIGKILL without a word. */
  endController(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Sum of the controller's metric lines, such as `armada_queue_keys{phase="waiting"}`; 0 for one that it has not. */
  metric(...lines: readonly string[]): Promise<number>;
  controllerCpuSeconds(): number;
  /** Resident memory of the controller in MiB: now, and the most that it ever was. */
  controllerMemory(): { readonly now: number; readonly peak: number };
  ask<T>(question: ScaleQuestion): Promise<T>;
  /** Resolves when the local AWS sends a message of this type. */
  hear<T>(type: string): Promise<T>;
  /** How many workspaces are as asked, of all. */
  settled(): Promise<{ readonly settled: number; readonly all: number }>;
  /** Resolves once all are as asked, with the seconds that it took. */
  untilSettled(withinSeconds: number): Promise<number>;
  close(): Promise<void>;
}

const region = 'us-east-1';
const portalUrl = 'http://localhost:8080';
const secret = 'a secret of more than thirty-two characters';
const credentials = { accessKeyId: 'AKIABENCH', secretAccessKey: 'secret-of-the-bench' };
/**
 * What Node makes of the 512 MiB that the template gives the controller: the young part of the heap is sized by it too,
 * 2 MiB instead of the 128 that it takes on a large machine.
 */
const heapMebibytes = 259;

export interface ScaleOptions {
  readonly workspaces: number;
  /** How many of them are to run: as many balancers are made as that takes. */
  readonly running: number;
  /** How many can run at once; as many as run at first unless told. */
  readonly places?: number;
  /** ECS's events at a queue; on unless told. */
  readonly events?: boolean;
  /** Everything is laid before the controller starts, instead of being made by it. */
  readonly laid?: boolean;
  /** A profile of the controller's CPU is written into this folder when it ends. */
  readonly profile?: string | undefined;
}

/** Starts it and resolves once the controller leads; the workspaces are not yet made. */
export async function startScale(options: ScaleOptions): Promise<Scale> {
  const folder = await mkdtemp(path.join(process.getuid?.() === 0 ? '/var/tmp' : os.tmpdir(), 'armada-scale-'));
  const noFolder = ending(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  await chmod(folder, 0o711);
  const postgres = await startPostgres({
    directory: path.join(folder, 'postgres'),
    stage: path.join(os.tmpdir(), 'armada-postgres'),
    durable: true,
  });
  const noPostgres = ending(() => postgres.stop());
  await migrate(postgres.url);
  const pool = createPool(postgres.url);
  await addRows(pool, options);

  const balancers = Math.max(1, Math.ceil((options.places ?? options.running) / placesPerBalancer));
  const ports: number[] = [];
  while (ports.length < balancers) {
    const port = await anyPort();
    if (!ports.includes(port)) ports.push(port);
  }
  const aws = fork(path.join(import.meta.dirname, 'scale-aws.ts'), {
    env: {
      ...process.env,
      BENCH_PORTS: JSON.stringify(ports),
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    },
  });
  const noAws = ending(async () => {
    if (aws.exitCode !== null || aws.signalCode !== null) return;
    const exit = once(aws, 'exit');
    aws.disconnect();
    await exit;
  });
  const hear = <T>(type: string) =>
    new Promise<T>(resolve => {
      const listener = (message: { readonly type: string }) => {
        if (message.type !== type) return;
        aws.off('message', listener);
        resolve(message as T);
      };
      aws.on('message', listener);
    });
  const { url } = await hear<{ url: string }>('ready');
  const own = { endpoint: url, region, credentials };
  const ground = await layGround({
    ...own,
    file: path.join(folder, 'ground.json'),
    portalUrl,
    instructor: { email: 'grace@school.example', password: 'one-time-password' },
  });
  const listenerArns = [ground.listenerArn, ...(await moreListeners(own, balancers - 1))];
  const queueUrl = options.events === false ? undefined : await layEventsQueue(own);
  const clients = createClients(own);
  const metricsPort = await anyPort();
  const balancerList = listenerArns.map((listenerArn, index) => ({
    listenerArn,
    domain: index ? `s${index}.localhost` : 'localhost',
  }));
  const ask = <T>(question: ScaleQuestion) => {
    const answer = hear<T>(question.type);
    aws.send(question);
    return answer;
  };
  if (options.laid) {
    tell(`laying ${options.workspaces} workspaces, ${options.running} of them running`);
    await placeRunning(pool);
    const laying: Laying = {
      secret,
      settings: {
        deployment: 'armada',
        cluster: ground.cluster,
        vpcId: ground.vpcId,
        balancers: balancerList,
        fileSystemId: ground.fileSystemId,
        portalUrl,
        heartbeatUrl: portalUrl,
        gateImage: 'bench/gate',
        ideImage: 'bench/ide',
      },
      workspaces: (await pool.query<WorkspaceRow>(workspaceQuery)).rows.map(workspaceOf),
    };
    const file = path.join(folder, 'laying.json');
    writeFileSync(file, JSON.stringify(laying));
    await ask({ type: 'lay', file });
    const laid: readonly Laid[] = JSON.parse(readFileSync(file, 'utf8'));
    await pool.query(
      `update workspaces set status = laid.status
       from jsonb_to_recordset($1) laid (id text, status jsonb) where laid.id = workspaces.id`,
      [JSON.stringify(laid)],
    );
  }
  const environment = {
    ...process.env,
    DATABASE_URL: postgres.url,
    AWS_REGION: region,
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    ARMADA_CLUSTER: ground.cluster,
    ARMADA_VPC_ID: ground.vpcId,
    ARMADA_BALANCERS: JSON.stringify(balancerList),
    ARMADA_FILE_SYSTEM_ID: ground.fileSystemId,
    ARMADA_USER_POOL_ID: ground.userPoolId,
    ARMADA_PORTAL_URL: portalUrl,
    ARMADA_GATE_IMAGE: 'bench/gate',
    ARMADA_IDE_IMAGE: 'bench/ide',
    ARMADA_SECRET: secret,
    ARMADA_RATES: 'off',
    ARMADA_METRICS_PORT: String(metricsPort),
    ...(queueUrl ? { ARMADA_EVENTS_QUEUE_URL: queueUrl } : {}),
  };

  let controller: ChildProcess | undefined;
  const log = openSync(process.env['BENCH_LOG'] ?? '/dev/null', 'a');
  const pid = () => controller?.pid ?? 0;
  const metric = async (...lines: readonly string[]) => {
    const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    const found = text.split('\n').filter(each => lines.some(line => each.startsWith(`${line} `)));
    return found.reduce((sum, each) => sum + Number(each.slice(each.lastIndexOf(' '))), 0);
  };
  async function startController(): Promise<void> {
    const flags = [
      `--max-heap-size=${heapMebibytes}`,
      ...(process.env['BENCH_NODE_FLAGS']?.split(' ') ?? []),
      ...(options.profile ? ['--cpu-prof', `--cpu-prof-dir=${options.profile}`] : []),
    ];
    const script = path.join(import.meta.dirname, '..', '..', 'controller', 'main.ts');
    controller = spawn(process.execPath, [...flags, script], { env: environment, stdio: ['ignore', log, 'inherit'] });
    while ((await metric('armada_controller_leading').catch(() => 0)) !== 1) {
      if (controller.exitCode !== null) throw new Error(`the controller ended with ${controller.exitCode}`);
      await delay(20);
    }
  }
  async function endController(signal: NodeJS.Signals): Promise<void> {
    if (!controller || controller.exitCode !== null || controller.signalCode !== null) return;
    const exit = once(controller, 'exit');
    controller.kill(signal);
    await exit;
  }
  async function settled() {
    const { rows } = await pool.query(settledQuery);
    return { settled: Number(rows[0].settled), all: Number(rows[0].all) };
  }
  const noController = ending(() => endController('SIGTERM'));
  await startController();
  return {
    ...{ pool, clients, ground, startController, endController, metric, hear, settled },
    databaseUrl: postgres.url,
    controllerCpuSeconds: () => cpuSecondsOf([pid()]),
    controllerMemory: () => memoryOf(pid()),
    ask,
    async untilSettled(withinSeconds) {
      const start = performance.now();
      for (;;) {
        const now = await settled();
        const seconds = (performance.now() - start) / 1000;
        if (now.settled === now.all) return seconds;
        if (seconds > withinSeconds) throw new Error(`${now.settled} of ${now.all} settled after ${seconds} s`);
        await delay(now.all > 2_000 ? 250 : 50);
      }
    },
    async close() {
      await noController();
      clients.destroy();
      await pool.end();
      await noAws();
      await noPostgres();
      closeSync(log);
      await noFolder();
    },
  };
}

const settledQuery = `
  select count(*) as all, count(*) filter (where (status->>'observedGeneration')::int = generation
    and status->'conditions' @> '[{"type": "Ready", "status": "True"}]') settled from workspaces`;
