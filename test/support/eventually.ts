import { setTimeout as delay } from 'node:timers/promises';

/**
 * Repeats `check` until it neither throws nor answers false, and returns its answer; after `within` milliseconds it
 * fails with the last error: by far more than a slow machine takes, for it only ends what never comes true. The pause
 * between looks is the only waiting that tests do.
 */
export async function eventually<T>(check: () => T | Promise<T>, { within = 60_000, every = 20 } = {}): Promise<T> {
  const end = Date.now() + within;
  for (;;) {
    let failure: unknown;
    try {
      const answer = await check();
      if (answer !== false && answer !== null) return answer;
      failure = new Error(`still ${String(answer)}`);
    } catch (error) {
      failure = error;
    }
    if (Date.now() >= end) throw new Error(`not within ${within} ms: ${String(failure)}`, { cause: failure });
    await delay(every);
  }
}
