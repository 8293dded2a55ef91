import { walk } from './files/walk.ts';

/** Blocks are of this size in every stat(2), whatever the file system's own are. */
const blockBytes = 512;
const dayMilliseconds = 24 * 3_600_000;
/** A start has better to do than to count. */
const firstMilliseconds = 60_000;

/** Bytes that the files below a folder take up. No link is followed; a file of several names counts once in all. */
export async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for await (const found of walk(folder)) {
    if (found.type === 'file') bytes += (found.stats.blocks * blockBytes) / found.stats.nlink;
  }
  return Math.round(bytes);
}

/** Counts a home soon after it is held, and every day: EFS limits no directory, so somebody must look. */
export class HomeSize {
  readonly #home: string;
  readonly #onCounted: () => void;
  #timer: NodeJS.Timeout | undefined;
  #bytes: number | undefined;
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
  untold(): number | undefined {
    return this.#bytes;
  }

  /** The API knows it now. */
  told(bytes: number | undefined): void {
    if (bytes === this.#bytes) this.#bytes = undefined;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #count(): Promise<void> {
    // A home that goes away while it is counted is told of by others.
    this.#bytes = await sizeOf(this.#home).catch(() => undefined);
    if (this.#closed) return;
    if (this.#bytes !== undefined) this.#onCounted();
    this.start(dayMilliseconds);
  }
}
