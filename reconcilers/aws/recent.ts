/**
 * For how long the answer to our own write is believed over a read that shows an earlier state. AWS's reads are
 * eventually consistent, and are right within a few seconds.
 */
export const believedMilliseconds = 10_000;

/** What AWS answered to our own latest writes, by name: the floor under reads that come from the past. */
export class RecentWrites<T> {
  readonly #writes = new Map<string, { readonly value: T; readonly at: number }>();

  note(name: string, value: T, now: Date): void {
    this.#writes.set(name, { value, at: now.getTime() });
  }

  /** The answer to the latest write, unless it is too long ago to say more than a read. */
  latest(name: string, now: Date): T | undefined {
    const write = this.#writes.get(name);
    if (!write) return undefined;
    const age = now.getTime() - write.at;
    if (age >= 0 && age < believedMilliseconds) return write.value;
    this.#writes.delete(name);
    return undefined;
  }
}
