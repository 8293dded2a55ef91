import type {
  ContainerDefinition,
  CreateServiceRequest,
  DeploymentConfiguration,
  HealthStatus,
  LoadBalancer,
  RegisterTaskDefinitionRequest,
  Tag,
  TaskStopCode,
} from '@aws-sdk/client-ecs';
import type { TargetState } from '../ports.ts';

/** Times in all records are milliseconds since 1970; records are plain JSON, for State. */
export interface ClusterRecord {
  readonly name: string;
  readonly arn: string;
  readonly capacityProviders: readonly string[];
  readonly defaultStrategy: readonly {
    readonly capacityProvider: string;
    readonly weight: number;
    readonly base: number;
  }[];
  readonly tags: readonly Tag[];
}

/** A capacity provider as it was asked for; instances come from `Instances`, whatever it says. */
export interface CapacityProviderRecord {
  readonly name: string;
  readonly arn: string;
  readonly group: { readonly autoScalingGroupArn: string };
  readonly tags: readonly Tag[];
}

export interface TaskDefinitionRecord {
  /** `family:revision`. */
  readonly key: string;
  readonly arn: string;
  readonly family: string;
  readonly revision: number;
  readonly status: 'ACTIVE' | 'INACTIVE' | 'DELETE_IN_PROGRESS';
  readonly registeredAt: number;
  readonly deregisteredAt?: number;
  readonly deleteRequestedAt?: number;
  readonly input: RegisterTaskDefinitionRequest;
  readonly tags: readonly Tag[];
}

export interface ServiceEventRecord {
  readonly id: string;
  readonly at: number;
  readonly message: string;
}

export interface DeploymentRecord {
  /** `ecs-svc/<19 digits>`. */
  readonly id: string;
  readonly status: 'PRIMARY' | 'ACTIVE';
  /** The task definition's ARN. */
  readonly taskDefinition: string;
  readonly loadBalancers: readonly LoadBalancer[];
  readonly runningCount: number;
  readonly pendingCount: number;
  readonly failedTasks: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly rolloutState: 'IN_PROGRESS' | 'COMPLETED' | 'FAILED';
  readonly rolloutStateReason: string;
}

/** What CreateService and UpdateService set, defaults filled in. */
export interface ServiceSettings {
  readonly desiredCount: number;
  readonly taskDefinition: string;
  readonly loadBalancers: readonly LoadBalancer[];
  readonly deployment: DeploymentConfiguration;
  readonly graceSeconds: number | undefined;
  /** Members that are kept and shown, and change nothing here. */
  readonly shown: Pick<
    CreateServiceRequest,
    | 'launchType'
    | 'capacityProviderStrategy'
    | 'placementConstraints'
    | 'placementStrategy'
    | 'networkConfiguration'
    | 'availabilityZoneRebalancing'
    | 'enableECSManagedTags'
    | 'enableExecuteCommand'
    | 'propagateTags'
  >;
}

export interface ServiceRecord {
  /** `cluster/name`: one record per name, replaced when the name is used again. */
  readonly key: string;
  /** Tells this service's tasks from those of an earlier service of the same name. */
  readonly uid: string;
  readonly cluster: string;
  readonly name: string;
  readonly arn: string;
  readonly status: 'ACTIVE' | 'DRAINING' | 'INACTIVE';
  readonly createdAt: number;
  readonly inactiveAt?: number;
  readonly clientToken: string | undefined;
  /** The creation's input as JSON without its token, to compare a repeated creation with. */
  readonly creation: string;
  readonly updated: boolean;
  readonly settings: ServiceSettings;
  /** Newest first; the first is PRIMARY. */
  readonly deployments: readonly DeploymentRecord[];
  readonly runningCount: number;
  readonly pendingCount: number;
  /** Newest first. */
  readonly events: readonly ServiceEventRecord[];
  readonly steady: boolean;
  /** Tasks in a row that ended soon after their start. */
  readonly failures: number;
  /** No task is started before this time. */
  readonly retryAt: number;
  readonly tags: readonly Tag[];
}

