import { paginateListTaskDefinitions, type Task } from '@aws-sdk/client-ecs';
import type { AccessPointDescription } from '@aws-sdk/client-efs';
import type { Home } from '../../api/resources/home.ts';
import type { Context } from '../../controller/reconciler.ts';
import type { Clients } from '../aws/clients.ts';
import type { Questions } from '../aws/inventory.ts';
import { homePath, homeToken, keeperFamily, keeperToken, type Owner } from '../aws/names.ts';
import type { Pace } from '../aws/rates.ts';
import type { RecentWrites } from '../aws/recent.ts';
import { homeFrom } from '../workspace/reading.ts';
import { isPurged } from './facts.ts';
import type { Blueprint, Door, Keeper, Observed, Revision } from './model.ts';
import type { HomeSettings } from './settings.ts';

/** What observing and applying share. */
export interface Ground {
  readonly settings: HomeSettings;
  readonly clients: Pick<Clients, 'ecs' | 'efs'>;
  readonly inventory: Questions;
  readonly pace: Pace;
  /** The tasks that we started, by client token: lists may not show them yet. */
  readonly started: RecentWrites<Keeper>;
  /** The task definitions that we registered, by family: lists may not show them yet. Undefined: they were deleted since. */
  readonly registered: RecentWrites<Blueprint | undefined>;
}

const revisionsPerPage = 100;

/** Reads what a home that is to go has; of any other, nothing is asked. */
export async function observe(home: Home, { now }: Context, ground: Ground): Promise<Observed> {
  const { inventory, settings, started, registered } = ground;
  const nothing: Observed = {
    door: undefined,
    blueprint: undefined,
    revisions: [],
    keeper: undefined,
    olderRuns: false,
    refusal: undefined,
  };
  if (home.deletedAt === null || home.inUse) return nothing;
  const family = keeperFamily(settings.deployment, home.id);
  const [accessPoint, newest, running, stopped] = await Promise.all([
    inventory.accessPoint(homeToken(settings.deployment, home.id, settings.fileSystemId)),
    inventory.newestRevision(family),
    inventory.tasks(family, 'RUNNING'),
    inventory.tasks(family, 'STOPPED'),
  ]);
  const own = registered.latest(family, now());
  const token = keeperToken(home.id, home.spec.attempt);
  const tasks = [...running, ...stopped];
  const ours = tasks.filter(task => task.startedBy === token);
  const seen = {
    ...nothing,
    door: accessPoint && doorFrom(accessPoint, home, settings),
    blueprint: newerOf(newest === undefined ? undefined : blueprintFrom(newest), own),
    keeper: ours.length > 0 ? keeperOf(ours) : started.latest(token, now()),
    olderRuns: tasks.some(task => task.startedBy !== token && task.lastStatus !== 'STOPPED'),
  };
  if (!isPurged(home, seen)) return seen;
  const listed = await revisionsOf(family, ground);
  const isUnseen = own !== undefined && !listed.some(({ id }) => id === own.id);
  return { ...seen, revisions: isUnseen ? [...listed, { id: own.id, retired: false }] : listed };
}

function newerOf(one: Blueprint | undefined, other: Blueprint | undefined): Blueprint | undefined {
  return other && (one?.revision ?? 0) < other.revision ? other : one;
}

/** By whom a home's things are owned, as the workspace's own were. */
export function ownerOf(home: Home, { deployment }: HomeSettings): Owner {
  return { deployment, kind: 'home', id: home.id, name: home.id };
}

/** An access point, as the way into this home. */
export function doorFrom(accessPoint: AccessPointDescription, home: Home, settings: HomeSettings): Door {
  const { FileSystemId, RootDirectory } = accessPoint;
  return {
    ...homeFrom(accessPoint, ownerOf(home, settings)),
    leadsHome: FileSystemId === settings.fileSystemId && RootDirectory?.Path === homePath(home.id),
  };
}

/** A token has one task; should AWS tell of more, one that did its work counts, then one that runs. */
function keeperOf(tasks: readonly Task[]): Keeper | undefined {
  const keepers = tasks.map(keeperFrom);
  return (
    keepers.find(({ exitCode }) => exitCode === 0) ?? keepers.find(({ state }) => state === 'running') ?? keepers[0]
  );
}

/** A task definition by its ARN. */
export function blueprintFrom(arn: string): Blueprint {
  return { id: arn, revision: Number(arn.split(':').at(-1)) };
}

/** A task as ECS tells it. */
export function keeperFrom({ lastStatus, containers }: Task): Keeper {
  const isOver = lastStatus === 'STOPPED' || lastStatus === 'DELETED';
  return isOver
    ? { state: 'stopped', exitCode: containers?.[0]?.exitCode ?? null }
    : { state: 'running', exitCode: null };
}

async function revisionsOf(familyPrefix: string, { clients, pace }: Ground): Promise<readonly Revision[]> {
  const list = (status: 'ACTIVE' | 'INACTIVE') =>
    pace('ecs', false, async () => {
      const found: Revision[] = [];
      const pages = paginateListTaskDefinitions(
        { client: clients.ecs, pageSize: revisionsPerPage },
        { familyPrefix, status },
      );
      for await (const { taskDefinitionArns = [] } of pages)
        found.push(...taskDefinitionArns.map(id => ({ id, retired: status === 'INACTIVE' })));
      return found;
    });
  return [...(await list('ACTIVE')), ...(await list('INACTIVE'))];
}
