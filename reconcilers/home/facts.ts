import type { Home, HomeStatus, PurgeFailure } from '../../api/resources/home.ts';
import { keeperExits } from '../../api/resources/keeper.ts';
import type { Observed } from './model.ts';

/** Whether a keeper has seen to it that nothing is left: now, or as was noted earlier. */
export function isPurged(home: Home, { keeper }: Observed): boolean {
  return home.status.purged || (keeper?.state === 'stopped' && keeper.exitCode === keeperExits.done);
}

/** What the present try came to, if not to that; AWS forgets stopped tasks, the row does not. */
export function failureOf(home: Home, { keeper }: Observed): HomeStatus['failure'] {
  const { attempt } = home.spec;
  if (home.status.failure?.attempt === attempt) return home.status.failure;
  if (keeper?.state !== 'stopped' || keeper.exitCode === keeperExits.done) return null;
  return { attempt, reason: reasonOf(keeper.exitCode) };
}

function reasonOf(exitCode: number | null): PurgeFailure {
  switch (exitCode) {
    case keeperExits.otherHome:
      return 'NotThisHome';
    case keeperExits.inUse:
      return 'HomeInUse';
    case null:
      return 'KeeperFailed';
    default:
      return 'PurgeFailed';
  }
}
