import type { Logger } from 'pino';
import { listen } from '../api/store/changes.ts';
import type { Kind } from './drive.ts';
import type { Queue } from './queue.ts';

/** A key names an object to look at, never what happened to it. */
export function keyOf(kind: string, id: string): string {
  return `${kind}/${id}`;
}

/** Takes a key apart again. */
export function partsOf(key: string): { readonly kind: string; readonly id: string } {
  const slash = key.indexOf('/');
  return { kind: key.slice(0, slash), id: key.slice(slash + 1) };
}

/** One object to look at. */
export interface Hint {
  readonly kind: string;
  readonly id: string;
}

/** Where to look, said by whom it costs nothing to believe: a look is all that follows. */
export interface Hints {
  /** Calls `hear` until it is closed. */
  open(hear: (hint: Hint | 'all') => void, log: Logger): { close(): Promise<void> };
}

/**
 * Feeds the queue: what is announced on `asked` at once and ahead of the rest, and every row at the start, after each
 * lost connection and at each resync. Rows are listed all together, not spread out, so that reading AWS for them is
 * shared; what is under way at the start goes ahead of them. Hints from elsewhere are looked at as what is asked.
 * Rejects when it can't subscribe.
 */
export async function openSources(options: {
  readonly url: string;
  readonly kinds: readonly Kind[];
  readonly queue: Queue;
  readonly resyncSeconds: number;
  readonly hints?: Hints | undefined;
  readonly underWay?: (() => Promise<readonly Hint[]>) | undefined;
  /** Told of each key that is asked for, and of each time that all rows have been listed. */
  readonly asked?: ((key: string) => void) | undefined;
  readonly listed?: (() => void) | undefined;
  readonly log: Logger;
}): Promise<{ close(): Promise<void> }> {
  const { url, kinds, queue, resyncSeconds, hints, log } = options;
  const known = new Set(kinds.map(kind => kind.name));

  async function list(): Promise<void> {
    const all = await Promise.all(
      kinds.map(async kind => {
        try {
          for (const id of await kind.keys()) queue.add(keyOf(kind.name, id), 'background');
          return true;
        } catch (err) {
          log.error({ err, kind: kind.name }, 'rows could not be listed');
          return false;
        }
      }),
    );
    if (all.every(Boolean)) options.listed?.();
  }

  function hear(hint: Hint | 'all'): void {
    if (hint === 'all') void list();
    else if (known.has(hint.kind)) queue.add(keyOf(hint.kind, hint.id), 'urgent');
  }

  function ask({ kind, id }: Hint): void {
    if (known.has(kind)) options.asked?.(keyOf(kind, id));
    hear({ kind, id });
  }

  // Before the first list, so that nothing falls between the two.
  const subscription = await listen(url, 'asked', ask, () => {
    log.warn('connection for notifications was lost');
    void list();
  });
  try {
    for (const hint of (await options.underWay?.()) ?? []) hear(hint);
  } catch (err) {
    log.error({ err }, 'what is under way could not be listed');
  }
  await list();
  const hearing = hints?.open(hear, log);
  const timer = setInterval(() => void list(), resyncSeconds * 1000);
  return {
    async close() {
      clearInterval(timer);
      await hearing?.close();
      await subscription.close();
    },
  };
}
