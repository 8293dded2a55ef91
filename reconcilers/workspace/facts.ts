import type { Workspace } from '../../api/resources/workspace.ts';
import type { Crash, Observed, Service, Task } from './model.ts';

/** What plan and summary conclude from an observation: small, named, pure. */

/** A task that crashes as often within this time is not started again. */
const crashLimit = 3;
const crashWindowMilliseconds = 10 * 60_000;
/** Gates report every 20 s: an older report says nothing about now. */
const reportMilliseconds = 60_000;

/** The service is to run a task. */
export function isUp(observed: Observed): boolean {
  return observed.service !== undefined && observed.service.state === 'active' && observed.service.desired > 0;
}

/** No container of ours may still write to the home. Unread tasks are no proof. */
export function everyTaskStopped({ service, tasks }: Observed): boolean {
  if (service && service.running + service.pending > 0) return false;
  return tasks !== 'unread' && tasks.every(task => task.state === 'stopped');
}

/** Its stop is behind it: as `everyTaskStopped`, or as was noted when that was last seen. */
export function hasStopped(workspace: Workspace, observed: Observed): boolean {
  const { service, tasks } = observed;
  if (isUp(observed)) return false;
  if (tasks !== 'unread') return everyTaskStopped(observed);
  return workspace.status.step === 'stopped' && (service === undefined || service.running + service.pending === 0);
}

/** People come in: by its own rule at its own place. */
export function isOpen({ routes, slot }: Observed): boolean {
  if (slot === null || slot === 'full') return false;
  return routes.some(
    ({ balancer, priority, leads }) => leads === 'here' && balancer === slot.balancer && priority === slot.priority,
  );
}

/** The task that is to run now, the newest if there are several. */
export function liveTask(observed: Observed): Task | undefined {
  if (observed.tasks === 'unread') return undefined;
  const live = observed.tasks.filter(({ state }) => state !== 'stopping' && state !== 'stopped');
  return live.toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime())[0];
}

/** Tasks of the present attempt that ended by themselves not long ago, newest first. */
export function crashes(observed: Observed, now: Date): readonly Task[] {
  const { service, tasks } = observed;
  if (!service || tasks === 'unread') return [];
  const since = Math.max(service.deployment.startedAt.getTime(), now.getTime() - crashWindowMilliseconds);
  return tasks
    .filter(task => task.crash && task.createdAt >= service.deployment.startedAt)
    .filter(task => (task.stoppedAt ?? now).getTime() >= since)
    .toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
}

/** For so long a cluster may take to grow before a person must look. */
const roomMilliseconds = 10 * 60_000;

/** No host has had room for it for so long that none comes by itself. */
export function hasNoRoom({ service, tasks }: Observed, now: Date): boolean {
  if (!service?.noRoom || tasks === 'unread' || tasks.some(({ state }) => state !== 'stopped')) return false;
  return now.getTime() - service.deployment.startedAt.getTime() >= roomMilliseconds;
}

/** Its task was told other addresses of the portal, or of itself, than are right now: nobody could come in. */
export function isMisaddressed(workspace: Workspace, addresses: string): boolean {
  const told = workspace.status.addresses;
  return told !== undefined && told !== addresses;
}

/** The present attempt came to nothing: another of the same would too. */
export function attemptFailed(observed: Observed, now: Date): boolean {
  return observed.service?.deployment.rollout === 'failed' || crashes(observed, now).length >= crashLimit;
}

export function restartAsked(workspace: Workspace): boolean {
  return workspace.spec.restarts > workspace.status.restarts;
}

/**
 * The last attempt was broken off and nothing has been asked for since. A new wish or a changed blueprint is another
 * try; so is one that has begun (`preparing`, its failure cleared) and has not come as far as the service.
 */
export function brokenOff(workspace: Workspace, observed: Observed, wantedHash: string, now: Date): boolean {
  const { service, blueprint } = observed;
  const { status, spec, generation } = workspace;
  if (!spec.running || service?.state !== 'active' || service.desired > 0) return false;
  if (generation !== status.observedGeneration || restartAsked(workspace)) return false;
  if (status.failure === null && status.step === 'preparing') return false;
  if (blueprint !== 'unread' && isChanged(service, blueprint, wantedHash)) return false;
  return status.failure !== null || attemptFailed(observed, now);
}

function isChanged(service: Service, blueprint: Exclude<Observed['blueprint'], 'unread'>, wantedHash: string): boolean {
  return blueprint?.hash !== wantedHash || blueprint.id !== service.blueprintId;
}

/** Why the last attempt failed: as seen now, or as it was noted when it could still be seen. */
export function failureOf(workspace: Workspace, observed: Observed, now: Date): Crash {
  const problem = reportedProblem(workspace, observed);
  if (problem) return { container: 'gate', exitCode: null, reason: problem };
  const seen = crashes(observed, now)[0]?.crash;
  return seen ?? workspace.status.failure ?? { container: 'ide', exitCode: null, reason: 'Task stopped' };
}

/** What the gate says is wrong, in this attempt. */
export function reportedProblem(
  workspace: Workspace,
  observed: Observed,
): 'HomeNotReachable' | 'HomeInUse' | undefined {
  const { at, problem } = workspace.reported;
  if (!observed.service || !at || new Date(at) < observed.service.deployment.startedAt) return undefined;
  return problem === 'HomeNotReachable' || problem === 'HomeInUse' ? problem : undefined;
}

/** The gate says, of this very task, that the IDE answers. */
export function reportedReady(workspace: Workspace, observed: Observed): boolean {
  const { at, ready } = workspace.reported;
  return (
    ready && at !== null && observed.service !== undefined && new Date(at) >= observed.service.deployment.startedAt
  );
}

/** It was proven ready in this attempt, and nobody has said otherwise since. */
export function stillReady(workspace: Workspace, observed: Observed, now: Date): boolean {
  const { step, readyAt } = workspace.status;
  const { service } = observed;
  if (step !== 'ready' || readyAt === null || service?.running !== 1) return false;
  return new Date(readyAt) >= service.deployment.startedAt && !reportedDown(workspace, observed, now);
}

/** A task runs, the balancer has seen it healthy, and its gate does not say that it went down since. */
export function isHealthy(workspace: Workspace, observed: Observed, now: Date): boolean {
  if (!isUp(observed) || observed.service?.running !== 1 || reportedDown(workspace, observed, now)) return false;
  return observed.healthy === true || stillReady(workspace, observed, now);
}

/** It is healthy, and people come in. */
export function isReady(workspace: Workspace, observed: Observed, now: Date): boolean {
  return isHealthy(workspace, observed, now) && isOpen(observed);
}

/** It was ready before, as the row remembers. */
export function wasReady(workspace: Workspace): boolean {
  return workspace.status.step === 'ready' || workspace.status.step === 'repairing';
}

/** A gate that was ready says that it is not. On the way up it says so too, and means nothing by it. */
function reportedDown(workspace: Workspace, observed: Observed, now: Date): boolean {
  const { at, ready } = workspace.reported;
  if (ready || at === null || !observed.service || !wasReady(workspace)) return false;
  const since = workspace.status.readyAt ?? observed.service.deployment.startedAt;
  return new Date(at) > new Date(since) && now.getTime() - new Date(at).getTime() < reportMilliseconds;
}
