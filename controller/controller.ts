import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { acquireLease } from '../api/store/lease.ts';
import { aligned } from './aligned.ts';
import { backoffSeconds } from './backoff.ts';
import type { Kind } from './drive.ts';
import { type Again, Queue, type QueueLook, type Urgency } from './queue.ts';
import type { RouteSlots } from './reconciler.ts';
import { type Hint, type Hints, openSources, partsOf } from './sources.ts';

/** What a controller is made of. Times are seconds. */
export interface ControllerOptions {
  /** Connection string of Postgres: the lease and the subscription have connections of their own. */
  readonly url: string;
  readonly kinds: readonly Kind[];
  readonly slots: RouteSlots;
  readonly log: Logger;
  readonly now: () => Date;
  readonly random: () => number;
  readonly resyncSeconds?: number;
  /** A pass that takes longer is aborted, and tried again like one that failed. */
  readonly passSeconds?: number;
  readonly concurrency?: number;
  /** Further hints where to look, heard while this one leads. */
  readonly hints?: Hints | undefined;
  /** What somebody waits for when this one begins to lead: whoever led before may have died over it. */
  readonly underWay?: (() => Promise<readonly Hint[]>) | undefined;
  /** Told of each key at the moment that it is asked for. */
  readonly asked?: ((key: string) => void) | undefined;
}

/** How a controller stands. */
export interface ControllerLook {
  readonly leading: boolean;
  /** Undefined while it stands by. */
  readonly queue: QueueLook | undefined;
  /** Seconds since all rows were last listed; undefined until they were. */
  readonly resyncAgeSeconds: number | undefined;
}

/** How soon drift is found, against what a resync costs. Source: design, drift. */
const defaultResyncSeconds = 30;
/** Well above the slowest chain of calls that one pass makes, each of 10 s at most. */
const defaultPassSeconds = 60;
/**
 * A pass mostly waits for AWS, and its reads are shared by all that run at once: a resync in a few rounds costs a few
 * times its pages. More would only hold memory.
 */
const defaultConcurrency = 2_048;
/** Room for people, however many looks of a resync are under way: a class at once. */
const urgentConcurrency = 256;
/** How long a stop lets passes end by themselves. Below the 30 s that ECS gives a container. */
const drainSeconds = 15;
/** Before the lease is asked for again when the database is away. */
const pauseSeconds = 1;

/** The loop. Of several, one acts: the holder of the lease; the others stand by and take over as soon as it is free. */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #stopping = new AbortController();
  #life: Promise<void> | undefined;
  #leading = false;
  #queue: Queue | undefined;
  #listedAt: number | undefined;

  constructor(options: ControllerOptions) {
    this.#options = options;
  }

  /** Whether this one holds the lease and looks after the rows. */
  get leading(): boolean {
    return this.#leading;
  }

  /** How it stands now. */
  look(): ControllerLook {
    const age = this.#listedAt === undefined ? undefined : (performance.now() - this.#listedAt) / 1000;
    return { leading: this.#leading, queue: this.#queue?.look(), resyncAgeSeconds: age };
  }

  /** Begins to stand by. Faults of the database are waited out. */
  start(): void {
    this.#life ??= this.#live();
  }

  /** Lets what runs end, within 15 s, then gives the lease up. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the controller stops'));
    await this.#life;
  }

  async #live(): Promise<void> {
    const { url, log } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const lease = await acquireLease(url, 'controller', { signal });
        try {
          await this.#lead(lease.lost);
        } finally {
          this.#leading = false;
          this.#queue = undefined;
          this.#listedAt = undefined;
          await lease.release();
        }
        if (!signal.aborted) log.warn('lease lost');
      } catch (err) {
        if (signal.aborted) return;
        log.error({ err }, 'not leading');
        await delay(pauseSeconds * 1000, undefined, { signal }).catch(() => {});
      }
    }
  }

  /** Looks after the rows until the lease is lost or the controller stops. */
  async #lead(lost: AbortSignal): Promise<void> {
    const { url, log, kinds, hints, concurrency = defaultConcurrency } = this.#options;
    const { resyncSeconds = defaultResyncSeconds } = this.#options;
    const stopped = this.#stopping.signal;
    const abort = new AbortController();
    const reign = new Reign(this.#options, abort.signal);
    const queue = new Queue({
      concurrency,
      reserved: urgentConcurrency,
      work: (key, urgency, hurry) => reign.work(key, urgency, hurry),
      failed: (key, error) => reign.failed(key, error),
    });
    this.#queue = queue;
    const listed = () => {
      this.#listedAt = performance.now();
    };
    const { asked, underWay } = this.#options;
    const sources = await openSources({ url, kinds, queue, resyncSeconds, hints, asked, underWay, listed, log });
    this.#leading = true;
    log.info('leading');
    await aborted(AbortSignal.any([lost, stopped]));
    // From now on another may lead: what runs may end, nothing begins.
    this.#leading = false;
    await sources.close();
    if (lost.aborted) abort.abort(new Error('the lease was lost'));
    const impatience = setTimeout(() => abort.abort(stopped.reason), drainSeconds * 1000);
    lost.addEventListener('abort', () => abort.abort(new Error('the lease was lost')), { once: true });
    await queue.stop();
    clearTimeout(impatience);
  }
}

