/** Rows of one query: a few hundred are read in the time of ten single ones, and hold nobody up. */
const mostTogether = 200;

interface Waiting<Row> {
  resolve(row: Row | undefined): void;
  reject(error: unknown): void;
}

/**
 * Loads rows one by one for whoever asks, and those that are asked for in the same moment by one query: what a resync
 * reads costs a few queries. No row is read before it was asked for.
 */
export function gathered<Row extends { readonly id: string }>(
  loadMany: (ids: readonly string[]) => Promise<readonly Row[]>,
): (id: string) => Promise<Row | undefined> {
  let waiting = new Map<string, Waiting<Row>[]>();

  async function load(asked: ReadonlyMap<string, readonly Waiting<Row>[]>): Promise<void> {
    try {
      const rows = new Map((await loadMany([...asked.keys()])).map(row => [row.id, row]));
      for (const [id, askers] of asked) for (const { resolve } of askers) resolve(rows.get(id));
    } catch (error) {
      for (const askers of asked.values()) for (const { reject } of askers) reject(error);
    }
  }

  function send(): void {
    const entries = [...waiting];
    waiting = new Map();
    for (let from = 0; from < entries.length; from += mostTogether)
      void load(new Map(entries.slice(from, from + mostTogether)));
  }

  return id =>
    new Promise((resolve, reject) => {
      if (waiting.size === 0) setImmediate(send);
      const askers = waiting.get(id) ?? [];
      askers.push({ resolve, reject });
      waiting.set(id, askers);
    });
}
