import type { Sql } from './pool.ts';

/** So many of the last starts are looked at. */
const starts = 20;
/** Fewer say nothing. */
const least = 3;

/** How long a start in this course takes as a rule, from the wish to ready: seconds, a median; null: not known yet. */
export async function usualStartSeconds(sql: Sql, courseId: string): Promise<number | null> {
  const { rows } = await sql.query<{ seconds: number | null; count: number }>(
    `select percentile_cont(0.5) within group (order by seconds) as seconds, count(*)::int as count from (
       select extract(epoch from next.at - asked.at) as seconds
       from events asked join workspaces w on w.id = asked.about and w.course_id = $1
       cross join lateral (
         select at, reason from events e
         where e.about = asked.about and e.id > asked.id
           and e.reason in ('Settled', 'StartAsked', 'StopAsked', 'RestartAsked')
         order by e.id limit 1) next
       where asked.kind = 'workspace' and asked.reason = 'StartAsked' and next.reason = 'Settled'
       order by asked.id desc limit $2) last`,
    [courseId, starts],
  );
  const [row] = rows;
  return row && row.seconds !== null && row.count >= least ? Math.max(1, Math.round(row.seconds)) : null;
}
