import type { Deployment, DeploymentCircuitBreaker } from '@aws-sdk/client-ecs';
import { date, newDeploymentId } from './names.ts';
import type { DeploymentRecord, ServiceRecord, ServiceSettings } from './records.ts';

/** A deployment that has just begun. */
export function newDeployment(settings: ServiceSettings, now: number): DeploymentRecord {
  const id = newDeploymentId();
  return {
    id,
    status: 'PRIMARY',
    taskDefinition: settings.taskDefinition,
    loadBalancers: settings.loadBalancers,
    runningCount: 0,
    pendingCount: 0,
    failedTasks: 0,
    createdAt: now,
    updatedAt: now,
    rolloutState: 'IN_PROGRESS',
    rolloutStateReason: `ECS deployment ${id} in progress.`,
  };
}

/** The list with a new deployment on top; what was PRIMARY is now ACTIVE until its tasks are gone. */
export function withNewDeployment(service: ServiceRecord, settings: ServiceSettings, now: number): DeploymentRecord[] {
  const older = service.deployments.map(deployment => ({ ...deployment, status: 'ACTIVE' as const, updatedAt: now }));
  return [newDeployment(settings, now), ...older];
}

/**
 * How many failed tasks end a deployment; undefined without a circuit breaker. Half of the desired count, at least 3
 * and at most 200, unless the threshold is configured. Source: AWS, "Deployment circuit breaker", and the SDK's comment
 * on ThresholdConfiguration.
 */
export function failureThreshold(
  breaker: DeploymentCircuitBreaker | undefined,
  desiredCount: number,
): number | undefined {
  if (!breaker?.enable) return undefined;
  const { type = 'BOUNDED_PERCENT', value = 50 } = breaker.thresholdConfiguration ?? {};
  if (type === 'COUNT') return value;
  const share = Math.ceil((desiredCount * value) / 100);
  return type === 'UNBOUNDED_PERCENT' ? Math.max(1, share) : Math.min(200, Math.max(3, share));
}

/** A deployment as DescribeServices shows it. */
export function showDeployment(deployment: DeploymentRecord, service: ServiceRecord): Deployment {
  const primary = deployment.status === 'PRIMARY';
  return {
    id: deployment.id,
    status: deployment.status,
    taskDefinition: deployment.taskDefinition,
    desiredCount: primary ? service.settings.desiredCount : 0,
    pendingCount: deployment.pendingCount,
    runningCount: deployment.runningCount,
    failedTasks: deployment.failedTasks,
    createdAt: date(deployment.createdAt),
    updatedAt: date(deployment.updatedAt),
    launchType: service.settings.shown.launchType,
    capacityProviderStrategy: service.settings.shown.capacityProviderStrategy,
    networkConfiguration: service.settings.shown.networkConfiguration,
    rolloutState: deployment.rolloutState,
    rolloutStateReason: deployment.rolloutStateReason,
  };
}
