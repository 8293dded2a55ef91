import type pg from 'pg';
import { type Sql, transaction } from './pool.ts';

/**
 * Runs `work` in a transaction that begins by taking the clock: it sees all that earlier writers did, and later ones
 * wait. For changes that imply others, such as a member who implies workspaces.
 */
export async function inTurn<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  return transaction(pool, async client => {
    await client.query('select from clock for update');
    return work(client);
  });
}

/** The version of the last write. */
export async function presentVersion(sql: Sql): Promise<number> {
  const { rows } = await sql.query<{ version: number }>('select version from clock');
  return rows[0]?.version ?? 0;
}
