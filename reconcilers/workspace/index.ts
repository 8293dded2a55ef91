import type { Workspace } from '../../api/resources/workspace.ts';
import type { Reconciler } from '../../controller/reconciler.ts';
import type { Clients } from '../aws/clients.ts';
import { createInventory } from '../aws/inventory.ts';
import { checkDeployment } from '../aws/names.ts';
import { markUrgency, type Pace } from '../aws/rates.ts';
import { RecentWrites } from '../aws/recent.ts';
import { apply } from './apply.ts';
import type { Ground } from './ground.ts';
import type { Action, Observed } from './model.ts';
import { observe } from './observe.ts';
import { createPlan } from './plan.ts';
import type { WorkspaceSettings } from './settings.ts';
import { createSummarize } from './summarize.ts';

export interface WorkspaceReconcilerOptions extends WorkspaceSettings {
  readonly clients: Clients;
  /** Told how urgent each call is; left out: the clients' gateway is. */
  readonly pace?: Pace;
}

/** Keeps workspaces as asked: home, blueprint and target while they exist; service and route while they run. */
export function createWorkspaceReconciler(
  options: WorkspaceReconcilerOptions,
): Reconciler<Workspace, Observed, Action> {
  const { clients, pace = markUrgency, ...settings } = options;
  checkDeployment(settings.deployment);
  const inventory = createInventory({ clients, pace, cluster: settings.cluster, fileSystemId: settings.fileSystemId });
  const ground: Ground = {
    settings,
    clients,
    pace,
    inventory,
    hints: {
      services: new RecentWrites(),
      blueprints: new RecentWrites(),
      routes: new RecentWrites(),
      deletedHomes: new RecentWrites(),
      madeHomes: new RecentWrites(),
      lastBlueprint: new Map(),
      ownTargets: new Set(),
      setTargets: new Set(),
      lines: new Map(),
      liveTasks: new Map(),
      absentSince: new Map(),
      surroundings: new Map(),
    },
  };
  // Where nobody waits, no call goes ahead of those that somebody waits for.
  const quietly: Pace = (service, _urgent, call) => pace(service, false, call);
  const patient = (hurry?: AbortSignal): Ground => ({ ...ground, pace: quietly, inventory: inventory.patient(hurry) });
  return {
    kind: 'workspace',
    observe: (workspace, context) => observe(workspace, context, context.urgent ? ground : patient(context.hurry)),
    plan: createPlan(settings),
    apply: (action, workspace, observed, context) =>
      apply(action, workspace, observed, context, context.urgent || context.hurry?.aborted ? ground : patient()),
    summarize: createSummarize(settings),
  };
}
