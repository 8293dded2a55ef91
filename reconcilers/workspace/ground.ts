import { workspaceHost, workspacePath } from '../../api/resources/host.ts';
import type { Workspace } from '../../api/resources/workspace.ts';
import type { Clients } from '../aws/clients.ts';
import type { Questions } from '../aws/inventory.ts';
import { familyName, homeToken, type Owner, serviceName, targetGroupName } from '../aws/names.ts';
import type { Pace } from '../aws/rates.ts';
import type { RecentWrites } from '../aws/recent.ts';
import type { Blueprint, Route, Scarce, Service, Surroundings } from './model.ts';
import type { WorkspaceSettings } from './settings.ts';

/** What observing and applying share: the way to AWS, and hints that this process remembers of it. */
export interface Ground {
  readonly settings: WorkspaceSettings;
  readonly clients: Clients;
  readonly inventory: Questions;
  readonly pace: Pace;
  readonly hints: Hints;
}

/** Nothing here is proof; a lost hint costs a read. */
export interface Hints {
  readonly services: RecentWrites<Service | undefined>;
  readonly blueprints: RecentWrites<Blueprint>;
  /** By ARN of the rule. */
  readonly routes: RecentWrites<Exclude<Route['leads'], 'astray'>>;
  /** Access points that we deleted, by id: a read that still shows one is from before. */
  readonly deletedHomes: RecentWrites<true>;
  /** Access points that AWS's answer to a creation named, by id. */
  readonly madeHomes: RecentWrites<true>;
  /** The newest blueprint as last seen, by family. Revisions never change; that it is the newest may. */
  readonly lastBlueprint: Map<string, Blueprint>;
  /** ARNs of target groups whose tags were ours when they were read. */
  readonly ownTargets: Set<string>;
  /** Whether somebody waits for what AWS has a quota of, as far as this process knows. */
  readonly lines: Map<Scarce, 'open' | 'busy'>;
  /** Tasks that had not stopped when they were last seen, by family. */
  readonly liveTasks: Map<string, readonly string[]>;
  /** Since when no task of a run is listed that must have had one, by family. */
  readonly absentSince: Map<string, Date>;
  /** What stands around the service of a workspace that is to run, by its id. */
  readonly surroundings: Map<string, Surroundings>;
  /** ARNs of target groups whose attributes were as they should be when they were read. */
  readonly setTargets: Set<string>;
}

/** The names of one workspace's things. */
export interface Names {
  readonly service: string;
  readonly family: string;
  readonly targetGroup: string;
  readonly homeToken: string;
  readonly owner: Owner;
  readonly homeOwner: Owner;
}

export function namesOf(workspace: Workspace, { deployment, fileSystemId }: WorkspaceSettings): Names {
  return {
    service: serviceName(deployment, workspace.id),
    family: familyName(deployment, workspace.id),
    targetGroup: targetGroupName(deployment, workspace.id),
    homeToken: homeToken(deployment, workspace.home.id, fileSystemId),
    owner: { deployment, kind: 'workspace', id: workspace.id, name: workspace.slug },
    homeOwner: { deployment, kind: 'home', id: workspace.home.id, name: workspace.slug },
  };
}

/** What a workspace's rule matches at a balancer. */
export interface Address {
  readonly host: string;
  /** Patterns; none: any path. */
  readonly paths: readonly string[];
}

/** Where a parked rule waits: a name that no resolver knows, so that nobody comes by it. Source: RFC 6761, `.invalid`. */
export function parkedAt(workspace: Workspace, balancer: number, settings: WorkspaceSettings): Address | undefined {
  const address = addressAt(workspace, balancer, settings);
  return address && { ...address, host: `${workspace.slug}.parked.invalid` };
}

/** Address of a workspace at a balancer; undefined for a balancer that the deployment no longer has. */
export function addressAt(
  workspace: Workspace,
  balancer: number,
  { balancers }: WorkspaceSettings,
): Address | undefined {
  const found = balancers[balancer];
  if (!found) return undefined;
  const path = workspacePath(workspace.slug, found);
  return {
    host: workspaceHost(workspace.slug, found).toLowerCase(),
    paths: path === '' ? [] : [path, `${path}/*`],
  };
}
