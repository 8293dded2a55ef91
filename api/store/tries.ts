import type { Sql } from './pool.ts';

/** One count of tries: by whom or of what, how many a window may have. */
export interface TryLimit {
  readonly key: string;
  readonly max: number;
  readonly seconds: number;
}

/**
 * Counts one try against each limit, for all API processes alike, in one statement. Answers the seconds until the
 * fullest window ends when a limit is exceeded, else undefined. Keys are distinct.
 */
export async function countTry(sql: Sql, limits: readonly TryLimit[], now: Date): Promise<number | undefined> {
  const { rows } = await sql.query<{ key: string; count: number; ends_at: string }>(
    `insert into tries (key, count, ends_at)
     select key, 1, $2::timestamptz + make_interval(secs => seconds)
     from jsonb_to_recordset($1::jsonb) l(key text, seconds integer) order by key
     on conflict (key) do update set
       count = case when tries.ends_at <= $2 then 1 else tries.count + 1 end,
       ends_at = case when tries.ends_at <= $2 then excluded.ends_at else tries.ends_at end
     returning key, count, ends_at`,
    [JSON.stringify(limits), now],
  );
  const counted = new Map(rows.map(row => [row.key, row]));
  const waits = limits.flatMap(({ key, max }) => {
    const row = counted.get(key);
    return row && row.count > max ? [Math.ceil((Date.parse(row.ends_at) - now.getTime()) / 1000)] : [];
  });
  return waits.length === 0 ? undefined : Math.max(1, ...waits);
}

/** Forgets windows that have ended. */
export async function forgetTries(sql: Sql, now: Date): Promise<void> {
  await sql.query('delete from tries where ends_at <= $1', [now]);
}