/** One time as leader: knows how often each key has failed in a row. */
class Reign {
  readonly #options: ControllerOptions;
  readonly #kinds: ReadonlyMap<string, Kind>;
  readonly #stopping: AbortSignal;
  readonly #failures = new Map<string, number>();
  /** What runs: told of the end one by one, for signals made of two are dear by the thousand. */
  readonly #passes = new Set<AbortController>();

  constructor(options: ControllerOptions, stopping: AbortSignal) {
    this.#options = options;
    this.#kinds = new Map(options.kinds.map(kind => [kind.name, kind]));
    this.#stopping = stopping;
    const end = () => {
      for (const pass of this.#passes) pass.abort(stopping.reason);
    };
    stopping.addEventListener('abort', end, { once: true });
  }

  async work(key: string, urgency: Urgency, hurry: AbortSignal): Promise<Again | undefined> {
    const { kind: name, id } = partsOf(key);
    const kind = this.#kinds.get(name);
    if (!kind) return undefined;
    const { log, now, slots, random, passSeconds = defaultPassSeconds } = this.#options;
    const pass = new AbortController();
    if (this.#stopping.aborted) pass.abort(this.#stopping.reason);
    this.#passes.add(pass);
    const timer = setTimeout(
      () => pass.abort(new Error(`the pass took longer than ${passSeconds} s`)),
      passSeconds * 1000,
    );
    try {
      const failures = (this.#failures.get(key) ?? 0) + 1;
      const passed = await kind.pass(id, {
        log,
        now,
        slots,
        urgent: urgency === 'urgent',
        hurry,
        signal: pass.signal,
        stopping: this.#stopping,
        retrySeconds: () => backoffSeconds(failures, random),
      });
      if (passed.verdict === 'failed') this.#failures.set(key, failures);
      else this.#failures.delete(key);
      // Whoever waited for this pass still waits for the next.
      const { verdict, againSeconds } = passed;
      if (againSeconds === undefined) return undefined;
      // What failed together is not to come back together.
      return { seconds: verdict === 'failed' ? againSeconds : aligned(againSeconds, now().getTime()), urgency };
    } finally {
      clearTimeout(timer);
      this.#passes.delete(pass);
    }
  }

  /** What a pass could not tell its object: the database is away, or there is a fault in the loop. */
  failed(key: string, err: unknown): Again | undefined {
    if (this.#stopping.aborted) return undefined;
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    this.#options.log.error({ err, key }, 'pass failed');
    return { seconds: backoffSeconds(failures, this.#options.random), urgency: 'background' };
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
