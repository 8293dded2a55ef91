import {
  type DeploymentRecord,
  healthOf,
  occupies,
  type ServiceRecord,
  type TaskDefinitionRecord,
  type TaskRecord,
} from './records.ts';

/** Whether a task counts as healthy for a deployment: running, its container checks passed, its targets healthy. */
export function isServing(task: TaskRecord, definition: TaskDefinitionRecord | undefined): boolean {
  if (task.lastStatus !== 'RUNNING' || task.desiredStatus !== 'RUNNING') return false;
  const checked =
    definition?.input.containerDefinitions?.some(own => own.healthCheck && own.essential !== false) ?? false;
  if (checked && healthOf(task.containers, definition) !== 'HEALTHY') return false;
  return task.targets.every(({ state }) => state === 'healthy');
}

/** What the scheduler does next for a service. */
export interface Step {
  readonly stop: readonly TaskRecord[];
  readonly start: number;
  /** Why a task is stopped, in AWS's words. */
  reason(task: TaskRecord): string;
}

/**
 * How far a service is from what was asked, within minimumHealthyPercent and maximumPercent of the desired count. `live`
 * are the service's tasks that have not STOPPED.
 */
export function nextStep(
  service: ServiceRecord,
  live: readonly TaskRecord[],
  isReady: (task: TaskRecord) => boolean,
): Step {
  const primary = service.deployments[0];
  const desired = service.status === 'ACTIVE' ? service.settings.desiredCount : 0;
  const { maximumPercent = 200, minimumHealthyPercent = 100 } = service.settings.deployment;
  const most = Math.floor((desired * maximumPercent) / 100);
  const least = Math.ceil((desired * minimumHealthyPercent) / 100);
  const wanted = live.filter(task => task.desiredStatus === 'RUNNING');
  const current = wanted.filter(task => task.service?.deployment === primary?.id);
  const older = wanted.filter(task => task.service?.deployment !== primary?.id);
  const surplus = order(current, isReady).slice(0, Math.max(0, current.length - desired));
  const failed = primary?.rolloutState === 'FAILED';
  // A failed deployment replaces nobody, but a smaller desired count still stops what is too much.
  const replaceable = failed && desired > 0 ? [] : older;
  const ready = wanted.filter(isReady).length - surplus.filter(isReady).length;
  let spare = Math.max(0, ready - least);
  const replaced = order(replaceable, isReady).filter(task => !isReady(task) || spare-- > 0);
  const stop = [...surplus, ...replaced];
  const occupying = live.filter(occupies).length;
  const start = failed ? 0 : Math.max(0, Math.min(desired - (current.length - surplus.length), most - occupying));
  return { stop, start, reason: task => reasonOf(task, primary) };
}

/** Those not yet ready first: they are missed least. */
function order(tasks: readonly TaskRecord[], isReady: (task: TaskRecord) => boolean): TaskRecord[] {
  return [...tasks].sort((a, b) => Number(isReady(a)) - Number(isReady(b)));
}

function reasonOf(task: TaskRecord, primary: DeploymentRecord | undefined): string {
  return task.service?.deployment === primary?.id
    ? `Scaling activity initiated by (deployment ${primary?.id})`
    : `Scaling activity initiated by deployment ${primary?.id}`;
}

const pending = ['PROVISIONING', 'PENDING', 'ACTIVATING'];

/**
 * The service with its counts, rollout state and status brought up to date, and what AWS says about it in events; the
 * very same object where nothing changed.
 */
export function rollout(
  service: ServiceRecord,
  live: readonly TaskRecord[],
  isReady: (task: TaskRecord) => boolean,
  now: number,
): { readonly service: ServiceRecord; readonly messages: readonly string[] } {
  const messages: string[] = [];
  const desired = service.status === 'ACTIVE' ? service.settings.desiredCount : 0;
  const countedIn = (id: string, statuses: readonly string[]) =>
    live.filter(task => task.service?.deployment === id && statuses.includes(task.lastStatus)).length;
  const wanted = live.filter(task => task.desiredStatus === 'RUNNING');
  let deployments = service.deployments
    .map(own => ({ ...own, runningCount: countedIn(own.id, ['RUNNING']), pendingCount: countedIn(own.id, pending) }))
    .filter(
      own => own.status === 'PRIMARY' || live.some(task => task.service?.deployment === own.id && occupies(task)),
    );
  const [primary, ...older] = deployments;
  const current = wanted.filter(task => task.service?.deployment === primary?.id);
  const settled = wanted.length === desired && current.length === desired && current.every(isReady);
  if (primary?.rolloutState === 'IN_PROGRESS') {
    const completed = settled && older.length === 0;
    const resets =
      service.settings.deployment.deploymentCircuitBreaker?.resetOnHealthyTask !== false && current.some(isReady);
    const rolloutStateReason = `ECS deployment ${primary.id} completed.`;
    const next: DeploymentRecord = { ...primary, failedTasks: resets ? 0 : primary.failedTasks };
    deployments = [
      completed ? { ...next, rolloutState: 'COMPLETED', rolloutStateReason, updatedAt: now } : next,
      ...older,
    ];
    if (completed && service.status === 'ACTIVE') messages.push(`(deployment ${primary.id}) deployment completed.`);
  }
  const steady = settled && live.every(task => !occupies(task) || task.desiredStatus === 'RUNNING');
  if (steady && !service.steady && service.status === 'ACTIVE') messages.push('has reached a steady state.');
  const drained = service.status === 'DRAINING' && !live.some(occupies);
  const next: ServiceRecord = {
    ...service,
    ...(drained ? { status: 'INACTIVE' as const, inactiveAt: now, deployments: [] } : { deployments }),
    runningCount: live.filter(task => task.lastStatus === 'RUNNING').length,
    pendingCount: live.filter(task => pending.includes(task.lastStatus)).length,
    steady,
  };
  const same = messages.length === 0 && moving(next) === moving(service);
  return { service: same ? service : next, messages };
}

/** What `rollout` may change, as text to compare by. */
function moving({ deployments, status, runningCount, pendingCount, steady }: ServiceRecord): string {
  return JSON.stringify([deployments, status, runningCount, pendingCount, steady]);
}
