import type { Home } from '../../api/resources/home.ts';
import type { Reconciler } from '../../controller/reconciler.ts';
import type { Clients } from '../aws/clients.ts';
import { createInventory } from '../aws/inventory.ts';
import { checkDeployment } from '../aws/names.ts';
import { markUrgency, type Pace } from '../aws/rates.ts';
import { RecentWrites } from '../aws/recent.ts';
import { apply } from './apply.ts';
import type { Action, Observed } from './model.ts';
import { type Ground, observe } from './observe.ts';
import { plan } from './plan.ts';
import type { HomeSettings } from './settings.ts';
import { summarize } from './summarize.ts';

export interface HomeReconcilerOptions extends HomeSettings {
  readonly clients: Clients;
  readonly pace?: Pace;
}

/** Deletes for good the files of homes whose deletion a person asked for, by a keeper; every other home it leaves alone. */
export function createHomeReconciler(options: HomeReconcilerOptions): Reconciler<Home, Observed, Action> {
  const { clients, pace = markUrgency, ...settings } = options;
  checkDeployment(settings.deployment);
  const { cluster, fileSystemId } = settings;
  const inventory = createInventory({ clients, pace, cluster, fileSystemId });
  const ground: Ground = {
    settings,
    clients,
    pace,
    inventory,
    started: new RecentWrites(),
    registered: new RecentWrites(),
  };
  return {
    kind: 'home',
    observe: (home, context) => observe(home, context, ground),
    plan,
    apply: (action, home, observed, context) => apply(action, home, observed, context, ground),
    summarize,
  };
}
