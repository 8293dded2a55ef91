import type { Home, PurgeFailure } from '../../api/resources/home.ts';
import type { Plan } from '../../controller/reconciler.ts';
import { failureOf, isPurged } from './facts.ts';
import type { Action, Observed } from './model.ts';

/** A keeper is over in seconds, or goes through a million files: nobody waits at a screen for it. */
const workSeconds = 3;
/** Access points are made within seconds. */
const doorSeconds = 2;
/** As long as a further server takes, and more. */
const roomSeconds = 30;

const sentences: Readonly<Record<PurgeFailure, string>> = {
  NotThisHome: 'What is stored there does not say that it is this student’s, so nothing was deleted.',
  HomeInUse: 'Something still works with these files, so nothing was deleted. Try again later.',
  PurgeFailed: 'Not all files could be deleted. Try again.',
  KeeperFailed: 'The deletion was broken off before its end. Try again.',
};

/** The rules of a home that is to go, from top to bottom. One that nobody asked to delete wants nothing. */
export function plan(home: Home, observed: Observed): Plan<Action> {
  if (home.deletedAt === null) return { verdict: 'settled' };
  // Whoever came back has another home; this is for a row that says otherwise.
  if (home.inUse) return stuck('HomeInUse');
  if (isPurged(home, observed)) return cleared(observed);
  const failure = failureOf(home, observed);
  if (failure) return stuck(failure.reason);
  if (observed.keeper !== undefined || observed.olderRuns)
    return wait('Purging', 'The files are being deleted.', workSeconds);
  if (observed.refusal !== undefined) return refused(observed.refusal);
  return readied(home, observed);
}

/** What a keeper needs, then the keeper. */
function readied({ spec }: Home, { door, blueprint }: Observed): Plan<Action> {
  if (!door) return act({ type: 'create-door' });
  if (door.owner === 'foreign' || !door.leadsHome) return stuck('NotThisHome');
  if (door.state !== 'available') return wait('Preparing', 'The deletion is being prepared.', doorSeconds);
  // A further try is made of a definition of its own: what the first one named may have been at fault.
  const isFresh = blueprint !== undefined && blueprint.revision >= spec.attempt;
  return act({ type: isFresh ? 'run-keeper' : 'register-keeper' });
}

/** Nothing is left in it: what was made for the keeper goes too. */
function cleared({ door, revisions }: Observed): Plan<Action> {
  const isOurs = door !== undefined && door.owner !== 'foreign';
  const actions: readonly Action[] = [
    ...(isOurs && door.state !== 'going' ? [{ type: 'delete-door' } as const] : []),
    ...(revisions.length > 0 ? [{ type: 'delete-keepers' } as const] : []),
  ];
  if (actions.length > 0) return { verdict: 'act', actions };
  return { verdict: 'settled' };
}

function refused(refusal: NonNullable<Observed['refusal']>): Plan<Action> {
  switch (refusal) {
    case 'no-room':
      return wait('NoRoom', 'The deletion waits until a server has room.', roomSeconds);
    case 'quota':
      return wait(
        'QuotaReached',
        'The deletion waits: AWS makes no more access points until some are given back.',
        roomSeconds,
      );
    case 'unseen':
      return wait('Preparing', 'The deletion is being prepared.', doorSeconds);
  }
}

function act(action: Action): Plan<Action> {
  return { verdict: 'act', actions: [action] };
}

function wait(reason: string, message: string, seconds: number): Plan<Action> {
  return { verdict: 'wait', reason, message, seconds };
}

function stuck(reason: PurgeFailure): Plan<Action> {
  return { verdict: 'stuck', reason, message: sentences[reason] };
}
