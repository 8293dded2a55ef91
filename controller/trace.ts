import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { Kind } from './drive.ts';

/** One call to AWS, as it is logged. */
export interface TracedCall {
  readonly service: string;
  readonly operation: string;
  readonly result: string;
  readonly milliseconds: number;
  /** AWS's own id of the request, where it gave one. */
  readonly requestId: string | undefined;
}

/**
 * Ties log lines together: each pass has an id of its own in every line of it, and each call to AWS is logged (at
 * `debug`) with the id of the pass that it was made for. A read that several passes share has the id of the first.
 */
export interface Trace {
  /** The same kind, each of its passes logged under an id. */
  traced(kind: Kind): Kind;
  called(call: TracedCall): void;
}

/** Starts a trace; calls outside of any pass are logged by `log`. */
export function createTrace(log: Logger): Trace {
  const passing = new AsyncLocalStorage<Logger>();
  // Chance tells processes apart, a count their passes.
  const own = randomBytes(3).toString('hex');
  let count = 0;
  return {
    traced: kind => ({
      name: kind.name,
      keys: () => kind.keys(),
      async pass(id, options) {
        const log = options.log.child({ pass: `${own}${(++count).toString(16).padStart(6, '0')}` });
        return passing.run(log, async () => {
          const passed = await kind.pass(id, { ...options, log });
          log.debug({ kind: kind.name, id, verdict: passed.verdict, againSeconds: passed.againSeconds }, 'passed');
          return passed;
        });
      },
    }),
    called: call => (passing.getStore() ?? log).debug(call, 'called AWS'),
  };
}
