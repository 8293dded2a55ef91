import { randomUUID } from 'node:crypto';
import { arnOf, type Place } from '../ecs/names.ts';
import type { DeploymentRecord, InstanceRecord, ServiceRecord, TaskRecord } from '../ecs/records.ts';
import type { Store } from '../ecs/store.ts';
import { showTask } from '../ecs/task-view.ts';

/** An event as EventBridge hands it to a rule's target. Source: AWS, "Amazon ECS events". */
export interface BusEvent {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: 'aws.ecs';
  readonly account: string;
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: {
    readonly lastStatus?: string | undefined;
    readonly eventType?: string | undefined;
    readonly agentConnected?: boolean | undefined;
    readonly updatedAt?: string;
  };
}

/** Whether the rules of a stack (`infra/cloud/events.ts`) would send it on. */
export function isMatched({ detail: { lastStatus, eventType, agentConnected } }: BusEvent): boolean {
  if (lastStatus === 'RUNNING' || lastStatus === 'STOPPED') return true;
  return eventType === 'WARN' || eventType === 'ERROR' || agentConnected !== undefined;
}

/** What the scheduler's sentences are called as events. Source: AWS, "Amazon ECS service action events". */
const actions = [
  [/ has reached a steady state\.$/, 'INFO', 'SERVICE_STEADY_STATE'],
  [/ was unable to place a task /, 'ERROR', 'SERVICE_TASK_PLACEMENT_FAILURE'],
  [/ is unable to consistently start tasks /, 'WARN', 'SERVICE_TASK_START_IMPAIRED'],
] as const;

const rollouts = {
  IN_PROGRESS: ['INFO', 'SERVICE_DEPLOYMENT_IN_PROGRESS'],
  COMPLETED: ['INFO', 'SERVICE_DEPLOYMENT_COMPLETED'],
  FAILED: ['ERROR', 'SERVICE_DEPLOYMENT_FAILED'],
} as const;

/**
 * Tells what happens in ECS as the events that AWS sends to EventBridge: state changes of tasks, of deployments and of
 * container instances, and what the service scheduler does. Each is made only when it is taken: `event` may be left.
 */
export function announce(store: Store, publish: (event: () => BusEvent) => void): void {
  const { place } = store;
  const eventOf = (type: string, resource: string, detail: BusEvent['detail']): BusEvent => ({
    version: '0',
    id: randomUUID(),
    'detail-type': type,
    source: 'aws.ecs',
    account: place.accountId,
    time: new Date(store.clock.now()).toISOString(),
    region: place.region,
    resources: [resource],
    detail,
  });
  const tell = (type: string, resource: string, detail: () => BusEvent['detail']) => {
    const at = new Date(store.clock.now()).toISOString();
    publish(() => eventOf(type, resource, { ...detail(), updatedAt: at }));
  };

  store.watch({
    task(before, task) {
      if (!task || (before && !isVisible(before, task))) return;
      tell('ECS Task State Change', task.arn, () => detailOf(store, task));
    },
    service(before, service) {
      if (!service) return;
      const cluster = arnOf(place, `cluster/${service.cluster}`);
      for (const { at, message } of newer(before, service)) {
        const [, eventType, eventName] = actions.find(([sentence]) => sentence.test(message)) ?? [];
        if (!eventName) continue;
        const detail = { eventType, eventName, clusterArn: cluster, createdAt: new Date(at).toISOString() };
        publish(() => eventOf('ECS Service Action', service.arn, detail));
      }
      const primary = service.deployments[0];
      if (!primary || isSame(primary, before?.deployments[0])) return;
      const [eventType, eventName] = rollouts[primary.rolloutState];
      const { id: deploymentId, rolloutStateReason: reason } = primary;
      tell('ECS Deployment State Change', service.arn, () => ({ eventType, eventName, deploymentId, reason }));
    },
    instance(before, instance) {
      const shown = instance ?? before;
      if (!shown) return;
      const detail = instanceDetail(place, shown, instance ? 'ACTIVE' : 'INACTIVE');
      tell('ECS Container Instance State Change', shown.arn, () => detail);
    },
  });
}

/** A change that only the balancer sees is none of the task's. */
function isVisible(before: TaskRecord, { lastStatus, desiredStatus, containers, stopCode }: TaskRecord): boolean {
  return (
    before.lastStatus !== lastStatus ||
    before.desiredStatus !== desiredStatus ||
    before.containers !== containers ||
    before.stopCode !== stopCode
  );
}

function detailOf(store: Store, task: TaskRecord): BusEvent['detail'] {
  return showTask(store, task, false);
}

/** The service's own sentences since the record before. */
function newer(before: ServiceRecord | undefined, service: ServiceRecord): ServiceRecord['events'] {
  const last = before?.events[0]?.id;
  const known = service.events.findIndex(({ id }) => id === last);
  return last === undefined || known === -1 ? service.events : service.events.slice(0, known);
}

function isSame(primary: DeploymentRecord, before: DeploymentRecord | undefined): boolean {
  return before?.id === primary.id && before.rolloutState === primary.rolloutState;
}

function instanceDetail(place: Place, instance: InstanceRecord, status: 'ACTIVE' | 'INACTIVE') {
  return {
    agentConnected: status === 'ACTIVE',
    clusterArn: arnOf(place, `cluster/${instance.cluster}`),
    containerInstanceArn: instance.arn,
    ec2InstanceId: instance.ec2InstanceId,
    status,
    version: status === 'ACTIVE' ? 1 : 2,
  };
}
