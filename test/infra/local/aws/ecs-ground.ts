import * as sdk from '@aws-sdk/client-ecs';
import type { Clock } from '../../../../infra/local/aws/clock.ts';
import type { Driver } from '../../../../infra/local/aws/ecs/driver.ts';
import { createNoneDriver, type NoneDriver } from '../../../../infra/local/aws/ecs/drivers/none.ts';
import { Ecs } from '../../../../infra/local/aws/ecs/ecs.ts';
import type { InstanceOptions } from '../../../../infra/local/aws/ecs/instances.ts';
import { Endpoint } from '../../../../infra/local/aws/endpoint.ts';
import type { Target, TargetGroups, TargetState } from '../../../../infra/local/aws/ports.ts';
import { State } from '../../../../infra/local/aws/state.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

/** Target groups without a balancer: tests say who is healthy and when a target has drained. */
export class FakeTargetGroups implements TargetGroups {
  readonly groups = new Map<string, { associated: boolean }>();
  readonly registered = new Map<string, TargetState>();
  /** What a new target is. */
  firstState: TargetState = 'healthy';
  /** Set: deregistration waits until the answer is called. */
  drains: (() => void)[] | undefined;
  readonly #listeners = new Set<(arn: string, target: Target, state: TargetState) => void>();

  find(arn: string) {
    return this.groups.get(arn);
  }

  register(arn: string, target: Target): void {
    this.registered.set(keyOf(arn, target), this.firstState);
  }

  async deregister(arn: string, target: Target): Promise<void> {
    if (this.drains) await new Promise<void>(resolve => this.drains?.push(resolve));
    this.registered.delete(keyOf(arn, target));
  }

  health(arn: string, target: Target): TargetState | undefined {
    return this.registered.get(keyOf(arn, target));
  }

