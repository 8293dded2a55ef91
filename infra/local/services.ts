import { readFileSync } from 'node:fs';
import path from 'node:path';
import { answering } from './answering.ts';
import type { TlsSettings } from './aws-process.ts';
import { type Child, endLeftovers, startChild } from './children.ts';
import type { DataFolder } from './data-folder.ts';
import { type Ground, type GroundOptions, layEventsQueue, layGround, nameThePortal, registerApp } from './ground.ts';
import { layListeners } from './listeners.ts';
import { type Classroom, StartFault } from './options.ts';
import { type Origins, originsOf } from './origins.ts';
import { rememberedPorts } from './ports.ts';
import { type Postgres, startPostgres } from './postgres.ts';

const region = 'us-east-1';
const top = path.join(import.meta.dirname, '..', '..');

/** What the services are started with. */
export interface ServicesOptions {
  readonly data: DataFolder;
  /** The one port of portal and workspaces. */
  readonly port: number;
  readonly email: string;
  /** Another PostgreSQL than one of our own. */
  readonly databaseUrl: string | undefined;
  /** All workspaces share one host, by path. */
  readonly pathRouting?: boolean;
  /** Serves other computers, over TLS. */
  readonly classroom?: ServedClassroom | undefined;
  /** Script of the local AWS's process. */
  readonly awsScript: string;
  readonly images: { readonly gate: string; readonly ide: string };
  /** Makes balancers beside the ground's own, for more workspaces at once than one has places for. */
  readonly moreBalancers?: (options: GroundOptions, ground: Ground) => Promise<readonly Balancer[]>;
  /** Told to the local AWS's process over IPC at each of its starts. */
  readonly greeting?: () => object | undefined;
  /** Called as each step is done, and when a program is started again. */
  readonly report: (line: string) => void;
}

/** A class that other computers reach. */
export interface ServedClassroom extends Classroom {
  /** Port from which browsers are sent on to TLS; undefined: none. */
  readonly redirectPort: number | undefined;
}

/** A listener, and the host suffix of the workspaces behind it. */
export interface Balancer {
  readonly listenerArn: string;
  readonly domain: string;
  readonly path?: boolean;
}

/** PostgreSQL, local AWS, API and controller, each a process of its own, all running. */
export interface Services {
  readonly portalUrl: string;
  readonly ground: Ground;
  readonly groundOptions: GroundOptions;
  readonly databaseUrl: string;
  /** Reaches the local AWS's process over IPC. */
  tell(message: object): void;
  /** Rejects when PostgreSQL ends by itself: nothing can go on without it. */
  readonly databaseLost: Promise<never>;
  /** Ends them all, last started first. */
  stop(): Promise<void>;
}

