import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { ECSClient } from '@aws-sdk/client-ecs';
import { EFSClient } from '@aws-sdk/client-efs';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';

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
}

/** After this a call counts as failed: its answer may be lost, and repeating it is safe. */
const requestTimeoutMilliseconds = 10_000;
const connectionTimeoutMilliseconds = 3_000;
/** One try and two repeats; the loop's backoff does the rest. */
const maxAttempts = 3;
/** More calls at once than our concurrency ever has. */
const maxSockets = 50;

/** Makes the clients; one set per process, so that connections are shared. */
export function createClients(options: ClientsOptions = {}): Clients {
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
  return {
    ...clients,
    destroy() {
      for (const client of Object.values(clients)) client.destroy();
      configuration.requestHandler.httpAgent.destroy();
      configuration.requestHandler.httpsAgent.destroy();
    },
  };
}
