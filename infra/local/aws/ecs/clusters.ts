import type {
  CapacityProvider,
  Cluster,
  CreateCapacityProviderRequest,
  CreateCapacityProviderResponse,
  CreateClusterRequest,
  CreateClusterResponse,
  DescribeCapacityProvidersRequest,
  DescribeCapacityProvidersResponse,
  DescribeClustersRequest,
  DescribeClustersResponse,
  PutClusterCapacityProvidersRequest,
  PutClusterCapacityProvidersResponse,
} from '@aws-sdk/client-ecs';
import { AwsError } from '../protocol.ts';
import type { Instances } from './instances.ts';
import { arnOf, isName, lastPart } from './names.ts';
import type { CapacityProviderRecord, ClusterRecord } from './records.ts';
import type { Store } from './store.ts';

/** Clusters and their capacity providers. A new cluster has its instances at once, as if its auto scaling group were up. */
export class Clusters {
  readonly #store: Store;
  readonly #instances: Instances;

  constructor(store: Store, instances: Instances) {
    this.#store = store;
    this.#instances = instances;
  }

  create(input: CreateClusterRequest): CreateClusterResponse {
    const name = input.clusterName ?? 'default';
    if (!isName(name)) throw new AwsError('InvalidParameterException', 'Identifier was not in the expected format');
    const existing = this.#store.clusters.get(name);
    const cluster = existing ?? this.#store.clusters.put(name, this.#record(name, input));
    if (!existing) this.#instances.keepMinimum(cluster);
    return { cluster: this.#shown(cluster, true) };
  }

  describe(input: DescribeClustersRequest): DescribeClustersResponse {
    const names = (input.clusters?.length ? input.clusters : ['default']).map(lastPart);
    const found = names.map(name => this.#store.clusters.seen(name)).filter(cluster => cluster !== undefined);
    const missing = names.filter(name => !this.#store.clusters.seen(name));
    return {
      clusters: found.map(cluster => this.#shown(cluster, input.include?.includes('TAGS') ?? false)),
      failures: missing.map(name => ({ arn: arnOf(this.#store.place, `cluster/${name}`), reason: 'MISSING' })),
    };
  }

  createProvider(input: CreateCapacityProviderRequest): CreateCapacityProviderResponse {
    const name = input.name ?? '';
    if (!isName(name) || /^(aws|ecs|fargate)/i.test(name))
      throw new AwsError('InvalidParameterException', 'The specified capacity provider name is not valid.');
    const group = input.autoScalingGroupProvider?.autoScalingGroupArn;
    if (!group) throw new AwsError('InvalidParameterException', 'An auto scaling group must be specified.');
    if (this.#store.providers.get(name))
      throw new AwsError(
        'InvalidParameterException',
        `The specified capacity provider already exists. To change the configuration of an existing capacity provider, update the capacity provider.`,
      );
    const record: CapacityProviderRecord = {
      name,
      arn: arnOf(this.#store.place, `capacity-provider/${name}`),
      group: { autoScalingGroupArn: group },
      tags: input.tags ?? [],
    };
    return { capacityProvider: providerShown(this.#store.providers.put(name, record)) };
  }

  describeProviders(input: DescribeCapacityProvidersRequest): DescribeCapacityProvidersResponse {
    const names = input.capacityProviders?.map(lastPart);
    const found = names
      ? names.map(name => this.#store.providers.seen(name)).filter(provider => provider !== undefined)
      : this.#store.providers.seenAll();
    const missing = names?.filter(name => !this.#store.providers.seen(name)) ?? [];
    return {
      capacityProviders: found.map(providerShown),
      failures: missing.map(name => ({
        arn: arnOf(this.#store.place, `capacity-provider/${name}`),
        reason: 'MISSING',
      })),
    };
  }

  putProviders(input: PutClusterCapacityProvidersRequest): PutClusterCapacityProvidersResponse {
    const cluster = this.#store.cluster(input.cluster);
    const providers = input.capacityProviders ?? [];
    for (const name of providers) this.#provider(name);
    const next = {
      ...cluster,
      capacityProviders: providers,
      defaultStrategy: strategyOf(input.defaultCapacityProviderStrategy),
    };
    return { cluster: this.#shown(this.#store.clusters.put(cluster.name, next), true) };
  }

  #provider(name: string): void {
    if (this.#store.providers.get(lastPart(name))) return;
    throw new AwsError('InvalidParameterException', `The specified capacity provider '${name}' was not found.`);
  }

  #record(name: string, input: CreateClusterRequest): ClusterRecord {
    for (const provider of input.capacityProviders ?? []) this.#provider(provider);
    return {
      name,
      arn: arnOf(this.#store.place, `cluster/${name}`),
      capacityProviders: input.capacityProviders ?? [],
      defaultStrategy: strategyOf(input.defaultCapacityProviderStrategy),
      tags: input.tags ?? [],
    };
  }

  #shown(cluster: ClusterRecord, tags: boolean): Cluster {
    const tasks = this.#store.tasksSeen().filter(task => task.cluster === cluster.name);
    return {
      clusterArn: cluster.arn,
      clusterName: cluster.name,
      status: 'ACTIVE',
      registeredContainerInstancesCount: this.#instances.of(cluster.name).length,
      runningTasksCount: tasks.filter(task => task.lastStatus === 'RUNNING').length,
      pendingTasksCount: tasks.filter(task => ['PROVISIONING', 'PENDING', 'ACTIVATING'].includes(task.lastStatus))
        .length,
      activeServicesCount: this.#store.services
        .seenAll()
        .filter(s => s.cluster === cluster.name && s.status === 'ACTIVE').length,
      capacityProviders: [...cluster.capacityProviders],
      defaultCapacityProviderStrategy: [...cluster.defaultStrategy],
      tags: tags ? [...cluster.tags] : [],
    };
  }
}

function strategyOf(items: CreateClusterRequest['defaultCapacityProviderStrategy']): ClusterRecord['defaultStrategy'] {
  return (items ?? []).map(item => ({
    capacityProvider: item.capacityProvider ?? '',
    weight: item.weight ?? 0,
    base: item.base ?? 0,
  }));
}

function providerShown(provider: CapacityProviderRecord): CapacityProvider {
  return {
    capacityProviderArn: provider.arn,
    name: provider.name,
    status: 'ACTIVE',
    autoScalingGroupProvider: { ...provider.group },
    tags: [...provider.tags],
    type: 'EC2_AUTOSCALING',
  };
}
