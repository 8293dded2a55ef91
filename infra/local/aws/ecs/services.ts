import { randomUUID } from 'node:crypto';
import type {
  CreateServiceRequest,
  CreateServiceResponse,
  DeleteServiceRequest,
  DeleteServiceResponse,
  DescribeServicesRequest,
  DescribeServicesResponse,
  ListServicesRequest,
  ListServicesResponse,
  Service,
  UpdateServiceRequest,
  UpdateServiceResponse,
} from '@aws-sdk/client-ecs';
import type { TargetGroups } from '../ports.ts';
import { AwsError } from '../protocol.ts';
import { newDeployment, withNewDeployment } from './deployments.ts';
import { arnOf, lastPart, pageOf } from './names.ts';
import type { ClusterRecord, ServiceRecord, ServiceSettings } from './records.ts';
import { checkCreation, checkSettings, usableDefinition } from './service-rules.ts';
import { showService } from './service-view.ts';
import type { Store } from './store.ts';

/** Source: the SDK's comments on DescribeServices and ListServices. */
const namesPerCall = 10;
const perPage = 100;
const defaultPerPage = 10;

/** The operations on services; what they write, the scheduler brings about. */
export class Services {
  readonly #store: Store;
  readonly #targetGroups: TargetGroups;
  readonly #wake: (key: string) => void;

  constructor(store: Store, targetGroups: TargetGroups, wake: (key: string) => void) {
    this.#store = store;
    this.#targetGroups = targetGroups;
    this.#wake = wake;
  }

