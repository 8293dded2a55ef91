import path from 'node:path';
import type { IdeInstalled } from './aws-main.ts';
import { type Child, endLeftovers, startChild } from './children.ts';
import type { DataFolder } from './data-folder.ts';
import { firstPasswordStands, type Ground, type GroundOptions, layGround, registerApp } from './ground.ts';
import { installIde } from './ide/install.ts';
import { StartFault, type StartOptions } from './options.ts';
import { demandPort, rememberedPorts } from './ports.ts';
import { type Postgres, startPostgres } from './postgres.ts';
import { createProgress, type Progress } from './progress.ts';

const region = 'us-east-1';
const top = path.join(import.meta.dirname, '..', '..');

/** What is running, in the order in which it was started. */
interface Running {
  readonly children: Child[];
  postgres?: Postgres;
}

/**
 * Starts everything on this machine and returns once it all runs; Ctrl-C, SIGTERM or the loss of PostgreSQL end it.
 * Throws StartFault, with everything ended that was started, when the person at the terminal must act.
 */
export async function startHere(options: StartOptions, openData: (root: string) => DataFolder): Promise<void> {
  await demandPort(options.port);
  const data = openData(options.data);
  const progress = createProgress(process.stdout, () => performance.now());
  const running: Running = { children: [] };
  const abort = new AbortController();
  const stop = stopOnce(running, data, abort);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(0));
  try {
    await startAll(options, data, running, progress, abort.signal, stop);
  } catch (error) {
    if (abort.signal.aborted) return;
    await stop(undefined);
    throw error;
  }
}

async function startAll(
  options: StartOptions,
  data: DataFolder,
  running: Running,
  progress: Progress,
  signal: AbortSignal,
  stop: (exitCode: number | undefined) => Promise<void>,
): Promise<void> {
  endLeftovers(data.logs);
  const portalUrl = `http://localhost:${options.port}`;
  const ports = await rememberedPorts(path.join(data.root, 'ports.json'));
  const ide = installTheIde(data, progress, signal);
  const [databaseUrl, aws] = await Promise.all([
    openDatabase(options, data, running, progress, stop),
    startAws(options, data, running, ports.aws, progress),
  ]);
  const groundOptions: GroundOptions = {
    endpoint: aws.url,
    region,
    credentials: { accessKeyId: data.secrets.awsAccessKeyId, secretAccessKey: data.secrets.awsSecretAccessKey },
    file: data.ground,
    portalUrl,
    instructor: { email: options.email, password: data.secrets.firstPassword },
  };
  const ground = await layGround(groundOptions);
  await registerApp(groundOptions, ground, ports.api);
  const environment = environmentOf({ data, ground, databaseUrl, portalUrl, apiPort: ports.api, awsUrl: aws.url });
  for (const [name, script] of [
    ['api', 'api/http/server.ts'],
    ['controller', 'controller/main.ts'],
  ] as const)
    running.children.push(
      startChild({ name, script: path.join(top, script), environment }, data.logs, restarted(progress)),
    );
  await answering(`${portalUrl}/healthz`, signal);
  progress.done(`Portal answers at ${portalUrl}`);
  const entry = await ide;
  aws.tell(entry);
  progress.done('Editor is ready');
  if (signal.aborted) return;
  const fresh = await firstPasswordStands(groundOptions, ground).catch(() => false);
  console.log(summary(portalUrl, options.email, fresh ? data.secrets.firstPassword : undefined, data.root));
}

async function openDatabase(
  options: StartOptions,
  data: DataFolder,
  running: Running,
  progress: Progress,
  stop: (exitCode: number | undefined) => Promise<void>,
): Promise<string> {
  if (options.databaseUrl) {
    progress.done('PostgreSQL of DATABASE_URL is used');
    return options.databaseUrl;
  }
  const postgres = await startPostgres({ directory: data.postgres, stage: data.stage, durable: true });
  running.postgres = postgres;
  progress.done('PostgreSQL is ready');
  void postgres.exited.then(() => stop(1));
  return postgres.url;
}

/** Starts the process of the local AWS, and resolves once its endpoint answers. */
async function startAws(options: StartOptions, data: DataFolder, running: Running, port: number, progress: Progress) {
  let installed: IdeInstalled | undefined;
  const url = `http://127.0.0.1:${port}`;
  const child = startChild(
    {
      name: 'aws',
      script: path.join(import.meta.dirname, 'aws-main.ts'),
      environment: {
        ARMADA_LOCAL_DATA: data.root,
        ARMADA_LOCAL_PUBLIC_PORT: String(options.port),
        ARMADA_LOCAL_AWS_PORT: String(port),
        ARMADA_LOCAL_OUTBOX_TOKEN: data.secrets.outboxToken,
        AWS_ACCESS_KEY_ID: data.secrets.awsAccessKeyId,
        AWS_SECRET_ACCESS_KEY: data.secrets.awsSecretAccessKey,
      },
      greeting: () => installed,
    },
    data.logs,
    restarted(progress),
  );
  running.children.push(child);
  await answering(url, new AbortController().signal);
  progress.done('Local AWS is ready');
  return {
    url,
    tell(entry: string) {
      installed = { type: 'ide-installed', entry };
      child.send(installed);
    },
  };
}

