import type { Workspace } from '../../api/resources/workspace.ts';
import type { Context } from '../../controller/reconciler.ts';
import type { Ground, Names } from './ground.ts';
import type { Observed } from './model.ts';

/** What an action is done with. */
export interface Deed {
  readonly workspace: Workspace;
  readonly observed: Observed;
  readonly names: Names;
  readonly ground: Ground;
  readonly context: Context;
}
