import type pg from 'pg';
import { slugLengths, uniqueSlug } from '../resources/slug.ts';
import { unseenWorkspace } from '../resources/workspace.ts';
import { newId } from './ids.ts';

/** For so many days the files of who leaves are kept. Source: design §11. */
export const keptDays = 90;

/** The part of the class to look at; missing: all of it. */
export interface Part {
  readonly cohortIds?: readonly string[];
  readonly courseIds?: readonly string[];
  readonly personIds?: readonly string[];
}

/** What enrolments and memberships say: one workspace for each of these, unless it was deleted by hand. */
const implied = `select e.course_id, e.cohort_id, m.person_id, c.slug as course, k.slug as cohort, p.slug as student
  from enrolments e join members m using (cohort_id)
  join courses c on c.id = e.course_id and c.deleted_at is null
  join cohorts k on k.id = e.cohort_id and k.deleted_at is null
  join people p on p.id = m.person_id and p.deleted_at is null
  where not exists (select from tombstones t
    where t.course_id = e.course_id and t.cohort_id = e.cohort_id and t.person_id = m.person_id)`;

const inPart = (row: string) => `($1::text[] is null or ${row}.cohort_id = any($1))
  and ($2::text[] is null or ${row}.course_id = any($2)) and ($3::text[] is null or ${row}.person_id = any($3))`;

/**
 * Makes the workspaces that enrolments and memberships imply and are missing, stopped, and deletes those that nothing
 * implies any more. Who comes back gets the same home unless it is being deleted for good, and the same workspace while its row is still there. Run it in
 * turn, after the change; `by`: slug of the person who made it, null: the operator.
 */
export async function matchWorkspaces(client: pg.PoolClient, part: Part, by: string | null): Promise<void> {
  const values = [part.cohortIds ?? null, part.courseIds ?? null, part.personIds ?? null];
  await unmake(client, values, by);
  await make(client, values, by);
}

async function unmake(client: pg.PoolClient, part: readonly unknown[], by: string | null): Promise<void> {
  await client.query(
    `with gone as (
       update workspaces w set deleted_at = now(), spec = spec || '{"running": false}'
       where deleted_at is null and ${inPart('w')} and not exists (
         select from (${implied}) i
         where i.course_id = w.course_id and i.cohort_id = w.cohort_id and i.person_id = w.person_id)
       returning id, home_id),
     kept as (update homes set kept_until = now() + make_interval(days => $4) where id in (select home_id from gone))
     insert into events (kind, about, tone, reason, message, by)
     select 'workspace', id, 'normal', 'Removed', 'Removed from the class; the files are kept for 90 days.', $5 from gone`,
    [...part, keptDays, by],
  );
}

interface Missing {
  readonly course_id: string;
  readonly cohort_id: string;
  readonly person_id: string;
  readonly slug: string;
  readonly home_id: string | null;
  /** The workspace whose deletion is not done yet. */
  readonly workspace_id: string | null;
}

async function make(client: pg.PoolClient, part: readonly unknown[], by: string | null): Promise<void> {
  const { rows } = await client.query<Missing>(
    `select i.course_id, i.cohort_id, i.person_id, coalesce(w.slug, i.cohort || '-' || i.course || '-' || i.student) as slug,
       h.id as home_id, w.id as workspace_id
     from (${implied}) i
     left join homes h on h.course_id = i.course_id and h.cohort_id = i.cohort_id and h.person_id = i.person_id
       and h.deleted_at is null
     left join workspaces w on w.home_id = h.id
     where ${inPart('i')} and (w.id is null or w.deleted_at is not null) order by slug`,
    [...part],
  );
  if (rows.length === 0) return;
  const taken = await client.query<{ slug: string }>('select slug from workspaces');
  const slugs = new Set(taken.rows.map(row => row.slug));
  const fresh = rows.map(row => {
    const isNew = row.workspace_id === null;
    const slug = isNew ? uniqueSlug(row.slug, slugLengths.workspace, candidate => slugs.has(candidate)) : row.slug;
    slugs.add(slug);
    return { ...row, slug, id: row.workspace_id ?? newId(), home_id: row.home_id ?? newId() };
  });
  const given = JSON.stringify(fresh);
  const from = `jsonb_to_recordset($1::jsonb)
    f(id text, slug text, course_id text, cohort_id text, person_id text, home_id text)`;
  await client.query(
    `insert into homes (id, course_id, cohort_id, person_id) select home_id, course_id, cohort_id, person_id from ${from}
     on conflict (course_id, cohort_id, person_id) where deleted_at is null do update set kept_until = null`,
    [given],
  );
  await client.query(
    `with back as (
       update workspaces w set deleted_at = null, spec = w.spec || '{"running": false}' from ${from}
       where w.id = f.id returning w.id),
     made as (
       insert into workspaces (id, slug, course_id, cohort_id, person_id, home_id, spec, status)
       select id, slug, course_id, cohort_id, person_id, home_id, '{"running": false, "restarts": 0}', $2::jsonb
       from ${from} where id not in (select id from workspaces) returning id)
     insert into events (kind, about, tone, reason, message, by)
     select 'workspace', id, 'normal', 'Added', 'Added by the enrolment.', $3
     from (select id from back union all select id from made) added`,
    [given, unseenWorkspace, by],
  );
}
