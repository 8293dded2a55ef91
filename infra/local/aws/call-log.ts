import type { ServiceName } from './protocol.ts';

/** One call as it arrived: what the benches count and the campaign replays. */
export interface LoggedCall {
  readonly service: ServiceName;
  readonly operation: string;
  readonly input: object;
}

/** Counts the calls that reached the operations, and tells who listens. */
export class CallLog {
  readonly #counts = new Map<string, number>();
  readonly #listeners = new Set<(call: LoggedCall) => void>();

  add(service: ServiceName, operation: string, input: object): void {
    this.#counts.set(operation, (this.#counts.get(operation) ?? 0) + 1);
    for (const listener of this.#listeners) listener({ service, operation, input });
  }

  /** Calls since the last reset, by operation. */
  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  reset(): void {
    this.#counts.clear();
  }

  /** Calls `listener` at every call; the answer ends it. */
  listen(listener: (call: LoggedCall) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
