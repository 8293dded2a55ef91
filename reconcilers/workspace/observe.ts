import { DescribeTaskDefinitionCommand } from '@aws-sdk/client-ecs';
import type { AccessPointDescription } from '@aws-sdk/client-efs';
import { DescribeTargetGroupAttributesCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { conditionOf } from '../../api/resources/resource.ts';
import type { Workspace } from '../../api/resources/workspace.ts';
import type { Context } from '../../controller/reconciler.ts';
import { unless } from '../aws/errors.ts';
import { ownership, tagKeys } from '../aws/names.ts';
import { believedMilliseconds } from '../aws/recent.ts';
import { isUp } from './facts.ts';
import { glance, noteLook } from './glance.ts';
import { type Ground, type Names, namesOf } from './ground.ts';
import type { Blueprint, Home, Observed, Revision, Target } from './model.ts';
import { listRevisions } from './observe-revisions.ts';
import { observeRoutes } from './observe-routes.ts';
import { observeHealth, observeService } from './observe-service.ts';
import { readTasks } from './observe-tasks.ts';
import { homeFrom, taskFrom } from './reading.ts';
import { unseen } from './refusals.ts';
import { targetAttributes } from './target-settings.ts';

/** What costs a call each is looked at once in this many resyncs. */
const turns = 20;
const resyncMilliseconds = 30_000;

/** Reads what a workspace has in AWS: batched pages first, then what they show to be needed. */
export async function observe(workspace: Workspace, context: Context, ground: Ground): Promise<Observed> {
  const names = namesOf(workspace, ground.settings);
  const now = context.now();
  const glanced = context.urgent ? await glance(workspace, context, names, ground, now) : undefined;
  if (glanced) return glanced;
  const isTurn = isItsTurn(workspace, now);
  const [accessPoint, target, service] = await Promise.all([
    ground.inventory.accessPoint(names.homeToken),
    observeTarget(names, ground, isTurn),
    observeService(workspace, context, names, ground),
  ]);
  const home = observeHome(accessPoint, workspace, names, ground, now);
  const { routes, strangerAtSlot } = await observeRoutes(workspace, target, ground, now, isTurn);
  const seen: Observed = {
    home,
    blueprint: 'unread',
    revisions: [],
    target,
    slot: workspace.slot,
    routes,
    strangerAtSlot,
    service,
    tasks: 'unread',
    healthy: 'unread',
    refusal: undefined,
  };
  const close = isTurn || needsCloseLook(workspace, seen);
  const [tasks, blueprint, settings, revisions] = await Promise.all([
    readTasks(workspace, seen, names, ground, now),
    observeBlueprint(workspace, seen, names, ground, now, close, isTurn),
    observeSettings(target, ground, close, isTurn),
    workspace.deletedAt === null ? [] : listRevisions(names, ground),
  ]);
  const healthy = await observeHealth(workspace, seen, tasks, ground, now);
  const observed: Observed = {
    ...seen,
    tasks: tasks === 'unread' ? tasks : tasks.map(taskFrom),
    blueprint,
    target: target && { ...target, settings },
    revisions,
    healthy,
    refusal: maySurface(workspace, seen, revisions, now) ? unseen('workspace') : undefined,
  };
  noteLook(workspace, observed, context, now, ground);
  return observed;
}

/**
 * The access point as read, unless we deleted it: the home's next one has another id. One that a new workspace finds may
 * be the last workspace's, deleted by a process before this one: it counts once AWS has answered a creation with it.
 */
function observeHome(
  accessPoint: AccessPointDescription | undefined,
  workspace: Workspace,
  names: Names,
  { hints }: Ground,
  now: Date,
): Home | undefined {
  const id = accessPoint?.AccessPointId;
  if (!id || hints.deletedHomes.latest(id, now)) return undefined;
  const isNew = workspace.deletedAt === null && isRecent(workspace.createdAt, now);
  if (isNew && !hints.madeHomes.latest(id, now)) return undefined;
  return homeFrom(accessPoint, names.homeOwner);
}

function isRecent(time: string, now: Date): boolean {
  const age = now.getTime() - new Date(time).getTime();
  return age >= 0 && age < believedMilliseconds;
}

/** Deleted just now, and not whole: what was being made at that moment may be there and not shown yet. */
function maySurface(
  { deletedAt }: Workspace,
  { home, target }: Observed,
  revisions: readonly Revision[],
  now: Date,
): boolean {
  if (deletedAt === null || (home && target && revisions.length > 0)) return false;
  return isRecent(deletedAt, now);
}

/** Before each start, and until it was once as asked; besides when its turn comes. */
function needsCloseLook(workspace: Workspace, seen: Observed): boolean {
  if (isUp(seen)) return false;
  return workspace.spec.running || conditionOf(workspace.status, 'Ready')?.status !== 'True';
}

function isItsTurn({ id }: Workspace, now: Date): boolean {
  let sum = 0;
  for (let place = 0; place < id.length; place += 1) sum += id.charCodeAt(place);
  return Math.floor(now.getTime() / resyncMilliseconds) % turns === sum % turns;
}

async function observeTarget(names: Names, ground: Ground, close: boolean): Promise<Target | undefined> {
  const group = await ground.inventory.targetGroup(names.targetGroup);
  const id = group?.TargetGroupArn;
  if (!id) return undefined;
  const { ownTargets } = ground.hints;
  if (ownTargets.has(id) && !close) return { id, owner: 'ours', settings: 'unread' };
  const tags = await ground.inventory.balancerTags(id);
  if (!tags) return undefined;
  const owner = ownership(tags, names.owner);
  if (owner === 'ours') ownTargets.add(id);
  return { id, owner, settings: 'unread' };
}

async function observeBlueprint(
  workspace: Workspace,
  seen: Observed,
  names: Names,
  ground: Ground,
  now: Date,
  close: boolean,
  isTurn: boolean,
): Promise<Blueprint | undefined | 'unread'> {
  // What runs was made of a blueprint already; a changed one waits for the next start.
  if (isUp(seen)) return 'unread';
  const { lastBlueprint, blueprints } = ground.hints;
  // Before a start it is asked for; on the way down it is enough to know it.
  const isAsked = close && (isTurn || workspace.spec.running);
  const known = blueprints.latest(names.family, now) ?? (isAsked ? undefined : lastBlueprint.get(names.family));
  if (known) return known;
  if (!close) return 'unread';
  const last = isTurn ? lastBlueprint.get(names.family) : undefined;
  // A revision never changes: while it is the newest there is nothing new to read but tags, and a start reads them.
  if (last && (await ground.inventory.newestRevision(names.family)) === last.id) return last;
  const command = new DescribeTaskDefinitionCommand({ taskDefinition: names.family, include: ['TAGS'] });
  // AWS says ClientException of a family that has no revision.
  const answer = await unless(
    ground.pace('ecs', true, () => ground.clients.ecs.send(command)),
    'invalid',
  );
  const id = answer?.taskDefinition?.taskDefinitionArn;
  if (!id || answer.taskDefinition?.status !== 'ACTIVE') return undefined;
  const blueprint = { id, hash: answer.tags?.find(({ key }) => key === tagKeys.hash)?.value };
  lastBlueprint.set(names.family, blueprint);
  return blueprint;
}

async function observeSettings(
  target: Target | undefined,
  ground: Ground,
  close: boolean,
  isTurn: boolean,
): Promise<Target['settings']> {
  if (!target) return 'unread';
  const isKnown = ground.hints.setTargets.has(target.id);
  if (!close || (isKnown && !isTurn)) return isKnown ? 'set' : 'unread';
  const command = new DescribeTargetGroupAttributesCommand({ TargetGroupArn: target.id });
  const answer = await unless(
    ground.pace('elb', true, () => ground.clients.elb.send(command)),
    'gone',
  );
  const attributes = new Map(answer?.Attributes?.map(({ Key, Value }) => [Key, Value]));
  const isSet = targetAttributes.every(({ Key, Value }) => attributes.get(Key) === Value);
  if (isSet) ground.hints.setTargets.add(target.id);
  return isSet ? 'set' : 'unset';
}
