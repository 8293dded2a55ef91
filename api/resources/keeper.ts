/**
 * What a keeper and the loop agree on: a task of the gate's image that works inside a home whose workspace is gone. It
 * is told `gateEnvironment.homeId` and `gateEnvironment.homePath`, and answers by its exit code.
 */
export const purgeCommand = 'purge';

/** Exit codes of a keeper. `otherHome`: what is mounted does not carry the home's id; `inUse`: a gate holds the lock. */
export const keeperExits = { done: 0, failed: 1, otherHome: 3, inUse: 4 } as const;

/** Set to `1`: a person asked for it although no marker says whose the home is; its directory alone says so. */
export const purgeUnmarked = 'ARMADA_PURGE_UNMARKED';

/** In a home that is, or is being, deleted for good: a file with the home's id, so that a repetition knows it again. */
export const purgedMark = '.armada/purged';
