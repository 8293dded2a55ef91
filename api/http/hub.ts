import { type Change, listen, type Subscription } from '../store/changes.ts';

/** What is told of: `gone` when the row was removed. */
export interface Told {
  readonly kind: string;
  readonly id: string;
  readonly version: number;
  readonly gone: boolean;
}

/** One who watches. Calls must not throw. */
export interface Watcher {
  /** What changed within a moment, the last of each object, in order of version. */
  changed(changes: readonly Told[]): void;
  /** Something may have been missed: list afresh. */
  missed(): void;
  /** Rights may have changed: look again. */
  recheck(): void;
}

/** One listener per process, fanned out to whoever watches. */
export interface Hub {
  add(watcher: Watcher): () => void;
  /** Asks every watcher to look at its rights again: somebody signed out. */
  recheck(): void;
  /** The version up to which removals are remembered: who resumes from before must list afresh. */
  since(): number;
  /** Removals after a version, oldest first. */
  removedAfter(version: number): readonly Told[];
  close(): Promise<void>;
}

/** A burst, such as a class that starts, becomes one look at the rows in this time: below what a person notices. */
const betweenLooksMilliseconds = 40;
/** Enough for a semester's removals between two restarts; beyond, the oldest are forgotten. */
const rememberedRemovals = 5_000;

/** Starts listening; `since` is the version that was there before. */
export async function createHub(databaseUrl: string, presentVersion: () => Promise<number>): Promise<Hub> {
  const watchers = new Set<Watcher>();
  const pending = new Map<string, Told>();
  let removed: Told[] = [];
  let since = 0;
  let timer: NodeJS.Timeout | undefined;
  let lookedAt = Number.NEGATIVE_INFINITY;

  function flush() {
    timer = undefined;
    lookedAt = performance.now();
    const changes = [...pending.values()].sort((a, b) => a.version - b.version);
    pending.clear();
    for (const watcher of watchers) watcher.changed(changes);
  }
  function onMessage({ kind, id, version = 0, gone }: Change) {
    const told = { kind, id, version, gone: gone === true };
    pending.set(`${kind} ${id}`, told);
    if (gone) removed.push(told);
    if (removed.length > rememberedRemovals) since = Math.max(since, removed.shift()?.version ?? 0);
    // What changes by itself is told at once.
    timer ??= setTimeout(flush, Math.max(0, lookedAt + betweenLooksMilliseconds - performance.now()));
  }
  async function onReconnect() {
    removed = [];
    // Until it is known, nobody can resume; those who watch list afresh anyway.
    since = Number.POSITIVE_INFINITY;
    for (const watcher of watchers) watcher.missed();
    since = await presentVersion().catch(() => Number.POSITIVE_INFINITY);
  }

  const subscription: Subscription = await listen(databaseUrl, 'changed', onMessage, () => void onReconnect());
  since = await presentVersion();
  return {
    add(watcher) {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    recheck() {
      for (const watcher of watchers) watcher.recheck();
    },
    since: () => since,
    removedAfter: version => removed.filter(told => told.version > version),
    async close() {
      clearTimeout(timer);
      await subscription.close();
    },
  };
}
