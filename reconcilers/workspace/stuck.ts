import type { workspaceReasons } from '../../api/resources/reasons.ts';
import type { Crash } from './model.ts';

type StuckReason = (typeof workspaceReasons.stuck)[number];

/** Codes with which ECS begins the reason of a container or task that failed. Source: ECS, stopped tasks error messages. */
const codes: readonly (readonly [code: string, reason: StuckReason])[] = [
  ['CannotPull', 'ImageNotFound'],
  ['OutOfMemory', 'OutOfMemory'],
  ['ResourceInitializationError', 'HomeNotReachable'],
  // Ours: what a gate reported.
  ['HomeNotReachable', 'HomeNotReachable'],
  ['HomeInUse', 'HomeInUse'],
];

/** Why a workspace is stuck after this failure. */
export function stuckReason(failure: Crash): StuckReason {
  return codes.find(([code]) => failure.reason.startsWith(code))?.[1] ?? 'StopsAtStart';
}

/** A sentence for whoever must act. */
export function stuckSentence(reason: StuckReason, failure: Crash, image: string | null): string {
  switch (reason) {
    case 'ImageNotFound':
      return `The image ${image ?? 'of the course'} can't be fetched: it is not there, or private.`;
    case 'OutOfMemory':
      return 'It ran out of memory again and again: give the course more, or let less run at once.';
    case 'HomeNotReachable':
      return 'The files are safe, but they cannot be reached now; nothing is started without them.';
    case 'HomeInUse':
      return 'Another editor still holds these files; nothing is started beside it.';
    default:
      return `The ${failure.container} stops right after it starts${exit(failure)}.`;
  }
}

function exit({ exitCode, reason }: Crash): string {
  return exitCode === null ? `: ${reason}` : ` with exit code ${exitCode}`;
}
