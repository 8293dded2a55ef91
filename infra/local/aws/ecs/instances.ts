import type {
  ContainerInstance,
  DescribeContainerInstancesRequest,
  DescribeContainerInstancesResponse,
  ListContainerInstancesRequest,
  ListContainerInstancesResponse,
  Resource,
} from '@aws-sdk/client-ecs';
import { arnOf, date, lastPart, newEc2InstanceId, newTaskId, pageOf } from './names.ts';
import type { ClusterRecord, InstanceRecord, Size, TaskRecord } from './records.ts';
import type { Store } from './store.ts';

/** How big container instances are and how many there may be, as an auto scaling group's settings. */
export interface InstanceOptions extends Size {
  readonly min: number;
  readonly max: number;
  /** From wanting an instance to having it; AWS takes minutes, a machine's own memory is there at once. */
  readonly bootMilliseconds?: number;
  /** How long an instance must be empty to be taken away. */
  readonly cooldownMilliseconds?: number;
}

/** Long enough that a waiting person is told why, short enough not to matter. */
const defaultBoot = 1_000;
/** Managed scaling waits for 15 one-minute data points before it scales in. Source: AWS, "Deep dive on Amazon ECS cluster auto scaling". */
const defaultCooldown = 15 * 60_000;
const perPage = 100;

/** Where a task goes, or the sentence with which AWS says why it goes nowhere. */
export type Placement = { readonly instance: InstanceRecord } | { readonly refusal: string };

interface Use extends Size {
  readonly tasks: number;
}

const unused: Use = { memory: 0, cpu: 0, tasks: 0 };

/** The container instances of all clusters: placement by binpack on memory, and a fleet that grows and shrinks. */
export class Instances {
  readonly #store: Store;
  readonly #options: InstanceOptions;
  readonly #used = new Map<string, Use>();
  readonly #booting = new Map<string, number>();
  readonly #cooling = new Map<string, () => void>();
  readonly #onRoom: (cluster: string) => void;

  /** `onRoom` is called when a cluster has more room than before. */
  constructor(store: Store, options: InstanceOptions, onRoom: (cluster: string) => void) {
    this.#store = store;
    this.#options = options;
    this.#onRoom = onRoom;
  }

  of(cluster: string): InstanceRecord[] {
    return this.#store.instances.all().filter(instance => instance.cluster === cluster);
  }

  /** Makes the instances that a cluster has at the least, and lets go of those it has too many. */
  keepMinimum(cluster: ClusterRecord): void {
    for (let count = this.of(cluster.name).length; count < this.#options.min; count++) this.#register(cluster.name);
    for (const instance of this.of(cluster.name)) this.#cool(instance);
  }

  /** Finds the fullest instance with room. */
  place(cluster: string, size: Size): Placement {
    let best: { instance: InstanceRecord; left: number } | undefined;
    let closest: InstanceRecord | undefined;
    for (const instance of this.of(cluster)) {
      closest ??= instance;
      const left = this.#left(instance);
      if (left.memory < size.memory || left.cpu < size.cpu) continue;
      if (!best || left.memory < best.left) best = { instance, left: left.memory };
    }
    if (best) return { instance: best.instance };
    if (!closest) return { refusal: 'Reason: No Container Instances were found in your cluster.' };
    const lacking = this.of(cluster).every(instance => this.#left(instance).memory < size.memory)
      ? 'memory'
      : 'CPU units';
    return {
      refusal: `The closest matching (container-instance ${closest.id}) has insufficient ${lacking} available.`,
    };
  }

  reserve(instance: string, size: Size): void {
    this.#cooling.get(instance)?.();
    this.#cooling.delete(instance);
    this.#change(instance, size, 1);
  }

  /** Gives a task's room back. */
  free(instance: string, size: Size): void {
    this.#change(instance, size, -1);
    const record = this.#store.instances.get(instance);
    if (!record) return;
    this.#cool(record);
    this.#onRoom(record.cluster);
  }

  /** Asks for as many instances as the waiting tasks need, up to the maximum. */
  grow(cluster: string, waiting: readonly Size[]): void {
    const { min: _, max, bootMilliseconds = defaultBoot, ...size } = this.#options;
    const bins: Size[] = [];
    for (const wanted of waiting) {
      if (wanted.memory > size.memory || wanted.cpu > size.cpu) continue;
      const index = bins.findIndex(bin => bin.memory >= wanted.memory && bin.cpu >= wanted.cpu);
      const bin = bins[index] ?? size;
      bins[index === -1 ? bins.length : index] = { memory: bin.memory - wanted.memory, cpu: bin.cpu - wanted.cpu };
    }
    const booting = this.#booting.get(cluster) ?? 0;
    const more = Math.min(bins.length, max - this.of(cluster).length) - booting;
    if (more <= 0) return;
    this.#booting.set(cluster, booting + more);
    this.#store.clock.after(bootMilliseconds, () => {
      this.#booting.set(cluster, (this.#booting.get(cluster) ?? 0) - more);
      for (let count = 0; count < more; count++) this.#cool(this.#register(cluster));
      this.#onRoom(cluster);
    });
  }

