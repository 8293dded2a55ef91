import type { Clock } from '../../infra/local/aws/clock.ts';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
  handle: NodeJS.Timeout;
}

/** A clock that runs `pace` times as fast as the machine's, and that a test can set forward or back at any time. */
export class JumpingClock implements Clock {
  readonly pace: number;
  readonly #begun = performance.now();
  readonly #origin = Date.now();
  readonly #timers = new Set<Timer>();
  #offset = 0;

  constructor(pace: number) {
    this.pace = pace;
  }

  now(): number {
    return Math.floor(this.#origin + (performance.now() - this.#begun) * this.pace + this.#offset);
  }

  after(milliseconds: number, callback: () => void): () => void {
    const timer: Timer = { at: this.now() + milliseconds, callback, handle: setTimeout(() => {}, 0) };
    this.#arm(timer);
    this.#timers.add(timer);
    return () => {
      clearTimeout(timer.handle);
      this.#timers.delete(timer);
    };
  }

  /** Lets so much time be gone at once; what was due in it is due now. Less than nothing: back into the past. */
  jump(milliseconds: number): void {
    this.#offset += milliseconds;
    for (const timer of this.#timers) this.#arm(timer);
  }

  #arm(timer: Timer): void {
    clearTimeout(timer.handle);
    const run = () => {
      this.#timers.delete(timer);
      timer.callback();
    };
    timer.handle = setTimeout(run, Math.max(0, timer.at - this.now()) / this.pace);
    timer.handle.unref();
  }
}