  onHealth(listener: (arn: string, target: Target, state: TargetState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Every registered target becomes this. */
  become(state: TargetState): void {
    for (const key of this.registered.keys()) {
      const [arn = '', id = '', port] = key.split(' ');
      this.registered.set(key, state);
      for (const listener of this.#listeners) listener(arn, { id, port: Number(port) }, state);
    }
  }
}

function keyOf(arn: string, { id, port }: Target): string {
  return `${arn} ${id} ${port}`;
}

/** ECS on an endpoint of its own, with the real SDK client and a cluster `armada`. */
export interface EcsGround<C extends Clock = ManualClock, D extends Driver = NoneDriver> {
  readonly clock: C;
  readonly state: State;
  readonly driver: D;
  readonly targetGroups: FakeTargetGroups;
  readonly ecs: Ecs;
  readonly client: sdk.ECSClient;
  close(): Promise<void>;
}

export const groupArn = 'arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/a-1/0123456789abcdef';
const smallFleet: InstanceOptions = { memory: 4096, cpu: 4096, min: 1, max: 1 };

export interface GroundOptions<C extends Clock, D extends Driver> {
  readonly clock: C;
  readonly driver: D;
  readonly instances?: InstanceOptions;
  readonly state?: State;
}

/** Starts it on any clock and driver. */
export async function startEcs<C extends Clock, D extends Driver>(
  options: GroundOptions<C, D>,
): Promise<EcsGround<C, D>> {
  const state = options.state ?? new State(':memory:', options.clock);
  const targetGroups = new FakeTargetGroups();
  targetGroups.groups.set(groupArn, { associated: true });
  const ecs = new Ecs({
    state,
    region: 'us-east-1',
    accountId: '000000000000',
    targetGroups,
    driver: options.driver,
    instances: options.instances ?? smallFleet,
  });
  await ecs.start();
  const services = { ecs: ecs.operations, 'cognito-idp': {}, elasticfilesystem: {}, elasticloadbalancing: {} };
  const endpoint = new Endpoint({ services, authenticate: () => {} });
  const client = new sdk.ECSClient({
    endpoint: await endpoint.listen(0),
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
  await client.send(new sdk.CreateClusterCommand({ clusterName: 'armada' }));
  return {
    clock: options.clock,
    state,
    driver: options.driver,
    targetGroups,
    ecs,
    client,
    async close() {
      client.destroy();
      await endpoint.close();
      await ecs.stop();
    },
  };
}

/** Starts it without processes, on a clock that stands still. */
export function startManualEcs(instances?: InstanceOptions, state?: State, clock = new ManualClock()) {
  return startEcs({
    clock,
    driver: createNoneDriver({ clock }),
    ...(instances ? { instances } : {}),
    ...(state ? { state } : {}),
  });
}

/** A definition of one container, registered: `web` of image `app`, 512 MiB, port 8080. */
export async function register(
  { client }: Pick<EcsGround, 'client'>,
  container: Partial<sdk.ContainerDefinition> = {},
  more: Partial<sdk.RegisterTaskDefinitionCommandInput> = {},
): Promise<string> {
  const made = await client.send(
    new sdk.RegisterTaskDefinitionCommand({
      family: 'w-1',
      containerDefinitions: [
        { name: 'web', image: 'app', memory: 512, portMappings: [{ containerPort: 8080, hostPort: 0 }], ...container },
      ],
      ...more,
    }),
  );
  return made.taskDefinition!.taskDefinitionArn!;
}

/** What a workspace's service asks for. */
export function serviceInput(
  taskDefinition: string,
  more: Partial<sdk.CreateServiceCommandInput> = {},
): sdk.CreateServiceCommandInput {
  return {
    cluster: 'armada',
    serviceName: 'w-1',
    taskDefinition,
    desiredCount: 1,
    availabilityZoneRebalancing: 'DISABLED',
    deploymentConfiguration: {
      minimumHealthyPercent: 0,
      maximumPercent: 100,
      deploymentCircuitBreaker: {
        enable: true,
        rollback: false,
        resetOnHealthyTask: true,
        thresholdConfiguration: { type: 'COUNT', value: 2 },
      },
    },
    ...more,
  };
}

export const balanced: Partial<sdk.CreateServiceCommandInput> = {
  loadBalancers: [{ targetGroupArn: groupArn, containerName: 'web', containerPort: 8080 }],
  healthCheckGracePeriodSeconds: 120,
};

type HasClient = Pick<EcsGround, 'client'>;

export function createService(
  { client }: HasClient,
  taskDefinition: string,
  more: Partial<sdk.CreateServiceCommandInput> = {},
) {
  return client.send(new sdk.CreateServiceCommand(serviceInput(taskDefinition, more)));
}

export function updateService({ client }: HasClient, change: Partial<sdk.UpdateServiceCommandInput>) {
  return client.send(new sdk.UpdateServiceCommand({ cluster: 'armada', service: 'w-1', ...change }));
}

export async function describeService({ client }: HasClient, name = 'w-1'): Promise<sdk.Service> {
  const found = await client.send(
    new sdk.DescribeServicesCommand({ cluster: 'armada', services: [name], include: ['TAGS'] }),
  );
  return found.services![0]!;
}

/** Messages of a service's events, newest first, without the ids in them. */
export async function eventsOf(ground: HasClient, name = 'w-1'): Promise<string[]> {
  const { events = [] } = await describeService(ground, name);
  return events.map(({ message = '' }) => message.replaceAll(/[0-9a-f]{32}|(?<=ecs-svc\/)\d{19}/g, '…'));
}

/** All tasks of a service, the stopped ones too, oldest first. */
export async function tasksOf({ client }: HasClient, serviceName = 'w-1'): Promise<sdk.Task[]> {
  const lists = await Promise.all(
    (['STOPPED', 'RUNNING'] as const).map(desiredStatus =>
      client.send(new sdk.ListTasksCommand({ cluster: 'armada', serviceName, desiredStatus })),
    ),
  );
  const tasks = lists.flatMap(({ taskArns }) => taskArns ?? []);
  if (tasks.length === 0) return [];
  const found = await client.send(new sdk.DescribeTasksCommand({ cluster: 'armada', tasks }));
  return found.tasks!.sort((a, b) => Number(a.createdAt) - Number(b.createdAt));
}

export async function idOf(ground: HasClient): Promise<string> {
  const tasks = await tasksOf(ground);
  return tasks
    .findLast(({ desiredStatus }) => desiredStatus === 'RUNNING')!
    .taskArn!.split('/')
    .at(-1)!;
}

/** The name and message of a refusal. */
export async function refusal(call: Promise<unknown>): Promise<{ name: string; message: string }> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Error)) throw new Error('was not refused');
  return { name: error.name, message: error.message };
}