  /** Calls off every timer. */
  stop(): void {
    for (const cancel of this.#cooling.values()) cancel();
    this.#cooling.clear();
  }

  list(input: ListContainerInstancesRequest): ListContainerInstancesResponse {
    const cluster = this.#store.cluster(input.cluster);
    const found = this.#store.instances.seenAll().filter(instance => instance.cluster === cluster.name);
    const { items, nextToken } = pageOf(
      found,
      ({ id }) => id,
      Math.min(input.maxResults ?? perPage, perPage),
      input.nextToken,
    );
    return { containerInstanceArns: items.map(({ arn }) => arn), nextToken };
  }

  describe(input: DescribeContainerInstancesRequest): DescribeContainerInstancesResponse {
    const cluster = this.#store.cluster(input.cluster);
    const containerInstances: ContainerInstance[] = [];
    const failures: { arn: string; reason: string }[] = [];
    for (const reference of input.containerInstances ?? []) {
      const found = this.#store.instances.seen(lastPart(reference));
      if (found?.cluster === cluster.name) containerInstances.push(this.#shown(found));
      else
        failures.push({
          arn: arnOf(this.#store.place, `container-instance/${cluster.name}/${lastPart(reference)}`),
          reason: 'MISSING',
        });
    }
    return { containerInstances, failures };
  }

  #register(cluster: string): InstanceRecord {
    const id = newTaskId();
    const { memory, cpu } = this.#options;
    return this.#store.instances.put(id, {
      id,
      arn: arnOf(this.#store.place, `container-instance/${cluster}/${id}`),
      cluster,
      ec2InstanceId: newEc2InstanceId(),
      size: { memory, cpu },
      registeredAt: this.#store.clock.now(),
    });
  }

  #left({ id, size }: InstanceRecord): Size {
    const used = this.#used.get(id) ?? unused;
    return { memory: size.memory - used.memory, cpu: size.cpu - used.cpu };
  }

  #change(instance: string, size: Size, sign: 1 | -1): void {
    const used = this.#used.get(instance) ?? unused;
    this.#used.set(instance, {
      memory: used.memory + sign * size.memory,
      cpu: used.cpu + sign * size.cpu,
      tasks: used.tasks + sign,
    });
  }

  #isEmpty(instance: string): boolean {
    return (this.#used.get(instance)?.tasks ?? 0) === 0;
  }

  /** Takes an empty instance away after a while, if there are more than the least. */
  #cool({ id, cluster }: InstanceRecord): void {
    if (!this.#isEmpty(id) || this.#cooling.has(id) || this.of(cluster).length <= this.#options.min) return;
    const cancel = this.#store.clock.after(this.#options.cooldownMilliseconds ?? defaultCooldown, () => {
      this.#cooling.delete(id);
      if (!this.#isEmpty(id) || this.of(cluster).length <= this.#options.min) return;
      this.#store.instances.delete(id);
      this.#used.delete(id);
    });
    this.#cooling.set(id, cancel);
  }

  #shown(instance: InstanceRecord): ContainerInstance {
    const tasks = this.#store.tasksSeen().filter(task => task.instance === instance.id);
    return {
      containerInstanceArn: instance.arn,
      ec2InstanceId: instance.ec2InstanceId,
      capacityProviderName: this.#store.clusters.get(instance.cluster)?.capacityProviders[0],
      version: 1,
      status: 'ACTIVE',
      agentConnected: true,
      registeredResources: resources(instance.size),
      remainingResources: resources(this.#left(instance)),
      runningTasksCount: tasks.filter(({ lastStatus }) => lastStatus === 'RUNNING').length,
      pendingTasksCount: tasks.filter(isPending).length,
      registeredAt: date(instance.registeredAt),
      attributes: [],
      tags: [],
    };
  }
}

function isPending({ lastStatus }: TaskRecord): boolean {
  return lastStatus === 'PROVISIONING' || lastStatus === 'PENDING' || lastStatus === 'ACTIVATING';
}

function resources({ memory, cpu }: Size): Resource[] {
  return [
    { name: 'CPU', type: 'INTEGER', integerValue: cpu },
    { name: 'MEMORY', type: 'INTEGER', integerValue: memory },
  ];
}
