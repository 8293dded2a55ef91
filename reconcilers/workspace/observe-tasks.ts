import type { Task as EcsTask } from '@aws-sdk/client-ecs';
import type { Workspace } from '../../api/resources/workspace.ts';
import { isUp, stillReady, wasReady } from './facts.ts';
import type { Ground, Names } from './ground.ts';
import type { Observed } from './model.ts';

/** AWS's lists are right within a few seconds: so long a task that must be there may be missing from them. */
const graceMilliseconds = 10_000;

/** Tasks are read while something depends on them: on the way up or down, and before a start. */
export async function readTasks(
  workspace: Workspace,
  seen: Observed,
  names: Names,
  ground: Ground,
  now: Date,
): Promise<readonly EcsTask[] | 'unread'> {
  const read = (desired: 'RUNNING' | 'STOPPED') => ground.inventory.tasks(names.family, desired);
  if (isUp(seen) && workspace.deletedAt === null) {
    if (stillReady(workspace, seen, now)) return 'unread';
    const { rollout = 'going', failures = 0 } = seen.service?.deployment ?? {};
    // ECS counts no crash of a task that was once healthy: then only the tasks themselves tell.
    const mayHaveCrashed = failures > 0 || rollout !== 'going' || wasReady(workspace);
    const listed = [...(await read('RUNNING')), ...(mayHaveCrashed ? await read('STOPPED') : [])];
    remember(listed, names, ground);
    return listed;
  }
  if (isIdle(seen) && isAtRest(workspace)) return 'unread';
  // One after the other: a task that stops between the two is in the second.
  const running = await read('RUNNING');
  const listed = [...running, ...(await read('STOPPED'))];
  const tasks = [...listed, ...(await missing(listed, names, ground))];
  remember(tasks, names, ground);
  return isWhole(workspace, seen, tasks, names, ground, now) ? tasks : 'unread';
}

function isIdle({ service }: Observed): boolean {
  return service === undefined || service.running + service.pending === 0;
}

function isAtRest({ spec, deletedAt, status }: Workspace): boolean {
  return !spec.running && deletedAt === null && status.step === 'stopped';
}

/** Tasks that ran when they were last seen, and that the lists don't show: each is asked for by its id. */
async function missing(listed: readonly EcsTask[], { family }: Names, ground: Ground): Promise<readonly EcsTask[]> {
  const known = ground.hints.liveTasks.get(family) ?? [];
  const unlisted = known.filter(id => !listed.some(({ taskArn }) => taskArn === id));
  const found = await Promise.all(unlisted.map(id => ground.inventory.task(id)));
  return found.filter(task => task !== undefined);
}

function remember(tasks: readonly EcsTask[], { family }: Names, { hints }: Ground): void {
  const live = tasks.flatMap(({ taskArn, lastStatus }) => (taskArn && lastStatus !== 'STOPPED' ? [taskArn] : []));
  if (live.length > 0) hints.liveTasks.set(family, live);
  else hints.liveTasks.delete(family);
}

/**
 * Whether lists that show no task of the last run are to be believed. Stopped tasks are listed for an hour, so of what
 * was up a moment ago one must be there; lists that lag show none.
 */
function isWhole(
  workspace: Workspace,
  { service }: Observed,
  tasks: readonly EcsTask[],
  { family }: Names,
  { hints }: Ground,
  now: Date,
): boolean {
  const since = service?.deployment.startedAt ?? new Date(0);
  const { step } = workspace.status;
  const wasDown = step === 'stopped' || step === 'preparing';
  if (wasDown || tasks.some(({ createdAt }) => createdAt && createdAt >= since)) {
    hints.absentSince.delete(family);
    return true;
  }
  const first = hints.absentSince.get(family) ?? now;
  hints.absentSince.set(family, first);
  return now.getTime() - first.getTime() >= graceMilliseconds;
}
