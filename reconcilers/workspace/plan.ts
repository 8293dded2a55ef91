import type { Workspace } from '../../api/resources/workspace.ts';
import type { Plan } from '../../controller/reconciler.ts';
import { addressesOf, blueprintHash } from './blueprint.ts';
import {
  attemptFailed,
  brokenOff,
  everyTaskStopped,
  failureOf,
  hasNoRoom,
  hasStopped,
  isHealthy,
  isMisaddressed,
  isUp,
  reportedProblem,
  restartAsked,
} from './facts.ts';
import type { Action, Blueprint, Observed, Route } from './model.ts';
import type { WorkspaceSettings } from './settings.ts';
import { stuckReason, stuckSentence } from './stuck.ts';
import { wayUp } from './way-up.ts';

type Step = Plan<Action> | undefined;

/** Makes the planner: the product's rules, from top to bottom; the first that has something to do says it. */
export function createPlan(settings: WorkspaceSettings) {
  return function plan(workspace: Workspace, observed: Observed, now: Date): Plan<Action> {
    if (workspace.deletedAt !== null) return refused(observed) ?? dismantled(observed);
    const wantedHash = hashOf(workspace, observed, settings);
    const failed = brokenOff(workspace, observed, wantedHash, now);
    const wanted = workspace.spec.running && !failed;
    return (
      nameTaken(observed) ??
      refused(observed) ??
      down(workspace, observed, now, wanted, settings) ??
      (wanted ? undefined : unrouted(observed)) ??
      marked(observed) ??
      prepared(workspace, observed, wantedHash) ??
      (failed ? broken(workspace, observed, now) : undefined) ??
      (wanted ? up(workspace, observed, now) : undefined) ?? { verdict: 'settled' }
    );
  };
}

/** The hash that the workspace's blueprint should have; empty while there is no home to mount. */
export function hashOf(workspace: Workspace, observed: Observed, settings: WorkspaceSettings): string {
  return observed.home ? blueprintHash(workspace, observed.home.id, settings) : '';
}

/** What carries our name and another's tags is never touched. */
function nameTaken({ home, target, service }: Observed): Step {
  const taken = [
    home?.owner === 'foreign' && `access point ${home.id}`,
    target?.owner === 'foreign' && `target group ${target.id}`,
    service?.owner === 'foreign' && 'the ECS service of this name',
  ].find(name => name !== false);
  if (!taken) return undefined;
  return { verdict: 'stuck', reason: 'NameTaken', message: `Something that is not Armada's has the name of ${taken}.` };
}

/** AWS answered the last write with "not now". */
function refused({ refusal }: Observed): Step {
  if (!refusal) return undefined;
  return wait(refusal.reason, refusal.message, refusal.reason === 'QuotaReached' ? 15 : 2);
}

/**
 * Stops what is not to run, or not as it is, and waits until nothing of it can write to the home any more. Nobody is led
 * to it meanwhile: the app answers them.
 */
function down(workspace: Workspace, observed: Observed, now: Date, wanted: boolean, settings: WorkspaceSettings): Step {
  if (isUp(observed)) {
    // AWS refuses every change of a service whose target group is gone, but its end: it is made anew.
    if (wanted && servesAnotherTarget(observed)) return act({ type: 'delete-service' }, ...shut(observed, wanted));
    const fresh =
      restartAsked(workspace) ||
      attemptFailed(observed, now) ||
      isMisaddressed(workspace, addressesOf(workspace, settings));
    // Its rule stays until then: AWS may refuse to change a service whose target group no rule names.
    return wanted && !fresh ? undefined : act({ type: 'stop-service' });
  }
  const shutting = shut(observed, wanted);
  if (shutting.length > 0) return act(...shutting);
  if (!hasStopped(workspace, observed)) return wait('Stopping', 'Saving and stopping.', 1);
  return answered(workspace, observed);
}

/** What goes on after a stop keeps its rule, parked; of the rest the rule goes. */
function shut({ routes }: Observed, wanted: boolean): Action[] {
  if (!wanted) return routes.length === 0 ? [] : [{ type: 'delete-routes', routeIds: routes.map(({ id }) => id) }];
  const [open] = routes.filter(({ leads }) => leads === 'here');
  return open ? [{ type: 'park-route', routeId: open.id }] : [];
}

/** A restart is answered by having stopped. It is noted before the start, so that a crash in between asks for no other. */
function answered(workspace: Workspace, { service }: Observed): Step {
  if (!restartAsked(workspace) || !service) return undefined;
  return wait('Preparing', 'Starting again.', 0);
}

function servesAnotherTarget({ service, target }: Observed): boolean {
  return target !== undefined && service !== undefined && service.targetId !== target.id;
}

/** A stopped workspace has no route: the balancer's default action takes its host to the app. */
function unrouted({ routes, slot }: Observed): Step {
  if (routes.length > 0) return act({ type: 'delete-routes', routeIds: routes.map(({ id }) => id) });
  return slot === null || slot === 'full' ? undefined : act({ type: 'release-slot' });
}

/** What a hand stripped of its tags is ours by its name, and is marked again: only so may it be deleted one day. */
function marked({ home, target, service, routes }: Observed): Step {
  const actions: Action[] = [];
  if (home?.owner === 'unmarked') actions.push({ type: 'restore-tags', of: 'home' });
  if (target?.owner === 'unmarked') actions.push({ type: 'restore-tags', of: 'target' });
  if (service?.owner === 'unmarked' && service.state === 'active')
    actions.push({ type: 'restore-tags', of: 'service' });
  if (routes.some(({ owner }) => owner === 'unmarked')) actions.push({ type: 'restore-tags', of: 'routes' });
  return actions.length > 0 ? act(...actions) : undefined;
}

