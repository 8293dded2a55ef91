import { type Heartbeat, type HeartbeatAnswer, largeHomeBytes } from '../resources/entrance.ts';
import { mayComeIn } from './people.ts';
import type { Sql } from './pool.ts';

/**
 * Records what a workspace's gate reports and answers what it may do: mark a home that was never marked, and whom to
 * let go: whoever's session ended or right is gone. A workspace that is not there any more lets everybody go.
 */
export async function recordHeartbeat(
  sql: Sql,
  workspaceId: string,
  heartbeat: Heartbeat,
  now: Date,
): Promise<HeartbeatAnswer> {
  const { ready, problem, active, marked, visitors, log, homeBytes, homeChangedAt } = heartbeat;
  const { rows } = await sql.query<{ may_mark: boolean }>(
    `with workspace as (select id, home_id, deleted_at from workspaces where id = $1),
     reported as (
       insert into reports (workspace_id, at, ready, problem, active_at, log, log_at, home_bytes, changed_at, counted_at)
       select id, $2, $3, $4, case when $5 then $2::timestamptz end, $7::text, case when $7::text is not null then $2::timestamptz end,
         $8::bigint, case when $9::timestamptz is not null then least($9, $2) end, case when $8::bigint is not null then $2::timestamptz end
       from workspace
       on conflict (workspace_id) do update set at = excluded.at, ready = excluded.ready, problem = excluded.problem,
         active_at = coalesce(excluded.active_at, reports.active_at),
         log = coalesce(excluded.log, reports.log), log_at = coalesce(excluded.log_at, reports.log_at),
         home_bytes = coalesce(excluded.home_bytes, reports.home_bytes),
         changed_at = case when excluded.counted_at is null then reports.changed_at else excluded.changed_at end,
         counted_at = coalesce(excluded.counted_at, reports.counted_at)),
     marked as (update homes set marked = true where $6 and not marked and id in (select home_id from workspace))
     select not h.marked and not $6 and w.deleted_at is null as may_mark from workspace w join homes h on h.id = w.home_id`,
    [workspaceId, now, ready, problem, active, marked, log ?? null, homeBytes ?? null, momentOf(homeChangedAt)],
  );
  if (homeBytes !== undefined && homeBytes > largeHomeBytes) await noteLargeHome(sql, workspaceId, homeBytes, now);
  return { mayMark: rows[0]?.may_mark ?? false, revoked: await revokedOf(sql, workspaceId, visitors, now) };
}

/** Null also for what is written like a moment and is none. */
function momentOf(iso: string | null | undefined): Date | null {
  const at = new Date(iso ?? Number.NaN);
  return Number.isNaN(at.getTime()) ? null : at;
}

/** What a workspace's IDE wrote last, and when the gate said so; null: it never did. */
export async function findLog(sql: Sql, workspaceId: string): Promise<{ text: string; at: string } | null> {
  const { rows } = await sql.query<{ log: string; log_at: string }>(
    'select log, log_at from reports where workspace_id = $1 and log is not null',
    [workspaceId],
  );
  const [row] = rows;
  return row ? { text: row.log, at: row.log_at } : null;
}

/** An event for whoever looks after the class: once a day, however often it is told. */
async function noteLargeHome(sql: Sql, workspaceId: string, bytes: number, now: Date): Promise<void> {
  const message = `The home holds ${(bytes / 1e9).toFixed(1)} GB. Storage is paid by size: ask whether all of it is needed.`;
  await sql.query(
    `insert into events (kind, about, tone, reason, message)
     select 'workspace', id, 'warning', 'HomeLarge', $2 from workspaces w
     where id = $1 and deleted_at is null and not exists (
       select from events e where e.about = w.id and e.reason = 'HomeLarge' and e.at > $3::timestamptz - interval '23 hours')`,
    [workspaceId, message, now],
  );
}

async function revokedOf(sql: Sql, workspaceId: string, visitors: Heartbeat['visitors'], now: Date): Promise<string[]> {
  if (visitors.length === 0) return [];
  const { rows } = await sql.query<{ sid: string }>(
    `select distinct v.sid from jsonb_to_recordset($2::jsonb) v(sub text, sid text)
     where not exists (
       select from sessions s join people p on p.id = s.person_id
       join workspaces w on w.id = $1 and w.deleted_at is null
       where s.sid = v.sid and s.person_id = v.sub and s.expires_at > $3 and ${mayComeIn}
         and (w.person_id = p.id
           or exists (select from staff t where t.course_id = w.course_id and t.person_id = p.id)))`,
    [workspaceId, JSON.stringify(visitors), now],
  );
  return rows.map(row => row.sid);
}