/** Starts the services and resolves once the portal answers. What was started is ended again when anything fails. */
export async function startServices(options: ServicesOptions, signal: AbortSignal): Promise<Services> {
  const { data } = options;
  const children: Child[] = [];
  let postgres: Postgres | undefined;
  const stop = async () => {
    for (const child of children.toReversed()) await child.stop();
    await postgres?.stop();
  };
  try {
    endLeftovers(data.logs);
    const ports = await rememberedPorts(path.join(data.root, 'ports.json'));
    const { classroom, port, pathRouting = false } = options;
    const origins = originsOf({ port, domain: classroom?.domain, pathRouting });
    const { portalUrl } = origins;
    const awsUrl = `http://127.0.0.1:${ports.aws}`;
    const database = options.databaseUrl
      ? undefined
      : startPostgres({ directory: data.postgres, stage: data.stage, durable: true });
    const aws = startAws(options, ports.aws, origins);
    children.push(aws);
    // Both are waited for whatever happens, so that a failure of one leaves no orphan of the other.
    const [started, answers] = await Promise.allSettled([database, answering({ url: awsUrl }, signal)]);
    if (started.status === 'rejected') throw started.reason;
    postgres = started.value;
    options.report(postgres ? 'PostgreSQL is ready' : 'PostgreSQL of DATABASE_URL is used');
    if (answers.status === 'rejected') throw answers.reason;
    options.report('Local AWS is ready');
    const groundOptions: GroundOptions = {
      endpoint: awsUrl,
      region,
      credentials: { accessKeyId: data.secrets.awsAccessKeyId, secretAccessKey: data.secrets.awsSecretAccessKey },
      file: data.ground,
      portalUrl,
      instructor: { email: options.email, password: data.secrets.firstPassword },
    };
    const ground = await layGround(groundOptions);
    await nameThePortal(groundOptions, ground);
    await layListeners(groundOptions, ground, classroom && { port });
    await registerApp(groundOptions, ground, ports.api);
    const eventsQueueUrl = await layEventsQueue(groundOptions);
    const own: Balancer = {
      listenerArn: ground.listenerArn,
      domain: origins.workspacesDomain,
      ...(pathRouting ? { path: true } : {}),
    };
    const balancers = [own, ...((await options.moreBalancers?.(groundOptions, ground)) ?? [])];
    const databaseUrl = postgres?.url ?? options.databaseUrl ?? '';
    const environment = environmentOf(options, {
      ground,
      balancers,
      databaseUrl,
      portalUrl,
      apiPort: ports.api,
      awsUrl,
      eventsQueueUrl,
    });
    for (const [name, script] of [
      ['api', 'api/http/server.ts'],
      ['controller', 'controller/main.ts'],
    ] as const)
      children.push(startChild({ name, script: path.join(top, script), environment }, data.logs, restarted(options)));
    const certificate = classroom && readFileSync(classroom.cert, 'utf8');
    await answering({ url: `${portalUrl}/healthz`, certificate }, signal);
    options.report(`Portal answers at ${portalUrl}`);
    return {
      portalUrl,
      ground,
      groundOptions,
      databaseUrl,
      tell: message => aws.send(message),
      databaseLost: lossOf(postgres),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startAws(options: ServicesOptions, port: number, { names }: Origins): Child {
  const { data, classroom } = options;
  const tls: TlsSettings | undefined = classroom && { ...classroom, names };
  const environment = {
    ARMADA_LOCAL_DATA: data.root,
    ARMADA_LOCAL_PUBLIC_PORT: String(options.port),
    ARMADA_LOCAL_AWS_PORT: String(port),
    ARMADA_LOCAL_OUTBOX_TOKEN: data.secrets.outboxToken,
    ...(tls ? { ARMADA_LOCAL_TLS: JSON.stringify(tls) } : {}),
    AWS_ACCESS_KEY_ID: data.secrets.awsAccessKeyId,
    AWS_SECRET_ACCESS_KEY: data.secrets.awsSecretAccessKey,
    // Where the engine of the docker driver is.
    ...(process.env['DOCKER_HOST'] ? { DOCKER_HOST: process.env['DOCKER_HOST'] } : {}),
  };
  const program = { name: 'aws', script: options.awsScript, environment, greeting: options.greeting };
  return startChild(program, data.logs, restarted(options));
}

function restarted(options: ServicesOptions): (name: string, how: string) => void {
  return (name, how) =>
    options.report(`${name} ended (${how}) and is started again; its log: ${options.data.logs}/${name}.log`);
}

function lossOf(postgres: Postgres | undefined): Promise<never> {
  const loss = new Promise<never>((_, reject) => {
    void postgres?.exited.then(() => reject(new StartFault('PostgreSQL ended by itself. Start again with npm start.')));
  });
  // It ends at every stop too, when nobody listens any more.
  loss.catch(() => undefined);
  return loss;
}

interface Parts {
  readonly ground: Ground;
  readonly balancers: readonly Balancer[];
  readonly databaseUrl: string;
  readonly portalUrl: string;
  readonly apiPort: number;
  readonly awsUrl: string;
  readonly eventsQueueUrl: string;
}

/** The settings of API and controller: the same that a task definition carries on AWS. */
function environmentOf({ data, images }: ServicesOptions, parts: Parts): Record<string, string> {
  const { ground, balancers, databaseUrl, portalUrl, apiPort, awsUrl, eventsQueueUrl } = parts;
  return {
    NODE_ENV: 'production',
    DATABASE_URL: databaseUrl,
    AWS_REGION: region,
    AWS_ENDPOINT_URL: awsUrl,
    AWS_ACCESS_KEY_ID: data.secrets.awsAccessKeyId,
    AWS_SECRET_ACCESS_KEY: data.secrets.awsSecretAccessKey,
    ARMADA_CLUSTER: ground.cluster,
    ARMADA_VPC_ID: ground.vpcId,
    ARMADA_BALANCERS: JSON.stringify(balancers),
    ARMADA_FILE_SYSTEM_ID: ground.fileSystemId,
    ARMADA_USER_POOL_ID: ground.userPoolId,
    ARMADA_USER_POOL_CLIENT_ID: ground.userPoolClientId,
    ARMADA_PORTAL_URL: portalUrl,
    ARMADA_HEARTBEAT_URL: `http://127.0.0.1:${apiPort}`,
    ARMADA_GATE_IMAGE: images.gate,
    ARMADA_IDE_IMAGE: images.ide,
    ARMADA_RATES: 'off',
    ARMADA_EVENTS_QUEUE_URL: eventsQueueUrl,
    ARMADA_SECRET: data.secrets.armadaSecret,
    ARMADA_OPERATOR_TOKEN: data.secrets.operatorToken,
    ARMADA_OUTBOX_URL: `${awsUrl}/_outbox/${data.secrets.outboxToken}`,
    ...(process.getuid?.() === 0 ? {} : { ARMADA_UNWALLED: '1' }),
    PORT: String(apiPort),
  };
}
