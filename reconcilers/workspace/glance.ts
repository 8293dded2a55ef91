import { isDeepStrictEqual } from 'node:util';
import type { Task as EcsTask } from '@aws-sdk/client-ecs';
import type { Workspace } from '../../api/resources/workspace.ts';
import type { Context } from '../../controller/reconciler.ts';
import { isUp, wasReady } from './facts.ts';
import type { Ground, Names } from './ground.ts';
import type { Observed, Service } from './model.ts';
import { observeHealth, observeService } from './observe-service.ts';
import { readTasks } from './observe-tasks.ts';
import { taskFrom } from './reading.ts';

/**
 * While a task comes up, only it changes. So for a few seconds after everything around it was looked at, a look asks for
 * the service, its task and the target's health alone; a resync always looks at everything.
 */

/** About as long as AWS's own reads may lag. */
const freshMilliseconds = 3_000;

/** Notes an observation of everything, where somebody waits. */
export function noteLook(
  workspace: Workspace,
  observed: Observed,
  { urgent }: Context,
  seenAt: Date,
  { hints }: Ground,
): void {
  const { id, generation, spec, deletedAt } = workspace;
  if (!urgent || !spec.running || deletedAt !== null) hints.surroundings.delete(id);
  else hints.surroundings.set(id, { seenAt, generation, observed: whole(observed) });
}

/** Notes what our own write made of it. It is no younger for that. */
export function noteWrite({ id }: Workspace, observed: Observed, { hints }: Ground): void {
  const known = hints.surroundings.get(id);
  if (known) hints.surroundings.set(id, { ...known, observed: whole(observed) });
}

/** The observation, if all that is around its service is ours and as it should be while a task comes up. */
function whole(observed: Observed): Observed | undefined {
  const { home, target, routes, strangerAtSlot, refusal } = observed;
  const isOurs = home?.owner === 'ours' && target?.owner === 'ours' && routes.every(({ owner }) => owner === 'ours');
  const isReady = home?.state === 'available' && target?.settings === 'set';
  const isLedTo = routes.length === 1 && routes[0]?.leads !== 'astray' && !strangerAtSlot;
  return isUp(observed) && isOurs && isReady && isLedTo && refusal === undefined ? observed : undefined;
}

/** The short look; undefined where everything is to be looked at. */
export async function glance(
  workspace: Workspace,
  context: Context,
  names: Names,
  ground: Ground,
  now: Date,
): Promise<Observed | undefined> {
  const known = ground.hints.surroundings.get(workspace.id);
  if (!known?.observed || known.generation !== workspace.generation || workspace.deletedAt !== null) return undefined;
  // Once it was ready, a look is for what may have changed since.
  if (wasReady(workspace)) return undefined;
  const age = now.getTime() - known.seenAt.getTime();
  if (age < 0 || age >= freshMilliseconds || !isDeepStrictEqual(known.observed.slot, workspace.slot)) return undefined;
  const service = await observeService(workspace, context, names, ground);
  if (service?.owner !== 'ours' || service.targetId !== known.observed.target?.id) return undefined;
  const seen: Observed = { ...known.observed, service, blueprint: 'unread', tasks: 'unread', healthy: 'unread' };
  if (!isUp(seen)) return undefined;
  const tasks = (await itsTask(service, names, ground)) ?? (await readTasks(workspace, seen, names, ground, now));
  const healthy = await observeHealth(workspace, seen, tasks, ground, now);
  return { ...seen, tasks: tasks === 'unread' ? tasks : tasks.map(taskFrom), healthy };
}

/** The one task that is known to be this attempt's, asked for by its id; undefined where the lists are needed. */
async function itsTask(
  { deployment }: Service,
  { family }: Names,
  { hints, inventory }: Ground,
): Promise<readonly EcsTask[] | undefined> {
  if (deployment.failures > 0) return undefined;
  const [id, ...others] = hints.liveTasks.get(family) ?? [];
  if (id === undefined || others.length > 0) return undefined;
  const task = await inventory.task(id);
  if (!task?.createdAt || task.createdAt < deployment.startedAt || task.desiredStatus === 'STOPPED') return undefined;
  return [task];
}
