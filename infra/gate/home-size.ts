import { walk } from './files/walk.ts';

/** Blocks are of this size in every stat(2), whatever the file system's own are. */
const blockBytes = 512;
const dayMilliseconds = 24 * 3_600_000;
/** A start has better to do than to count. */
const firstMilliseconds = 60_000;
/** As soon again as says when somebody last worked; but so that looking takes a two-hundredth of the time at most. */
const nextMilliseconds = 600_000;
const costShare = 200;
const dot = '.'.charCodeAt(0);

/** What a home holds. `changedAt`: ISO 8601, of the file that was changed last; null: there is none. */
export interface Counted {
  readonly bytes: number;
  readonly changedAt: string | null;
}

/**
 * Looks at all files below a folder. No link is followed; a file of several names counts once in all. What is changed
 * in folders that begin with a dot is programs' own, and a change is never later than `now`, whatever a file says.
 */
export async function countHome(folder: string, now: number = Date.now()): Promise<Counted> {
  let bytes = 0;
  let changed: number | undefined;
  for await (const found of walk(folder)) {
    if (found.type !== 'file') continue;
    const { blocks, nlink, mtimeMs } = found.stats;
    bytes += (blocks * blockBytes) / nlink;
    if (found.name[0] !== dot) changed = Math.max(changed ?? 0, Math.min(mtimeMs, now));
  }
  return { bytes: Math.round(bytes), changedAt: changed === undefined ? null : new Date(changed).toISOString() };
}

/** Counts a home soon after it is held, and now and then: EFS limits no directory, so somebody must look. */
export class HomeSize {
  readonly #home: string;
  readonly #onCounted: () => void;
  #timer: NodeJS.Timeout | undefined;
  #counted: Counted | undefined;
  #closed = false;

  /** `onCounted` is called whenever there is a new count to tell. */
  constructor(home: string, onCounted: () => void) {
    this.#home = home;
    this.#onCounted = onCounted;
  }

  start(afterMilliseconds = firstMilliseconds): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#count(), afterMilliseconds);
    this.#timer.unref();
  }

  /** What was counted and not yet told. */
  untold(): Counted | undefined {
    return this.#counted;
  }

  /** The API knows of so many bytes now. */
  told(bytes: number | undefined): void {
    if (bytes === this.#counted?.bytes) this.#counted = undefined;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #count(): Promise<void> {
    const began = performance.now();
    // A home that goes away while it is counted is told of by others.
    this.#counted = await countHome(this.#home).catch(() => undefined);
    if (this.#closed) return;
    if (this.#counted !== undefined) this.#onCounted();
    const cost = (performance.now() - began) * costShare;
    this.start(Math.min(Math.max(nextMilliseconds, cost), dayMilliseconds));
  }
}
