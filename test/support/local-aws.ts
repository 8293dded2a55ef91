import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { ECSClient } from '@aws-sdk/client-ecs';
import { EFSClient } from '@aws-sdk/client-efs';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Clock } from '../../infra/local/aws/clock.ts';
import { createNoneDriver, type NoneDriver } from '../../infra/local/aws/ecs/drivers/none.ts';
import { type LocalAws, type LocalAwsOptions, region, startLocalAws } from '../../infra/local/aws/local-aws.ts';
import { type Ground, layGround } from '../../infra/local/ground.ts';
import { anyPort } from './product.ts';

/** The SDK clients of the product, pointed at one local AWS. */
export interface Clients {
  readonly ecs: ECSClient;
  readonly elb: ElasticLoadBalancingV2Client;
  readonly efs: EFSClient;
  readonly cognito: CognitoIdentityProviderClient;
}

/** A local AWS without processes, with a deployment's ground laid on it. */
export interface TestAws {
  readonly aws: LocalAws;
  readonly driver: NoneDriver;
  readonly clients: Clients;
  readonly ground: Ground;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Port of the real balancer. */
  readonly balancerPort: number;
  close(): Promise<void>;
}

export interface TestAwsOptions {
  readonly clock?: Clock;
  /** Reads lag by this much and lists are shuffled, as AWS's may be. On unless a test says 0. */
  readonly lagMilliseconds?: number;
  readonly instances?: { readonly memory: number; readonly cpu: number; readonly min: number; readonly max: number };
  readonly portalUrl?: string;
  /** Whether the balancer finds a target healthy; it does unless a test says otherwise. */
  readonly probe?: () => Promise<boolean>;
  readonly quotas?: LocalAwsOptions['quotas'];
  readonly instructor?: { readonly email: string; readonly password: string };
}

const defaultLagMilliseconds = 40;

/** Starts one in this process, in memory, on any port; its tasks are healthy at once unless `driver.images` says otherwise. */
export async function startTestAws(options: TestAwsOptions = {}): Promise<TestAws> {
  const credentials = { accessKeyId: 'AKIATEST', secretAccessKey: 'secret-of-the-test' };
  const driver = createNoneDriver({ clock: options.clock });
  const balancerPort = await anyPort();
  const folder = await mkdtemp(path.join(os.tmpdir(), 'armada-ground-'));
  const aws = await startLocalAws({
    stateFile: ':memory:',
    homes: undefined,
    credentials,
    driver: () => driver,
    instances: options.instances ?? { memory: 1 << 20, cpu: 1 << 20, min: 1, max: 4 },
    port: 0,
    listenerPort: () => balancerPort,
    clock: options.clock,
    probe: options.probe ?? (async () => true),
    quotas: options.quotas,
    outboxToken: 'outbox-of-the-test',
  });
  const client = { endpoint: aws.url, region, credentials, maxAttempts: 1 };
  const clients: Clients = {
    ecs: new ECSClient(client),
    elb: new ElasticLoadBalancingV2Client(client),
    efs: new EFSClient(client),
    cognito: new CognitoIdentityProviderClient(client),
  };
  const ground = await layGround({
    endpoint: aws.url,
    region,
    credentials,
    file: path.join(folder, 'ground.json'),
    portalUrl: options.portalUrl ?? 'http://localhost:8080',
    instructor: options.instructor ?? { email: 'grace@school.example', password: 'one-time-password' },
  });
  await rm(folder, { recursive: true });
  aws.endpoint.calls.reset();
  Object.assign(aws.state.consistency, {
    lagMilliseconds: options.lagMilliseconds ?? defaultLagMilliseconds,
    shuffled: (options.lagMilliseconds ?? defaultLagMilliseconds) > 0,
  });
  return {
    aws,
    driver,
    clients,
    ground,
    credentials,
    balancerPort,
    async close() {
      for (const each of Object.values(clients)) each.destroy();
      await aws.close();
    },
  };
}
