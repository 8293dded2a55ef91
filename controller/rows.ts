import type { Resource } from '../api/resources/resource.ts';
import { addEvents } from '../api/store/events.ts';
import type { Sql } from '../api/store/pool.ts';
import { keysOf, type ReconciledKind, remove, writeStatus } from '../api/store/status.ts';
import type { Store } from './drive.ts';

/** The loop's port to the rows of one kind. `statusPool`: where what can be found again is written. */
export function createRows<R extends Resource>(options: {
  readonly kind: ReconciledKind & R['kind'];
  readonly load: (id: string) => Promise<R | undefined>;
  readonly pool: Sql;
  readonly statusPool: Sql;
}): Store<R> {
  const { kind, load, pool, statusPool } = options;
  return {
    keys: () => keysOf(pool, kind),
    load,
    writeStatus: ({ id, version }, status, events) => writeStatus(statusPool, kind, id, version, status, events),
    remove: resource => remove(pool, kind, resource.id, resource.version),
    record: events => addEvents(statusPool, events),
  };
}