/** Home, blueprint and target are there before any lesson, and for as long as the workspace. */
function prepared(workspace: Workspace, observed: Observed, wantedHash: string): Step {
  const { home, target } = observed;
  const actions: Action[] = [];
  if (!home) actions.push({ type: 'create-home' });
  // One that goes is made anew under another id, which the blueprint names.
  else if (home.state !== 'going' && !isUp(observed) && isOutdated(observed.blueprint, wantedHash))
    actions.push({ type: 'register-blueprint' });
  if (!target) actions.push({ type: 'create-target' });
  else if (target.settings === 'unset') actions.push({ type: 'set-target-attributes' });
  if (actions.length > 0) return act(...actions);
  if (home?.state === 'available') return undefined;
  return wait('HomePreparing', `The home of ${workspace.student.name} is being made.`, 1);
}

function isOutdated(blueprint: Blueprint | undefined | 'unread', wantedHash: string): boolean {
  return blueprint !== 'unread' && blueprint?.hash !== wantedHash;
}

/** Its attempts came to nothing: it costs nothing more, and says what a person can do. */
function broken(workspace: Workspace, observed: Observed, now: Date): Step {
  const failure = failureOf(workspace, observed, now);
  const reason = stuckReason(failure);
  return { verdict: 'stuck', reason, message: stuckSentence(reason, failure, workspace.status.image) };
}

/** A place, a parked rule, a task; then it is waited for, and people are let in. */
function up(workspace: Workspace, observed: Observed, now: Date): Step {
  const refusal = refusedByGate(workspace, observed);
  const isServing = !refusal && isHealthy(workspace, observed, now);
  const step = routed(observed, isServing) ?? started(observed);
  if (step || isServing) return step;
  return refusal ?? crowdedOut(observed, now) ?? wayUp(workspace, observed, now);
}

/** A rule at the workspace's place, which lets people in while the IDE answers and at no other time. */
function routed({ slot, routes, strangerAtSlot }: Observed, isServing: boolean): Step {
  if (slot === 'full') return wait('NoRoute', 'Every place is taken; the next one that frees is yours.', 5);
  if (slot === null) return act({ type: 'take-slot' });
  if (strangerAtSlot) return act({ type: 'move-slot' });
  const isOurPlace = (route: Route) => route.balancer === slot.balancer && route.priority === slot.priority;
  const [route] = routes.filter(isOurPlace);
  const strays = routes.filter(candidate => candidate !== route);
  const actions: Action[] = [];
  // The new rule before the old ones go: a person in the editor keeps their way in.
  if (!route) actions.push({ type: 'create-route', open: isServing });
  else if (route.leads === 'astray') actions.push({ type: 'repair-route', routeId: route.id, open: isServing });
  else if (route.leads === 'here' && !isServing) actions.push({ type: 'park-route', routeId: route.id });
  else if (route.leads === 'nowhere' && isServing) actions.push({ type: 'open-route', routeId: route.id });
  else if (strays.length > 0) actions.push({ type: 'delete-routes', routeIds: strays.map(({ id }) => id) });
  return actions.length > 0 ? act(...actions) : undefined;
}

/** One writer per home: nothing is started before everything of the last run has ended. */
function started(observed: Observed): Step {
  const { service } = observed;
  if (isUp(observed)) return service?.desired === 1 ? undefined : act({ type: 'trim-service' });
  if (!everyTaskStopped(observed)) return wait('Stopping', 'Saving and stopping.', 1);
  if (service?.state === 'draining') return wait('Draining', 'An older run is still ending.', 5);
  return act({ type: service ? 'start-service' : 'create-service' });
}

/** Nothing is given up: the task is placed as soon as a host has room, whoever sees to it. */
function crowdedOut(observed: Observed, now: Date): Step {
  if (!hasNoRoom(observed, now)) return undefined;
  const message = 'For ten minutes no server has had room: raise the cluster’s limit, or stop another workspace.';
  return { verdict: 'stuck', reason: 'NoRoom', message };
}

/** The gate runs and does not open. It goes on trying; ECS gives up on it in time. */
function refusedByGate(workspace: Workspace, observed: Observed): Step {
  const reason = reportedProblem(workspace, observed);
  if (!reason) return undefined;
  const failure = { container: 'gate', exitCode: null, reason };
  return { verdict: 'stuck', reason, message: stuckSentence(reason, failure, null) };
}

/** A deleted workspace owns nothing in AWS; the files in its home stay. */
function dismantled(observed: Observed): Plan<Action> {
  const { service, target, home, slot, revisions } = observed;
  const closing = shut(observed, false);
  if (service?.state === 'active' && service.owner !== 'foreign') return act({ type: 'delete-service' }, ...closing);
  if (closing.length > 0) return act(...closing);
  if (!everyTaskStopped(observed)) return wait('Stopping', 'Saving and stopping.', 1);
  const actions: Action[] = [];
  if (slot !== null) actions.push({ type: 'release-slot' });
  if (target && target.owner !== 'foreign') actions.push({ type: 'delete-target' });
  if (revisions.length > 0) actions.push({ type: 'delete-blueprints' });
  if (home && home.state !== 'going' && home.owner !== 'foreign') actions.push({ type: 'delete-home' });
  return actions.length > 0 ? act(...actions) : { verdict: 'settled' };
}

function act(...actions: Action[]): Plan<Action> {
  return { verdict: 'act', actions };
}

function wait(reason: string, message: string, seconds: number): Plan<Action> {
  return { verdict: 'wait', reason, message, seconds };
}
