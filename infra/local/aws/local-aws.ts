import type http from 'node:http';
import { createAuthenticate } from './authentication.ts';
import { type Clock, realClock } from './clock.ts';
import { Cognito } from './cognito/cognito.ts';
import type { Driver } from './ecs/driver.ts';
import { Ecs } from './ecs/ecs.ts';
import { Efs } from './efs/efs.ts';
import { Elb } from './elb/elb.ts';
import type { Quotas } from './elb/quotas.ts';
import type { ServedCertificate } from './elb/site.ts';
import { Endpoint } from './endpoint.ts';
import { isMatched } from './events/ecs-events.ts';
import type { FileSystems, Target } from './ports.ts';
import { ServiceQuotas } from './service-quotas/service-quotas.ts';
import { Sqs } from './sqs/sqs.ts';
import { State } from './state.ts';

export const region = 'us-east-1';
export const accountId = '000000000000';
/** EventBridge's one rule here: ECS's events go to the queue of this name, where somebody made it. */
export const eventsQueue = 'armada-events';

/** How one local AWS is set up. */
export interface LocalAwsOptions {
  /** Where it keeps its state: a path, or `:memory:`. */
  readonly stateFile: string;
  /** Where file systems' directories are; undefined: none are made. */
  readonly homes: string | undefined;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Makes the driver that runs tasks, given where homes are mounted from. */
  readonly driver: (fileSystems: FileSystems) => Driver;
  /** The auto scaling group of container instances: size of each (MiB, CPU units) and how many. */
  readonly instances: { readonly memory: number; readonly cpu: number; readonly min: number; readonly max: number };
  /** The endpoint's loopback port; 0: any. */
  readonly port: number;
  /** The real port on which a listener's port is served; undefined: none. */
  readonly listenerPort: (port: number) => number | undefined;
  /** Addresses of this machine at which listeners are served; loopback by default. */
  readonly addresses?: readonly string[];
  /** The certificate with this ARN, for HTTPS listeners. */
  readonly certificate?: (arn: string) => ServedCertificate | undefined;
  readonly clock?: Clock;
  /** Replaces the balancers' HTTP health checks where tasks are no processes. */
  readonly probe?: (target: Target) => Promise<boolean>;
  /** What of ELB's quotas was raised; AWS's defaults otherwise. */
  readonly quotas?: Partial<Quotas>;
  /** Cognito's own sender mails 50 a day; more, as with SES set up. */
  readonly mailsPerDay?: number;
  /** Opens the outbox at `/_outbox/<token>`; without it, it is closed. */
  readonly outboxToken?: string;
}

/** One local AWS: endpoint, balancers and tasks, until `close`. */
export interface LocalAws {
  readonly url: string;
  readonly endpoint: Endpoint;
  readonly state: State;
  readonly ecs: Ecs;
  readonly elb: Elb;
  readonly efs: Efs;
  readonly cognito: Cognito;
  readonly sqs: Sqs;
  close(): Promise<void>;
}

/** Starts a local AWS over its state: what ran before is started again by its services. */
export async function startLocalAws(options: LocalAwsOptions): Promise<LocalAws> {
  const state = new State(options.stateFile, options.clock ?? realClock);
  let url = '';
  const efs = new Efs({ state, root: options.homes, region, accountId });
  const { addresses, certificate, probe, quotas } = options;
  const ports = options.listenerPort;
  const elb = new Elb({ state, region, accountId, ports, addresses, certificate, probe, quotas });
  const driver = options.driver(efs);
  const sqs = new Sqs({ state, region, accountId, url: () => url });
  const ecs = new Ecs({
    state,
    region,
    accountId,
    targetGroups: elb,
    driver,
    instances: options.instances,
    publish: event =>
      sqs.deliver(eventsQueue, () => {
        const made = event();
        return isMatched(made) ? JSON.stringify(made) : undefined;
      }),
  });
  const cognito = new Cognito({ state, region, issuerBase: () => url, mailsPerDay: options.mailsPerDay });
  const endpoint = new Endpoint({
    services: {
      ecs: ecs.operations,
      elasticloadbalancing: elb.operations,
      elasticfilesystem: efs.operations,
      'cognito-idp': cognito.operations,
      servicequotas: new ServiceQuotas().operations,
      sqs: sqs.operations,
    },
    authenticate: createAuthenticate(options.credentials),
    documents: path => cognito.documents(path),
    extras: outbox(cognito, options.outboxToken),
  });
  url = await endpoint.listen(options.port);
  await elb.start();
  await ecs.start();
  return {
    url,
    endpoint,
    state,
    ecs,
    elb,
    efs,
    cognito,
    sqs,
    async close() {
      sqs.stop();
      await ecs.stop();
      await elb.stop();
      await endpoint.close();
      state.close();
    },
  };
}

/** Serves the mails to whoever holds the token: they hold passwords. */
function outbox(cognito: Cognito, token: string | undefined) {
  return (request: http.IncomingMessage, response: http.ServerResponse): boolean => {
    if (!token || request.url !== `/_outbox/${token}`) return false;
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end(JSON.stringify(cognito.outbox.list()));
    return true;
  };
}
