import type { Sql } from './pool.ts';

/** A thing in AWS that no row owns. */
export interface StrayRow {
  readonly id: string;
  readonly kind: string;
  readonly owner: string;
}

/**
 * Notes what is stray at `now` and forgets what is no more; answers since when each has been stray, ISO 8601. The time is
 * the caller's, so that days can be tested.
 */
export async function noteStrays(
  sql: Sql,
  strays: readonly StrayRow[],
  now: Date,
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql.query<{ id: string; first_seen: string }>(
    `with seen as (select * from json_to_recordset($1) as (id text, kind text, owner text)),
     gone as (delete from strays where id not in (select id from seen)),
     noted as (
       insert into strays (id, kind, owner, first_seen) select id, kind, owner, $2 from seen
       on conflict (id) do update set owner = excluded.owner returning id, first_seen)
     select id, first_seen from noted`,
    [JSON.stringify(strays), now],
  );
  return new Map(rows.map(row => [row.id, row.first_seen]));
}

/** Ids of every workspace and every home that has a row, those on their way out included. */
export async function ownersOf(sql: Sql): Promise<{ readonly workspace: string[]; readonly home: string[] }> {
  const { rows } = await sql.query<{ workspace: string[]; home: string[] }>(
    `select array(select id from workspaces) workspace, array(select id from homes) home`,
  );
  return rows[0] ?? { workspace: [], home: [] };
}