  create(input: CreateServiceRequest): CreateServiceResponse {
    const cluster = this.#store.cluster(input.cluster);
    checkCreation(input);
    const key = this.#store.serviceKey(cluster, input.serviceName);
    const { clientToken, ...rest } = input;
    const creation = canonical(rest);
    const existing = this.#store.services.get(key);
    if (existing?.status === 'DRAINING')
      throw new AwsError('InvalidParameterException', 'Unable to Start a service that is still Draining.');
    if (existing?.status === 'ACTIVE') return { service: this.#shown(repeated(existing, creation, clientToken)) };
    const settings = this.#newSettings(input, cluster);
    const now = this.#store.clock.now();
    const service = this.#store.services.put(key, {
      key,
      uid: randomUUID(),
      cluster: cluster.name,
      name: input.serviceName ?? '',
      arn: arnOf(this.#store.place, `service/${key}`),
      status: 'ACTIVE',
      createdAt: now,
      clientToken,
      creation,
      updated: false,
      settings,
      deployments: [newDeployment(settings, now)],
      runningCount: 0,
      pendingCount: 0,
      events: [],
      steady: false,
      failures: 0,
      retryAt: 0,
      tags: input.tags ?? [],
    });
    this.#wake(key);
    return { service: this.#shown(service) };
  }

  update(input: UpdateServiceRequest): UpdateServiceResponse {
    const service = this.#find(input.cluster, input.service);
    if (service.status !== 'ACTIVE') throw new AwsError('ServiceNotActiveException', 'Service was not ACTIVE.');
    if (input.capacityProviderStrategy && !input.forceNewDeployment)
      throw new AwsError(
        'InvalidParameterException',
        'To change the capacity provider strategy of a service you must force a new deployment.',
      );
    const settings = this.#changed(service.settings, input);
    const old = service.settings;
    const deploys =
      input.forceNewDeployment === true ||
      settings.taskDefinition !== old.taskDefinition ||
      canonical(settings.loadBalancers) !== canonical(old.loadBalancers) ||
      canonical(settings.shown.networkConfiguration) !== canonical(old.shown.networkConfiguration);
    const resized = settings.desiredCount !== old.desiredCount;
    const next: ServiceRecord = {
      ...service,
      settings,
      updated: true,
      deployments: deploys ? withNewDeployment(service, settings, this.#store.clock.now()) : service.deployments,
      steady: service.steady && !deploys && !resized,
      ...(deploys || resized ? { failures: 0, retryAt: 0 } : {}),
    };
    this.#store.services.put(service.key, next);
    this.#wake(service.key);
    return { service: this.#shown(next) };
  }

  delete(input: DeleteServiceRequest): DeleteServiceResponse {
    const service = this.#find(input.cluster, input.service);
    if (service.status === 'INACTIVE') throw new AwsError('ServiceNotFoundException', 'Service not found.');
    if (service.status === 'DRAINING') return { service: this.#shown(service) };
    if (service.settings.desiredCount > 0 && !input.force)
      throw new AwsError('InvalidParameterException', 'The service cannot be stopped while it is scaled above 0.');
    const settings = { ...service.settings, desiredCount: 0 };
    const next: ServiceRecord = { ...service, settings, status: 'DRAINING' };
    this.#store.services.put(service.key, next);
    this.#wake(service.key);
    return { service: this.#shown(next) };
  }

  describe(input: DescribeServicesRequest): DescribeServicesResponse {
    const cluster = this.#store.cluster(input.cluster);
    const references = input.services ?? [];
    if (references.length === 0) throw new AwsError('InvalidParameterException', 'Services cannot be empty.');
    if (references.length > namesPerCall)
      throw new AwsError('InvalidParameterException', 'Services cannot have more than 10 elements.');
    const services: Service[] = [];
    const failures: { arn: string; reason: string }[] = [];
    for (const reference of references) {
      const key = this.#store.serviceKey(cluster, reference);
      const found = this.#store.services.seen(key);
      if (found) services.push(showService(this.#store, found, input.include?.includes('TAGS') ?? false));
      else failures.push({ arn: arnOf(this.#store.place, `service/${key}`), reason: 'MISSING' });
    }
    return { services, failures };
  }

  list(input: ListServicesRequest): ListServicesResponse {
    const cluster = this.#store.cluster(input.cluster);
    const found = this.#store.services
      .seenAll()
      .filter(service => service.cluster === cluster.name && service.status === 'ACTIVE')
      .filter(service => !input.launchType || service.settings.shown.launchType === input.launchType);
    const limit = Math.min(input.maxResults ?? defaultPerPage, perPage);
    const { items, nextToken } = pageOf(found, ({ key }) => key, limit, input.nextToken);
    return { serviceArns: items.map(({ arn }) => arn), nextToken };
  }

  /** Forgets services that have been INACTIVE since before a time; answers whether others remain. */
  forget(before: number): boolean {
    let remain = false;
    for (const service of this.#store.services.all()) {
      if (service.inactiveAt === undefined || service.status !== 'INACTIVE') continue;
      if (service.inactiveAt > before) remain = true;
      else this.#store.services.delete(service.key);
    }
    return remain;
  }

  #find(clusterName: string | undefined, reference: string | undefined): ServiceRecord {
    const cluster = this.#store.cluster(clusterName);
    const found = this.#store.services.get(this.#store.serviceKey(cluster, reference));
    if (!found) throw new AwsError('ServiceNotFoundException', 'Service not found.');
    return found;
  }

  #newSettings(input: CreateServiceRequest, cluster: ClusterRecord): ServiceSettings {
    const definition = usableDefinition(this.#store, input.taskDefinition);
    const { launchType, capacityProviderStrategy } = input;
    const strategy =
      capacityProviderStrategy ??
      (launchType || cluster.defaultStrategy.length === 0 ? undefined : [...cluster.defaultStrategy]);
    const settings: ServiceSettings = {
      desiredCount: input.desiredCount ?? 0,
      taskDefinition: definition.arn,
      loadBalancers: input.loadBalancers ?? [],
      deployment: {
        maximumPercent: 200,
        minimumHealthyPercent: 100,
        deploymentCircuitBreaker: { enable: false, rollback: false },
        ...input.deploymentConfiguration,
      },
      graceSeconds: input.healthCheckGracePeriodSeconds,
      shown: {
        launchType: strategy ? undefined : (launchType ?? 'EC2'),
        capacityProviderStrategy: strategy,
        placementConstraints: input.placementConstraints ?? [],
        placementStrategy: input.placementStrategy ?? [],
        networkConfiguration: input.networkConfiguration,
        availabilityZoneRebalancing: input.availabilityZoneRebalancing ?? 'ENABLED',
        enableECSManagedTags: input.enableECSManagedTags ?? false,
        enableExecuteCommand: input.enableExecuteCommand ?? false,
        propagateTags: input.propagateTags ?? 'NONE',
      },
    };
    checkSettings(this.#store, this.#targetGroups, settings, definition);
    return settings;
  }

  #changed(old: ServiceSettings, input: UpdateServiceRequest): ServiceSettings {
    const { shown } = old;
    const reference = input.taskDefinition;
    const definition = reference
      ? usableDefinition(this.#store, reference)
      : this.#store.definition(old.taskDefinition);
    const settings: ServiceSettings = {
      desiredCount: input.desiredCount ?? old.desiredCount,
      taskDefinition: definition?.arn ?? old.taskDefinition,
      loadBalancers: input.loadBalancers ?? old.loadBalancers,
      deployment: { ...old.deployment, ...input.deploymentConfiguration },
      graceSeconds: input.healthCheckGracePeriodSeconds ?? old.graceSeconds,
      shown: {
        launchType: input.capacityProviderStrategy ? undefined : shown.launchType,
        capacityProviderStrategy: input.capacityProviderStrategy ?? shown.capacityProviderStrategy,
        placementConstraints: input.placementConstraints ?? shown.placementConstraints,
        placementStrategy: input.placementStrategy ?? shown.placementStrategy,
        networkConfiguration: input.networkConfiguration ?? shown.networkConfiguration,
        availabilityZoneRebalancing: input.availabilityZoneRebalancing ?? shown.availabilityZoneRebalancing,
        enableECSManagedTags: input.enableECSManagedTags ?? shown.enableECSManagedTags,
        enableExecuteCommand: input.enableExecuteCommand ?? shown.enableExecuteCommand,
        propagateTags: input.propagateTags ?? shown.propagateTags,
      },
    };
    checkSettings(this.#store, this.#targetGroups, settings, definition);
    return settings;
  }

  #shown(service: ServiceRecord): Service {
    return showService(this.#store, service, true);
  }
}

/** What a repeated CreateService answers: the service there is, if the request is the same one; else a refusal. */
function repeated(existing: ServiceRecord, creation: string, token: string | undefined): ServiceRecord {
  const same = existing.creation === creation;
  const sameRequest = same && token !== undefined && token === existing.clientToken;
  if (sameRequest || (same && !existing.updated)) return existing;
  throw new AwsError('InvalidParameterException', 'Creation of service was not idempotent.');
}

/** JSON that is equal for equal values, whatever the order of their members. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (key, member: unknown) => {
    if (key === 'cluster' || key === 'taskDefinition') return lastPart(String(member));
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member;
    return Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
