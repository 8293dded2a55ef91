import { AwsError, type ServiceName } from './protocol.ts';

/** What is done to one call. */
export interface Fault {
  /** Runs before the operation; what it throws is the answer, and nothing is applied. */
  readonly before?: () => void | Promise<void>;
  /** Runs after the operation was applied; what it throws is the answer all the same. */
  readonly after?: () => void | Promise<void>;
  /** The operation is applied and the connection cut. */
  readonly loseAnswer?: boolean;
  /** Changes the answer: a page lost, a stale value. */
  readonly change?: (output: object) => object;
}

/** Decides for a call, or leaves it alone with undefined. */
export type FaultRule = (service: ServiceName, operation: string) => Fault | undefined;

/** The endpoint's list of things to do wrong; empty unless a test or a person fills it. */
export class Faults {
  readonly #rules = new Set<FaultRule>();

  /** Adds a rule; the answer takes it back. */
  add(rule: FaultRule): () => void {
    this.#rules.add(rule);
    return () => this.#rules.delete(rule);
  }

  /** The first fault that a rule has for this call. */
  next(service: ServiceName, operation: string): Fault | undefined {
    for (const rule of this.#rules) {
      const fault = rule(service, operation);
      if (fault) return fault;
    }
    return undefined;
  }
}

/** Refused before anything is done, as when AWS throttles. */
export const throttled: Fault = {
  before() {
    throw new AwsError('ThrottlingException', 'Rate exceeded');
  },
};

/** Applied, and then answered with a server's failure. */
export const failedAfterApplying: Fault = {
  after() {
    throw new AwsError('InternalFailure', 'told to fail', 500);
  },
};

/** Applied, and the answer never arrives. */
export const answerLost: Fault = { loseAnswer: true };

/** The first page arrives empty, and says that there is more. */
export const pageLost = (place: { readonly items: string; readonly next: string }): Fault => ({
  change: output => ({ ...output, [place.items]: [], [place.next]: 'a-page-that-is-lost' }),
});
