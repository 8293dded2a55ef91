import { keepMinutes, stretchHours } from '../resources/idle.ts';
import type { Sql } from './pool.ts';

/** A ready workspace, with what decides whether it goes on. Times are ISO 8601, by the clocks that wrote them. */
export interface Watched {
  readonly id: string;
  readonly readyAt: string;
  readonly activeAt: string | null;
  readonly keepUntil: string | null;
  readonly idleMinutes: number | null;
}

/** Every workspace that is ready and is to run. */
export async function watchedWorkspaces(sql: Sql): Promise<Watched[]> {
  const { rows } = await sql.query<Watched>(
    `select w.id, w.status->>'readyAt' as "readyAt", r.active_at as "activeAt", w.keep_until as "keepUntil",
       case when c.spec ? 'idleMinutes' then (c.spec->>'idleMinutes')::int else 30 end as "idleMinutes"
     from workspaces w join courses c on c.id = w.course_id left join reports r on r.workspace_id = w.id
     where w.deleted_at is null and w.spec @> '{"running": true}' and w.status->>'step' = 'ready'
       and w.status->>'readyAt' is not null`,
  );
  return rows;
}

/** Stops a workspace, unless since it was read somebody worked in it, kept it, restarted or stopped it. */
export async function stopIdle(sql: Sql, seen: Watched, why: { reason: string; message: string }): Promise<boolean> {
  const { rowCount } = await sql.query(
    `with stopped as (
       update workspaces w set spec = w.spec || '{"running": false}', keep_until = null
       where w.id = $1 and w.deleted_at is null and w.spec @> '{"running": true}' and w.status->>'readyAt' = $2
         and w.keep_until is not distinct from $3::timestamptz
         and not exists (select from reports r where r.workspace_id = w.id
           and r.active_at is distinct from $4::timestamptz and not $7)
       returning w.id)
     insert into events (kind, about, tone, reason, message)
     select 'workspace', id, 'normal', $5, $6 from stopped`,
    [seen.id, seen.readyAt, seen.keepUntil, seen.activeAt, why.reason, why.message, why.reason === 'StretchEnded'],
  );
  return rowCount === 1;
}

/** Keeps a ready workspace running for an hour from `now`, within its stretch. False: it is not ready. */
export async function keepWorkspace(sql: Sql, id: string, now: Date, by: string | null): Promise<boolean> {
  const { rowCount } = await sql.query(
    `with kept as (
       update workspaces set keep_until = least($2::timestamptz + make_interval(mins => $3),
         (status->>'readyAt')::timestamptz + make_interval(hours => $4))
       where id = $1 and deleted_at is null and spec @> '{"running": true}' and status->>'step' = 'ready'
         and status->>'readyAt' is not null
       returning id)
     insert into events (kind, about, tone, reason, message, by)
     select 'workspace', id, 'normal', 'KeepAsked', 'Asked to keep it running for an hour.', $5 from kept`,
    [id, now, keepMinutes, stretchHours, by],
  );
  return rowCount === 1;
}
