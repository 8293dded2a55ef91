import type { Clock } from '../../infra/local/aws/clock.ts';

interface Timer {
  readonly id: number;
  at: number;
  readonly run: () => void;
  /** Milliseconds between two calls, of one that repeats. */
  readonly every: number | undefined;
}

/** Turns of the event loop in which nothing happens before the process counts as waiting for a timer alone. */
const quietTurns = 3;

/**
 * Steps without the time moving after which nothing is being waited for: a loop that goes round at once. Ten
 * workspaces at work take some hundreds.
 */
const mostStepsAtOnce = 20_000;
/** Turns in which something always happens after which nothing comes to rest: a loop that awaits nothing slow. */
const mostTurnsAtOnce = 200_000;

/** What of the real timers is used after they were replaced. */
const nextTurn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

/**
 * Time that stands still while anything is under way and jumps to the next timer when nothing is: a minute of AWS costs
 * as long as its events take, and the order of events does not depend on how fast the machine is. Every timer of this
 * process goes by it once `install` was called; what is under way outside of it (PostgreSQL) is told by `busy`.
 */
export class VirtualTime implements Clock {
  #now: number;
  #nextId = 1;
  readonly #timers = new Map<number, Timer>();
  #busy = 0;
  #activity = 0;
  #whenFree: (() => void)[] = [];
  /** Steps since the time last moved. */
  #stepsAtOnce = 0;
  /** Asked before time moves: what must arrive first, such as notifications of what was committed. */
  beforeMoving: () => Promise<void> | undefined = () => undefined;

  constructor(now = Date.UTC(2027, 0, 4, 9)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, callback: () => void): () => void {
    const id = this.#add(milliseconds, callback, undefined);
    return () => this.#timers.delete(id);
  }

  /** Replaces the timers of this process, for good. */
  install(): void {
    const handle = (id: number) => ({
      id,
      ref: () => handle(id),
      unref: () => handle(id),
      hasRef: () => true,
      refresh: () => handle(id),
      [Symbol.toPrimitive]: () => id,
      [Symbol.dispose]: () => void this.#timers.delete(id),
    });
    const clear = (timer: { readonly id: number } | undefined) => void (timer && this.#timers.delete(timer.id));
    const set =
      (repeats: boolean) =>
      (callback: (...args: unknown[]) => void, milliseconds = 0, ...args: unknown[]) =>
        handle(this.#add(milliseconds, () => callback(...args), repeats ? Math.max(1, milliseconds) : undefined));
    Object.assign(globalThis, {
      setTimeout: set(false),
      setInterval: set(true),
      clearTimeout: clear,
      clearInterval: clear,
    });
    performance.now = () => this.#now;
  }

  /** Time stands still until the answer was called. */
  busy(): () => void {
    this.#busy += 1;
    this.#activity += 1;
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.#busy -= 1;
      this.#activity += 1;
      if (this.#busy > 0) return;
      for (const free of this.#whenFree.splice(0)) free();
    };
  }

  /** Waits within something that is under way, and lets time go by meanwhile. */
  async wait(milliseconds: number): Promise<void> {
    this.#busy -= 1;
    if (this.#busy === 0) for (const free of this.#whenFree.splice(0)) free();
    await new Promise<void>(resolve => void this.after(milliseconds, resolve));
    this.#busy += 1;
  }

  /** Something happened: whoever waits for quiet waits on. */
  stir(): void {
    this.#activity += 1;
  }

  /** Lets everything happen that needs no more time. */
  async settle(): Promise<void> {
    for (;;) {
      await this.#quiet();
      const first = this.beforeMoving();
      if (!first) return;
      await first;
    }
  }

  /** Lets time go by until `work` has ended; answers with its result. */
  async drive<T>(work: Promise<T>): Promise<T> {
    let ended = false;
    const end = () => {
      ended = true;
    };
    work.then(end, end);
    for (;;) {
      await this.#quiet();
      if (ended) return work;
      await this.#step();
    }
  }

  /** Lets time go by until `check` says so; throws when that takes longer than `within` milliseconds of it. */
  async until(check: () => boolean | Promise<boolean>, within: number, what: string): Promise<void> {
    const end = this.#now + within;
    for (;;) {
      await this.#quiet();
      if (await check()) return;
      if (this.#now >= end) throw new Error(`${what}: not within ${within / 1000} s of the world's time`);
      await this.#step();
    }
  }

  /** Lets so much time go by. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    for (;;) {
      await this.#quiet();
      const next = this.#next();
      if (!next || next.at > end) break;
      await this.#step();
    }
    this.#now = end;
  }

  async #quiet(): Promise<void> {
    let turns = 0;
    for (let quiet = 0; quiet < quietTurns; ) {
      turns += 1;
      if (turns > mostTurnsAtOnce) throw new Error('busy: something goes on and on and waits for no time to pass');
      if (this.#busy > 0) {
        await new Promise<void>(resolve => this.#whenFree.push(resolve));
        quiet = 0;
        continue;
      }
      const before = this.#activity;
      await nextTurn();
      quiet = this.#busy === 0 && this.#activity === before ? quiet + 1 : 0;
    }
  }

  async #step(): Promise<void> {
    this.#stepsAtOnce += 1;
    if (this.#stepsAtOnce > mostStepsAtOnce) {
      this.#stepsAtOnce = 0;
      throw new Error('busy: one thing follows on another, and no time passes');
    }
    const first = this.beforeMoving();
    if (first) {
      await first;
      return;
    }
    const next = this.#next();
    if (!next) throw new Error('nothing is under way and no timer is set: this world would stand still for ever');
    if (next.at > this.#now) this.#stepsAtOnce = 0;
    this.#now = Math.max(this.#now, next.at);
    if (next.every === undefined) this.#timers.delete(next.id);
    else next.at = this.#now + next.every;
    this.#activity += 1;
    next.run();
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers.values()) if (!first || timer.at < first.at) first = timer;
    return first;
  }

  #add(milliseconds: number, run: () => void, every: number | undefined): number {
    const id = this.#nextId++;
    this.#activity += 1;
    this.#timers.set(id, { id, at: this.#now + Math.max(0, Number(milliseconds) || 0), run, every });
    return id;
  }
}
