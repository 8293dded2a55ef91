import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { ECSClient } from '@aws-sdk/client-ecs';
import { EFSClient } from '@aws-sdk/client-efs';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Gateway, PacedService } from './rates.ts';

/** The four AWS clients of the reconcilers. */
export interface Clients {
  readonly ecs: ECSClient;
  readonly elb: ElasticLoadBalancingV2Client;
  readonly efs: EFSClient;
  readonly cognito: CognitoIdentityProviderClient;
  /** Closes their sockets. */
  destroy(): void;
}

/** Where to find AWS and as whom; what is left out comes from the SDK's own environment. */
export interface ClientsOptions {
  readonly endpoint?: string;
  readonly region?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Lets each attempt through, repeats and further pages included; left out: they go at once. */
  readonly gateway?: Gateway;
}

/** After this a call counts as failed: its answer may be lost, and repeating it is safe. */
const requestTimeoutMilliseconds = 10_000;
const connectionTimeoutMilliseconds = 3_000;
/** One try and two repeats; the loop's backoff does the rest. */
const maxAttempts = 3;
/** More calls at once than our concurrency ever has. */
const maxSockets = 50;

/** Makes the clients; one set per process, so that connections are shared. */
export function createClients({ gateway, ...options }: ClientsOptions = {}): Clients {
  const agent = { keepAlive: true, maxSockets };
  const configuration = {
    ...options,
    maxAttempts,
    requestHandler: {
      requestTimeout: requestTimeoutMilliseconds,
      connectionTimeout: connectionTimeoutMilliseconds,
      throwOnRequestTimeout: true,
      httpAgent: new HttpAgent(agent),
      httpsAgent: new HttpsAgent(agent),
    },
  };
  const clients = {
    ecs: new ECSClient(configuration),
    elb: new ElasticLoadBalancingV2Client(configuration),
    efs: new EFSClient(configuration),
    cognito: new CognitoIdentityProviderClient(configuration),
  };
  if (gateway) install(gateway, clients);
  return {
    ...clients,
    destroy() {
      for (const client of Object.values(clients)) client.destroy();
      configuration.requestHandler.httpAgent.destroy();
      configuration.requestHandler.httpsAgent.destroy();
    },
  };
}

/** Below the SDK's retries, so that each attempt waits; above its signing, so that no signature ages in the line. */
const placement = { name: 'armadaRates', relation: 'after', toMiddleware: 'retryMiddleware' } as const;

function install(gateway: Gateway, { ecs, elb, efs, cognito }: Omit<Clients, 'destroy'>): void {
  ecs.middlewareStack.addRelativeTo(through(gateway, 'ecs'), placement);
  elb.middlewareStack.addRelativeTo(through(gateway, 'elb'), placement);
  efs.middlewareStack.addRelativeTo(through(gateway, 'efs'), placement);
  cognito.middlewareStack.addRelativeTo(through(gateway, 'cognito'), placement);
}

function through(gateway: Gateway, service: PacedService) {
  return <Args, Output>(next: (args: Args) => Promise<Output>, context: { readonly commandName?: string }) =>
    (args: Args): Promise<Output> =>
      gateway(service, (context.commandName ?? '').replace(/Command$/, ''), () => next(args));
}

/** AWS's id of a request, from what the SDK answered or threw; undefined where it gave none. */
export function requestIdOf(answered: unknown): string | undefined {
  const metadata = member(answered, '$metadata') ?? member(member(answered, 'output'), '$metadata');
  const id = member(metadata, 'requestId');
  return typeof id === 'string' ? id : undefined;
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
