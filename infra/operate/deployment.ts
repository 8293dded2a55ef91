import {
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  type ECSClient,
  paginateListServices,
} from '@aws-sdk/client-ecs';
import type { Balancer } from '../../api/resources/host.ts';
import { OperateFault } from './fault.ts';

/** What a deployment stands on, as its controller's settings name it. */
export interface Deployment {
  /** ARMADA_DEPLOYMENT: value of the tag `armada:deployment` on everything that is its own. */
  readonly deployment: string;
  readonly cluster: string;
  readonly capacityProvider: string | undefined;
  readonly balancers: readonly Balancer[];
  readonly fileSystemId: string;
  readonly userPoolId: string;
  readonly userPoolClientId: string;
  readonly portalUrl: string;
}

/** The ECS service that runs the controller; absent on one machine, where it is a process. */
export interface ControllerService {
  readonly name: string;
  readonly desired: number;
  readonly environment: Readonly<Record<string, string>>;
}

const servicesPerCall = 10;
const controllerScript = 'controller/main.ts';

/** Finds, in a cluster, the service that runs the controller: the one whose command says so. */
export async function findController(ecs: ECSClient, cluster: string): Promise<ControllerService | undefined> {
  for await (const page of paginateListServices({ client: ecs, pageSize: servicesPerCall }, { cluster })) {
    const names = (page.serviceArns ?? []).filter(arn => !/\/ws-[^/]+$/.test(arn));
    if (names.length === 0) continue;
    const { services = [] } = await ecs.send(new DescribeServicesCommand({ cluster, services: names }));
    for (const service of services) {
      if (!service.taskDefinition || service.status === 'INACTIVE') continue;
      const answer = await ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: service.taskDefinition }));
      const container = answer.taskDefinition?.containerDefinitions?.find(each =>
        each.command?.includes(controllerScript),
      );
      if (!container) continue;
      const pairs = (container.environment ?? []).map(({ name, value }) => [name ?? '', value ?? ''] as const);
      return {
        name: service.serviceName ?? '',
        desired: service.desiredCount ?? 0,
        environment: Object.fromEntries(pairs),
      };
    }
  }
  return undefined;
}

const needed = ['ARMADA_CLUSTER', 'ARMADA_BALANCERS', 'ARMADA_FILE_SYSTEM_ID', 'ARMADA_USER_POOL_ID'] as const;

/**
 * The deployment that is meant: by ARMADA_* variables where they are set, else as the controller's service in the
 * cluster has them. Throws a sentence with what to do.
 */
export async function findDeployment(
  ecs: ECSClient,
  environment: Readonly<Record<string, string | undefined>>,
  cluster: string,
): Promise<Deployment> {
  const settings = environment['ARMADA_CLUSTER'] ? environment : (await findController(ecs, cluster))?.environment;
  if (!settings)
    throw new OperateFault(
      `No service in the cluster ${cluster} runs Armada's controller. Name another with --cluster, or set the ARMADA_* variables of the controller.`,
    );
  return deploymentOf(settings);
}

function deploymentOf(settings: Readonly<Record<string, string | undefined>>): Deployment {
  const missing = needed.filter(name => !settings[name]);
  if (missing.length > 0) throw new OperateFault(`${missing.join(', ')} missing. Set them as the controller has them.`);
  return {
    deployment: settings['ARMADA_DEPLOYMENT'] || 'armada',
    cluster: settings['ARMADA_CLUSTER'] ?? '',
    capacityProvider: settings['ARMADA_CAPACITY_PROVIDER'] || undefined,
    balancers: balancersOf(settings['ARMADA_BALANCERS'] ?? ''),
    fileSystemId: settings['ARMADA_FILE_SYSTEM_ID'] ?? '',
    userPoolId: settings['ARMADA_USER_POOL_ID'] ?? '',
    userPoolClientId: settings['ARMADA_USER_POOL_CLIENT_ID'] ?? '',
    portalUrl: settings['ARMADA_PORTAL_URL'] ?? '',
  };
}

function balancersOf(text: string): Deployment['balancers'] {
  try {
    const read: unknown = JSON.parse(text);
    if (Array.isArray(read) && read.every(each => typeof each?.listenerArn === 'string')) return read;
  } catch {
    // Said below.
  }
  throw new OperateFault('ARMADA_BALANCERS is not a JSON list of {"listenerArn", "domain"}. Copy the controller’s.');
}