async function installTheIde(data: DataFolder, progress: Progress, signal: AbortSignal): Promise<string> {
  const words = { download: 'Editor: downloading packages', unpack: 'Editor: unpacking', link: 'Editor: linking' };
  const { entry } = await installIde({
    directory: path.join(data.stage, 'ide'),
    onProgress: ({ step, done, of }) => progress.part(words[step], done, of),
    signal,
  });
  return entry;
}

interface Parts {
  readonly data: DataFolder;
  readonly ground: Ground;
  readonly databaseUrl: string;
  readonly portalUrl: string;
  readonly apiPort: number;
  readonly awsUrl: string;
}

/** The settings of API and controller: the same that a task definition carries on AWS. */
function environmentOf({ data, ground, databaseUrl, portalUrl, apiPort, awsUrl }: Parts): Record<string, string> {
  return {
    NODE_ENV: 'production',
    DATABASE_URL: databaseUrl,
    AWS_REGION: region,
    AWS_ENDPOINT_URL: awsUrl,
    AWS_ACCESS_KEY_ID: data.secrets.awsAccessKeyId,
    AWS_SECRET_ACCESS_KEY: data.secrets.awsSecretAccessKey,
    ARMADA_CLUSTER: ground.cluster,
    ARMADA_VPC_ID: ground.vpcId,
    ARMADA_BALANCERS: JSON.stringify([{ listenerArn: ground.listenerArn, domain: 'localhost' }]),
    ARMADA_FILE_SYSTEM_ID: ground.fileSystemId,
    ARMADA_USER_POOL_ID: ground.userPoolId,
    ARMADA_USER_POOL_CLIENT_ID: ground.userPoolClientId,
    ARMADA_PORTAL_URL: portalUrl,
    ARMADA_HEARTBEAT_URL: `http://127.0.0.1:${apiPort}`,
    ARMADA_GATE_IMAGE: 'armada/gate:local',
    ARMADA_IDE_IMAGE: 'armada/ide:local',
    ARMADA_SECRET: data.secrets.armadaSecret,
    ARMADA_OPERATOR_TOKEN: data.secrets.operatorToken,
    ARMADA_OUTBOX_URL: `${awsUrl}/_outbox/${data.secrets.outboxToken}`,
    PORT: String(apiPort),
  };
}

function restarted(progress: Progress): (name: string, how: string) => void {
  return (name, how) => progress.done(`${name} ended (${how}); it is started again`);
}

/** Ends everything in reverse order, once; `exitCode` undefined leaves the process to its caller. */
function stopOnce(running: Running, data: DataFolder, abort: AbortController) {
  let stopping: Promise<void> | undefined;
  const end = async (exitCode: number | undefined) => {
    abort.abort();
    if (exitCode === 0) console.log('\nStopping…');
    for (const child of running.children.toReversed()) await child.stop();
    await running.postgres?.stop();
    data.release();
    if (exitCode === 1) console.error('PostgreSQL ended; its log is in the data folder. Start again with npm start.');
    if (exitCode !== undefined) process.exit(exitCode);
  };
  return (exitCode: number | undefined) => {
    stopping ??= end(exitCode);
    return stopping;
  };
}

const startSeconds = 60;

/** Resolves once an HTTP server answers at `url` with anything below 500. */
async function answering(url: string, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + startSeconds * 1000;
  for (;;) {
    const response = await fetch(url, { redirect: 'manual' }).catch(() => undefined);
    if (response && response.status < 500) return;
    if (signal.aborted) return;
    if (Date.now() > deadline)
      throw new StartFault(`Nothing answered at ${url} for ${startSeconds} s. The logs folder says why.`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

function summary(portalUrl: string, email: string, password: string | undefined, root: string): string {
  return `
  Armada is ready:  ${portalUrl}

  Sign in as        ${email}
  Password          ${password ?? 'the one you chose'}${password ? '   (once; you choose your own then)' : ''}
  Mails to students ${portalUrl}/outbox
  Data              ${root}
  Stop              Ctrl-C; the next start goes on where this one was
${process.getuid?.() === 0 ? '' : '\n  Not started as root: students are not walled off from each other. For trying out only.\n'}`;
}
