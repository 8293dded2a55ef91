/** The time that the local AWS goes by: the real one, or one that a test moves on. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `callback` once after `milliseconds`; the answer calls it off. */
  after(milliseconds: number, callback: () => void): () => void;
}

/** The machine's own clock. Its timers never keep the process alive. */
export const realClock: Clock = {
  now: () => Date.now(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
