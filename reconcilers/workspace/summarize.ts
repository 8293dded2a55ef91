import type { Step, Workspace, WorkspaceStatus } from '../../api/resources/workspace.ts';
import { addressesOf, imageOf } from './blueprint.ts';
import { attemptFailed, brokenOff, failureOf, hasStopped, isReady, isUp, restartAsked } from './facts.ts';
import type { Observed } from './model.ts';
import { hashOf } from './plan.ts';
import type { WorkspaceSettings } from './settings.ts';
import { stageOf } from './way-up.ts';

type Summary = Omit<WorkspaceStatus, 'conditions' | 'observedGeneration'>;

/** Makes the summary for people. */
export function createSummarize(settings: WorkspaceSettings) {
  return function summarize(workspace: Workspace, observed: Observed, now: Date): Summary {
    const failed = hasFailed(workspace, observed, now, settings);
    const step = stepOf(workspace, observed, now, failed);
    const { status } = workspace;
    const hasBegun = isUp(observed) && isRunStep(status.step);
    const addresses = hasBegun ? status.addresses : addressesOf(workspace, settings);
    return {
      step,
      // A restart asks for a stop and a start: once stopped, what is left is the start, which `running` asks for.
      restarts: hasStopped(workspace, observed) ? workspace.spec.restarts : status.restarts,
      image: (hasBegun && status.image) || imageOf(workspace, settings),
      readyAt: step === 'ready' ? readySince(workspace, observed, now) : null,
      failure: failed ? trimmed(failureOf(workspace, observed, now)) : null,
      ...(addresses === undefined ? {} : { addresses }),
    };
  };
}

function hasFailed(workspace: Workspace, observed: Observed, now: Date, settings: WorkspaceSettings): boolean {
  if (!workspace.spec.running || workspace.deletedAt !== null || restartAsked(workspace)) return false;
  if (isUp(observed)) return attemptFailed(observed, now);
  return brokenOff(workspace, observed, hashOf(workspace, observed, settings), now);
}

function stepOf(workspace: Workspace, observed: Observed, now: Date, failed: boolean): Step {
  const wanted = workspace.spec.running && workspace.deletedAt === null && !failed;
  if (isUp(observed)) {
    if (!wanted || restartAsked(workspace)) return 'stopping';
    return isReady(workspace, observed, now) ? 'ready' : stageOf(workspace, observed).step;
  }
  if (!hasStopped(workspace, observed)) return 'stopping';
  return wanted ? 'preparing' : 'stopped';
}

/** The row is of a run that has begun: its image stays, whatever the course says now. */
function isRunStep(step: Step): boolean {
  return step !== 'stopped' && step !== 'preparing';
}

function readySince({ status }: Workspace, { service }: Observed, now: Date): string {
  const { step, readyAt } = status;
  const stands = step === 'ready' && readyAt !== null && service && new Date(readyAt) >= service.deployment.startedAt;
  return stands ? readyAt : now.toISOString();
}

/** Reasons of AWS can be long; a row holds what a page shows. */
function trimmed<T extends { readonly reason: string }>(failure: T): T {
  return { ...failure, reason: failure.reason.slice(0, 300) };
}
