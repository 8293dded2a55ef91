import type { workspaceReasons } from '../../api/resources/reasons.ts';
import type { Step, Workspace } from '../../api/resources/workspace.ts';
import type { Plan } from '../../controller/reconciler.ts';
import { liveTask, reportedReady, wasReady } from './facts.ts';
import type { Observed } from './model.ts';

/** How far a task has come that is to become ready: what is told of it, and when to look again. */
export interface Stage {
  readonly step: Step;
  readonly reason: (typeof workspaceReasons.waits)[number];
  readonly message: string;
  readonly seconds: number;
}

/** The gate's heartbeat is heard, not waited for; these are for when one is lost, and for what has no voice. */
const stages = {
  noRoom: {
    step: 'placing',
    reason: 'NoRoom',
    message: 'No server has room; one is added, or another workspace stops.',
    seconds: 5,
  },
  placing: { step: 'placing', reason: 'Placing', message: 'Finding a place.', seconds: 1 },
  loading: { step: 'loading', reason: 'ImageLoading', message: "Fetching the class's image.", seconds: 2 },
  starting: { step: 'starting', reason: 'IdeStarting', message: 'Starting the editor.', seconds: 2 },
  connecting: { step: 'connecting', reason: 'Connecting', message: 'Connecting.', seconds: 1 },
} as const satisfies Record<string, Stage>;

/** A start of a second is looked at a few times, one of a minute at the stage's own pace. */
const shortestSeconds = 0.05;
const shareOfElapsed = 0.25;

/** The stage of a workspace whose service is to run a task that is not ready. */
export function stageOf(workspace: Workspace, observed: Observed): Stage {
  const task = liveTask(observed);
  const stage = forward(workspace, observed, task?.state);
  if (!wasReady(workspace) || stage === stages.noRoom) return stage;
  const outOfMemory = hasRunOutOfMemory(observed);
  const message = outOfMemory
    ? 'It ran out of memory and is started again.'
    : 'It stopped answering and is started again.';
  return { step: 'repairing', reason: 'Repairing', message, seconds: stage.seconds };
}

/** Waits at the present stage. What began a moment ago is looked at again soon: it may be there before anybody says so. */
export function wayUp(workspace: Workspace, observed: Observed, now: Date): Plan<never> {
  const { reason, message, seconds } = stageOf(workspace, observed);
  const since = (now.getTime() - (observed.service?.deployment.startedAt.getTime() ?? 0)) / 1000;
  // The two clocks may differ: never sooner than the shortest, never later than the stage's own.
  const soon = Math.max(shortestSeconds, Math.abs(since) * shareOfElapsed);
  return { verdict: 'wait', reason, message, seconds: Math.min(seconds, soon) };
}

function forward(workspace: Workspace, observed: Observed, state: string | undefined): Stage {
  if (state === 'running') return reportedReady(workspace, observed) ? stages.connecting : stages.starting;
  if (state === 'loading') return stages.loading;
  if (state === undefined && observed.service?.noRoom) return stages.noRoom;
  return stages.placing;
}

function hasRunOutOfMemory({ tasks }: Observed): boolean {
  return tasks !== 'unread' && tasks.some(({ crash }) => crash?.reason.startsWith('OutOfMemory'));
}
