import type pg from 'pg';
import type { Home, KeptHome } from '../resources/home.ts';
import { newId } from './ids.ts';
import { keptDays } from './implied.ts';
import type { Sql } from './pool.ts';
import { inTurn } from './turn.ts';

interface HomeRow extends Pick<Home, 'id' | 'generation' | 'version' | 'spec' | 'status' | 'uid'> {
  readonly created_at: string;
  readonly deleted_at: string | null;
  readonly course_slug: string;
  readonly in_use: boolean;
}

/** Those of these homes that there are, in no order. */
export async function loadHomes(sql: Sql, ids: readonly string[]): Promise<readonly Home[]> {
  const { rows } = await sql.query<HomeRow>(
    `select h.id, h.generation, h.version, h.spec, h.status, h.uid, h.created_at, h.deleted_at, c.slug course_slug,
       exists (select from workspaces w where w.home_id = h.id) in_use
     from homes h join courses c on c.id = h.course_id where h.id = any($1)`,
    [ids],
  );
  return rows.map(({ created_at, deleted_at, course_slug, in_use, ...row }) => ({
    kind: 'home',
    ...row,
    // Homes have no readable name: whose they are is for no log.
    slug: row.id,
    createdAt: created_at,
    deletedAt: deleted_at,
    course: { slug: course_slug },
    inUse: in_use,
  }));
}

/** Whether a row of homes, by this name, is one whose last try found no marker in it. */
const isUnmarked = (row: string) => `coalesce(${row}.status->'failure'->>'reason' = 'NotThisHome', false)`;

/** Every home of a course that no live workspace has, by name of its student. */
export async function listKeptHomes(sql: Sql, courseId: string): Promise<KeptHome[]> {
  const { rows } = await sql.query<KeptHome>(
    `select h.id, json_build_object('slug', p.slug, 'name', p.spec->>'name', 'email', p.email) student,
       h.kept_until - make_interval(days => $2) "keptSince", h.kept_until "keptUntil",
       case when h.deleted_at is null and w.id is not null then 'closing' when h.deleted_at is null then 'kept'
         when stalled.message is null then 'going' else 'stuck' end state,
       case when h.deleted_at is not null then stalled.message end problem,
       ${isUnmarked('h')} unmarked
     from homes h join people p on p.id = h.person_id left join workspaces w on w.home_id = h.id
     left join lateral (
       select s->>'message' message from jsonb_array_elements(h.status->'conditions') s
       where s->>'type' = 'Stalled' and s->>'status' = 'True'
         and (h.status->>'observedGeneration')::integer = h.generation) stalled on true
     where h.course_id = $1 and h.kept_until is not null and (w.id is null or w.deleted_at is not null)
     order by p.spec->>'name', h.id`,
    [courseId, keptDays],
  );
  return rows;
}

/** Which homes of a course are to go: all that no workspace has, or these; what else counts as one that can go. */
export interface Purge {
  readonly homes?: readonly string[];
  readonly unmarked: boolean;
  readonly everybody: boolean;
}

/**
 * Asks that homes of a course are deleted for good. Asking again for one that is stuck is a new try; for one that is
 * going, nothing. `inUse`: ids asked for that a workspace has, or that are not this course's kept homes; `refused`:
 * why everybody's can't go now: then nothing is asked.
 */
export async function askPurge(
  pool: pg.Pool,
  courseId: string,
  { homes, unmarked, everybody }: Purge,
  by: string | null,
): Promise<
  | { readonly asked: number }
  | { readonly inUse: readonly string[] }
  | { readonly refused: 'not archived' | 'not at rest' }
> {
  // In turn: nobody gets one of these homes back meanwhile.
  return inTurn(pool, async client => {
    const refused = everybody ? await whyNotEverybody(client, courseId) : undefined;
    if (refused) return { refused };
    const kept = await listKeptHomes(client, courseId);
    const able = new Set(kept.filter(({ state }) => state !== 'closing').map(({ id }) => id));
    const inUse = (homes ?? []).filter(id => !able.has(id));
    if (inUse.length > 0) return { inUse };
    const going = new Set(kept.filter(({ state }) => state === 'going').map(({ id }) => id));
    const ids = (homes ?? [...able]).filter(id => !going.has(id));
    const { rowCount } = await client.query(
      `update homes set deleted_at = coalesce(deleted_at, now()),
         spec = jsonb_build_object('by', $2::text, 'attempt', coalesce((spec->>'attempt')::integer, 0) + 1)
           || case when $3 and ${isUnmarked('homes')} then '{"unmarked": true}'::jsonb else '{}' end
       where id = any($1) and kept_until is not null and not exists (select from workspaces where home_id = homes.id)`,
      [ids, by, unmarked],
    );
    const asked = (rowCount ?? 0) + (everybody ? await emptyHands(client, courseId, by) : 0);
    if (asked > 0) {
      const whose = asked === 1 ? 'one student' : `${asked} students`;
      await client.query(
        `insert into events (kind, about, tone, reason, message, by)
         values ('course', $1, 'warning', 'FilesDeletionAsked', $2, $3)`,
        [courseId, `Asked to delete the ${everybody ? '' : 'kept '}files of ${whose} for good.`, by],
      );
    }
    return { asked };
  });
}

/** Only of a class that is put away, and in which nothing runs: who works in it may not lose a line. */
async function whyNotEverybody(client: pg.PoolClient, courseId: string) {
  const { rows } = await client.query<{ archived: boolean; resting: boolean }>(
    `select coalesce((spec->>'archived')::boolean, false) archived, not exists (
       select from workspaces w where w.course_id = c.id and w.deleted_at is null
         and (w.spec @> '{"running": true}' or w.status->>'step' not in ('stopped', 'preparing'))) resting
     from courses c where id = $1`,
    [courseId],
  );
  if (!rows[0]?.archived) return 'not archived';
  return rows[0].resting ? undefined : 'not at rest';
}

/** Gives every workspace of a course that ever ran a home in which nothing is; those they had are to go. Answers how many. */
async function emptyHands(client: pg.PoolClient, courseId: string, by: string | null): Promise<number> {
  const { rows } = await client.query<{ id: string; home_id: string }>(
    `select w.id, w.home_id from workspaces w join homes h on h.id = w.home_id
     where w.course_id = $1 and w.deleted_at is null and h.marked`,
    [courseId],
  );
  const fresh = JSON.stringify(rows.map(({ id, home_id }) => ({ id, old_id: home_id, new_id: newId() })));
  const from = 'jsonb_to_recordset($1::jsonb) f(id text, old_id text, new_id text)';
  // First the old ones go: a student has one home at a time in a class.
  await client.query(
    `update homes h set kept_until = now() + make_interval(days => $2), deleted_at = now(),
       spec = jsonb_build_object('by', $3::text, 'attempt', 1) from ${from} where h.id = f.old_id`,
    [fresh, keptDays, by],
  );
  await client.query(
    `insert into homes (id, course_id, cohort_id, person_id)
     select f.new_id, h.course_id, h.cohort_id, h.person_id from ${from} join homes h on h.id = f.old_id`,
    [fresh],
  );
  await client.query(`update workspaces w set home_id = f.new_id from ${from} where w.id = f.id`, [fresh]);
  await client.query(
    `update reports r set home_bytes = null, changed_at = null, counted_at = null from ${from} where r.workspace_id = f.id`,
    [fresh],
  );
  return rows.length;
}
