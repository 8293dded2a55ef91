import type { Workspace } from '../../api/resources/workspace.ts';
import type { Context } from '../../controller/reconciler.ts';
import { createHome, deleteBlueprints, deleteHome, registerBlueprint } from './apply-home.ts';
import { createRoute, createTarget, deleteRoutes, deleteTarget, setRoute, setTargetAttributes } from './apply-route.ts';
import { createService, deleteService, startService, stopService, trimService } from './apply-service.ts';
import { restoreTags } from './apply-tags.ts';
import type { Deed } from './deed.ts';
import { noteWrite } from './glance.ts';
import { type Ground, namesOf } from './ground.ts';
import type { Action, Observed } from './model.ts';

/**
 * Does one thing and answers with the observation as AWS's own answer leaves it. What is already so is success; what
 * AWS refuses for now is folded in as `refusal`, for the plan to wait on.
 */
export async function apply(
  action: Action,
  workspace: Workspace,
  observed: Observed,
  context: Context,
  ground: Ground,
): Promise<Observed> {
  const deed: Deed = { workspace, observed, names: namesOf(workspace, ground.settings), ground, context };
  const left = await act(action, deed);
  noteWrite(workspace, left, ground);
  return left;
}

function act(action: Action, deed: Deed): Promise<Observed> {
  switch (action.type) {
    case 'create-home':
      return createHome(deed);
    case 'register-blueprint':
      return registerBlueprint(deed);
    case 'create-target':
      return createTarget(deed);
    case 'set-target-attributes':
      return setTargetAttributes(deed);
    case 'take-slot':
      return takeSlot(deed);
    case 'move-slot':
      return moveSlot(deed);
    case 'release-slot':
      return releaseSlot(deed);
    case 'restore-tags':
      return restoreTags(deed, action.of);
    case 'create-route':
      return createRoute(deed, action.open);
    case 'repair-route':
      return setRoute(deed, action.routeId, action.open);
    case 'open-route':
      return setRoute(deed, action.routeId, true);
    case 'park-route':
      return setRoute(deed, action.routeId, false);
    case 'delete-routes':
      return deleteRoutes(deed, action.routeIds);
    case 'create-service':
      return createService(deed);
    case 'start-service':
      return startService(deed);
    case 'trim-service':
      return trimService(deed);
    case 'stop-service':
      return stopService(deed);
    case 'delete-service':
      return deleteService(deed);
    case 'delete-target':
      return deleteTarget(deed);
    case 'delete-blueprints':
      return deleteBlueprints(deed);
    case 'delete-home':
      return deleteHome(deed);
  }
}

async function takeSlot({ workspace, observed, context }: Deed): Promise<Observed> {
  return { ...observed, slot: await context.slots.take(workspace.id) };
}

async function moveSlot({ workspace, observed, context }: Deed): Promise<Observed> {
  return { ...observed, slot: await context.slots.move(workspace.id), strangerAtSlot: false };
}

async function releaseSlot({ workspace, observed, context }: Deed): Promise<Observed> {
  await context.slots.release(workspace.id);
  return { ...observed, slot: null, strangerAtSlot: false };
}
