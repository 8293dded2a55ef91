import type { Container, Task } from '@aws-sdk/client-ecs';
import { arnOf, date } from './names.ts';
import { type ContainerRecord, healthOf, type TaskRecord } from './records.ts';
import type { Store } from './store.ts';

/** A task as DescribeTasks shows it. */
export function showTask(store: Store, task: TaskRecord, tags: boolean): Task {
  const definition = store.definition(task.definition);
  const { place } = store;
  return {
    taskArn: task.arn,
    clusterArn: arnOf(place, `cluster/${task.cluster}`),
    taskDefinitionArn: task.definition,
    containerInstanceArn: arnOf(place, `container-instance/${task.cluster}/${task.instance}`),
    capacityProviderName: store.clusters.get(task.cluster)?.capacityProviders[0],
    group: task.group,
    startedBy: task.startedBy,
    launchType: 'EC2',
    version: task.version,
    lastStatus: task.lastStatus,
    desiredStatus: task.desiredStatus,
    healthStatus: healthOf(task.containers, definition),
    connectivity: 'CONNECTED',
    connectivityAt: date(task.createdAt),
    cpu: String(task.reserved.cpu),
    memory: String(task.reserved.memory),
    createdAt: date(task.createdAt),
    pullStartedAt: date(task.pullStartedAt),
    pullStoppedAt: date(task.pullStoppedAt),
    startedAt: date(task.startedAt),
    stoppingAt: date(task.stoppingAt),
    stoppedAt: date(task.stoppedAt),
    executionStoppedAt: date(task.stoppedAt),
    stopCode: task.stopCode,
    stoppedReason: task.stoppedReason,
    containers: task.containers.map(container => showContainer(store, task, container)),
    attachments: [],
    attributes: [],
    overrides: { containerOverrides: task.containers.map(({ name }) => ({ name })) },
    tags: tags ? [...task.tags] : [],
  };
}

function showContainer({ place }: Store, task: TaskRecord, container: ContainerRecord): Container {
  return {
    containerArn: arnOf(place, `container/${task.cluster}/${task.id}/${container.runtimeId}`),
    taskArn: task.arn,
    name: container.name,
    image: container.image,
    runtimeId: container.runtimeId,
    lastStatus: container.lastStatus,
    exitCode: container.exitCode,
    reason: container.reason,
    healthStatus: container.healthStatus,
    networkInterfaces: [],
    networkBindings: container.ports.map(({ containerPort, hostPort }) => ({
      bindIP: '0.0.0.0',
      containerPort,
      hostPort,
      protocol: 'tcp',
    })),
  };
}
