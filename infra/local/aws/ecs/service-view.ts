import type { Service } from '@aws-sdk/client-ecs';
import { showDeployment } from './deployments.ts';
import { arnOf, date } from './names.ts';
import type { ServiceRecord } from './records.ts';
import type { Store } from './store.ts';

/** A service as DescribeServices and its own operations show it. */
export function showService(store: Store, service: ServiceRecord, tags: boolean): Service {
  const { settings } = service;
  return {
    ...settings.shown,
    serviceArn: service.arn,
    serviceName: service.name,
    clusterArn: arnOf(store.place, `cluster/${service.cluster}`),
    status: service.status,
    taskDefinition: settings.taskDefinition,
    desiredCount: settings.desiredCount,
    runningCount: service.runningCount,
    pendingCount: service.pendingCount,
    loadBalancers: [...settings.loadBalancers],
    serviceRegistries: [],
    deploymentConfiguration: settings.deployment,
    deploymentController: { type: 'ECS' },
    schedulingStrategy: 'REPLICA',
    healthCheckGracePeriodSeconds: settings.graceSeconds ?? (settings.loadBalancers.length > 0 ? 0 : undefined),
    deployments: service.deployments.map(deployment => showDeployment(deployment, service)),
    events: service.events.map(({ id, at, message }) => ({ id, createdAt: date(at), message })),
    createdAt: date(service.createdAt),
    tags: tags ? [...service.tags] : [],
  };
}