export type TaskStatus =
  | 'PROVISIONING'
  | 'PENDING'
  | 'ACTIVATING'
  | 'RUNNING'
  | 'DEACTIVATING'
  | 'STOPPING'
  | 'DEPROVISIONING'
  | 'STOPPED';

export interface PortBinding {
  readonly containerPort: number;
  readonly hostPort: number;
}

export interface ContainerRecord {
  readonly name: string;
  readonly image: string;
  readonly runtimeId: string;
  readonly lastStatus: 'PENDING' | 'RUNNING' | 'STOPPED';
  readonly exitCode?: number;
  readonly reason?: string;
  readonly healthStatus: HealthStatus;
  readonly startedAt?: number;
  readonly ports: readonly PortBinding[];
}

/** A place in a target group that this task has, and how the balancer finds it. */
export interface TaskTarget {
  readonly groupArn: string;
  readonly hostPort: number;
  readonly state: TargetState;
}

export interface TaskRecord {
  readonly id: string;
  readonly arn: string;
  readonly cluster: string;
  readonly version: number;
  /** Of which service (`key`, `uid`) and deployment; undefined for RunTask. */
  readonly service?: { readonly key: string; readonly uid: string; readonly deployment: string };
  readonly group: string;
  readonly startedBy: string | undefined;
  /** RunTask's client token, and what was asked for with it. */
  readonly token?: { readonly text: string; readonly asked: string };
  readonly definition: string;
  readonly instance: string;
  readonly reserved: Size;
  readonly lastStatus: TaskStatus;
  readonly desiredStatus: 'RUNNING' | 'STOPPED';
  readonly containers: readonly ContainerRecord[];
  readonly targets: readonly TaskTarget[];
  /** Was once running with every health check passed. */
  readonly served: boolean;
  readonly createdAt: number;
  readonly pullStartedAt?: number;
  readonly pullStoppedAt?: number;
  readonly startedAt?: number;
  readonly stoppingAt?: number;
  readonly stoppedAt?: number;
  readonly stopCode?: TaskStopCode;
  readonly stoppedReason?: string;
  readonly tags: readonly Tag[];
}

/** MiB of memory and CPU units (1024 to a core). */
export interface Size {
  readonly memory: number;
  readonly cpu: number;
}

export interface InstanceRecord {
  readonly id: string;
  readonly arn: string;
  readonly cluster: string;
  readonly ec2InstanceId: string;
  readonly size: Size;
  readonly registeredAt: number;
}

/** What placement subtracts for a task: its own size, or the sum over its containers. Source: Task definition parameters, "memory". */
export function reservedBy(definition: TaskDefinitionRecord): Size {
  const containers = definition.input.containerDefinitions ?? [];
  const sum = (amount: (container: ContainerDefinition) => number) =>
    containers.reduce((total, c) => total + amount(c), 0);
  return {
    memory: Number(definition.input.memory ?? sum(c => c.memoryReservation ?? c.memory ?? 0)),
    cpu: Number(definition.input.cpu ?? sum(c => c.cpu ?? 0)),
  };
}

/** Whether a task counts against the deployment's maximum: AWS no longer counts one whose containers are being stopped. */
export function occupies(task: TaskRecord): boolean {
  return !['STOPPING', 'DEPROVISIONING', 'STOPPED'].includes(task.lastStatus);
}

/** A task's health by its containers' checks. Source: the SDK's comment on Task.healthStatus. */
export function healthOf(
  containers: readonly ContainerRecord[],
  definition: TaskDefinitionRecord | undefined,
): HealthStatus {
  const checked = containers.filter(container => {
    const own = definition?.input.containerDefinitions?.find(candidate => candidate.name === container.name);
    return own?.healthCheck && own.essential !== false;
  });
  if (checked.length === 0) return 'UNKNOWN';
  if (checked.some(container => container.healthStatus === 'UNHEALTHY')) return 'UNHEALTHY';
  return checked.every(container => container.healthStatus === 'HEALTHY') ? 'HEALTHY' : 'UNKNOWN';
}

/** The family of a task's definition. */
export function familyOf({ definition }: TaskRecord): string {
  return definition.slice(definition.lastIndexOf('/') + 1, definition.lastIndexOf(':'));
}
