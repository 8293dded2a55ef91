import type pg from 'pg';
import type { Workspace, WorkspaceSpec } from '../resources/workspace.ts';
import { type Page, type PageOf, readPage } from './paging.ts';
import { likePattern } from './people.ts';
import type { Sql } from './pool.ts';
import { type Scope, scopeValues } from './scope.ts';
import { loadWorkspace, type WorkspaceRow, workspaceOf, workspaceQuery } from './status.ts';
import { inTurn } from './turn.ts';
import type { Precondition, Written } from './written.ts';

const inScope = '($1 or w.person_id = $2 or w.course_id = any($3))';

/** One workspace by id or slug, as far as the scope reaches; of a slug the one that is not deleted. */
export async function findWorkspace(sql: Sql, scope: Scope, idOrSlug: string): Promise<Workspace | undefined> {
  const { rows } = await sql.query<WorkspaceRow>(
    `${workspaceQuery} where ${inScope} and (w.id = $4 or w.slug = $4)
     order by w.id = $4 desc, w.deleted_at is null desc limit 1`,
    [...scopeValues(scope), idOrSlug],
  );
  return rows[0] && workspaceOf(rows[0]);
}

/** Which workspaces: slugs or ids of what they belong to, a text in slug, name or address. */
export interface WorkspaceFilter {
  readonly course?: string | undefined;
  readonly cohort?: string | undefined;
  readonly student?: string | undefined;
  readonly q?: string | undefined;
}

/** Workspaces within the scope, those on their way out included, one page in one statement. */
export async function listWorkspaces(
  sql: Sql,
  scope: Scope,
  filter: WorkspaceFilter,
  page: PageOf,
): Promise<Page<Workspace>> {
  const text = `${workspaceQuery} where ${inScope}
    and ($4::text is null or $4 in (c.id, c.slug)) and ($5::text is null or $5 in (k.id, k.slug))
    and ($6::text is null or $6 in (p.id, p.slug))
    and ($7::text is null or w.slug like $7 or p.email like $7 or lower(p.spec->>'name') like $7)`;
  const { course, cohort, student, q } = filter;
  const likeQ = q === undefined ? null : likePattern(q);
  const values = [...scopeValues(scope), course ?? null, cohort ?? null, student ?? null, likeQ];
  return readPage<WorkspaceRow, Workspace>(sql, { text, values }, page, workspaceOf);
}

/** What people ask of workspaces by name. */
export type Ask = 'start' | 'stop' | 'restart';

/** The spec after an ask, as SQL over `w.spec`; which workspaces it changes; what the event says. */
const asks = {
  start: {
    spec: `w.spec || '{"running": true}'`,
    fits: `not coalesce((c.spec->>'archived')::boolean, false)`,
    reason: 'StartAsked',
    message: 'Asked to start.',
  },
  stop: { spec: `w.spec || '{"running": false}'`, fits: 'true', reason: 'StopAsked', message: 'Asked to stop.' },
  restart: {
    spec: `w.spec || jsonb_build_object('restarts', (w.spec->>'restarts')::bigint + 1)`,
    fits: `w.spec @> '{"running": true}'`,
    reason: 'RestartAsked',
    message: 'Asked to restart.',
  },
} as const;

/** A workspace that was chosen, and whether the ask fits it: only what is to run can be restarted. */
export interface Asked {
  readonly id: string;
  readonly slug: string;
  readonly fits: boolean;
}

/** Asks the same of many workspaces within the scope, in one statement; what is so already stays untouched. */
export async function askWorkspaces(
  sql: Sql,
  scope: Scope,
  which: { readonly ids: readonly string[] } | Pick<WorkspaceFilter, 'course' | 'cohort'>,
  ask: Ask,
  by: string | null,
): Promise<Asked[]> {
  const { spec, fits, reason, message } = asks[ask];
  const { rows } = await sql.query<Asked>(
    `with chosen as (
       select w.id, w.slug, ${fits} as fits from workspaces w
       join courses c on c.id = w.course_id join cohorts k on k.id = w.cohort_id
       where ${inScope} and w.deleted_at is null and ($4::text[] is null or w.id = any($4) or w.slug = any($4))
         and ($5::text is null or $5 in (c.id, c.slug)) and ($6::text is null or $6 in (k.id, k.slug))),
     asked as (
       update workspaces w set spec = ${spec}
       where w.id in (select id from chosen where fits) and w.deleted_at is null and w.spec is distinct from ${spec}
       returning w.id),
     noted as (
       insert into events (kind, about, tone, reason, message, by)
       select 'workspace', id, 'normal', '${reason}', '${message}', $7 from asked)
     select id, slug, fits from chosen order by slug, id`,
    [
      ...scopeValues(scope),
      'ids' in which ? which.ids : null,
      'ids' in which ? null : (which.course ?? null),
      'ids' in which ? null : (which.cohort ?? null),
      by,
    ],
  );
  return rows;
}

/** Merges into one workspace's spec. Undefined: not there, or deleted. */
export async function patchWorkspace(
  pool: pg.Pool,
  id: string,
  patch: Partial<WorkspaceSpec>,
  precondition: Precondition,
  by: string | null,
): Promise<Written<Workspace> | undefined> {
  const generations = precondition && Array.isArray(precondition.generation) ? precondition.generation : null;
  const started = patch.running === undefined ? 'restart' : patch.running ? 'start' : 'stop';
  const { reason, message } = asks[started];
  const { rowCount } = await pool.query(
    `with asked as (
       update workspaces w set spec = spec || $2::jsonb
       where id = $1 and deleted_at is null and spec is distinct from spec || $2::jsonb
         and ($3::int[] is null or generation = any($3)) and not $4 returning id)
     insert into events (kind, about, tone, reason, message, by)
     select 'workspace', id, 'normal', $5, $6, $7 from asked`,
    [id, patch, generations, precondition?.generation === 'none', reason, message, by],
  );
  const object = await loadWorkspace(pool, id);
  if (!object || object.deletedAt !== null) return undefined;
  if (rowCount === 1) return { outcome: 'changed', object };
  const stale = precondition?.generation === 'none' || (generations && !generations.includes(object.generation));
  return { outcome: stale ? 'stale' : 'unchanged', object };
}

/** Deletes a workspace by hand: it does not come back by itself, its home is kept 90 days. False: not there. */
export async function deleteWorkspace(pool: pg.Pool, id: string, by: string | null): Promise<boolean> {
  return inTurn(pool, async client => {
    const { rowCount } = await client.query(
      `with gone as (
         update workspaces set deleted_at = now(), spec = spec || '{"running": false}'
         where id = $1 and deleted_at is null returning *),
       kept as (update homes set kept_until = now() + interval '90 days' where id in (select home_id from gone)),
       buried as (
         insert into tombstones (course_id, cohort_id, person_id) select course_id, cohort_id, person_id from gone
         on conflict do nothing)
       insert into events (kind, about, tone, reason, message, by)
       select 'workspace', id, 'normal', 'Removed', 'Removed by hand; the files are kept for 90 days.', $2 from gone`,
      [id, by],
    );
    return rowCount === 1;
  });
}
