import type pg from 'pg';
import type { Cohort, CohortSpec } from '../resources/cohort.ts';
import { newId } from './ids.ts';
import { matchWorkspaces } from './implied.ts';
import { type Page, type PageOf, readPage } from './paging.ts';
import type { Sql } from './pool.ts';
import { cohortInScope, type Scope, scopeValues } from './scope.ts';
import { inTurn } from './turn.ts';
import { holds, type Maker, type Precondition, type Written } from './written.ts';

const columns = `'cohort' as kind, k.id, k.slug, k.generation, k.version, k.created_at as "createdAt",
  k.deleted_at as "deletedAt", k.spec, (select count(*) from members m where m.cohort_id = k.id) as size`;

/** A cohort that is not deleted, by id or slug, as far as the scope reaches. */
export async function findCohort(sql: Sql, scope: Scope, idOrSlug: string): Promise<Cohort | undefined> {
  const { rows } = await sql.query<Cohort>(
    `select ${columns} from cohorts k where (id = $4 or slug = $4) and deleted_at is null and ${cohortInScope}
     order by id = $4 desc limit 1`,
    [...scopeValues(scope), idOrSlug],
  );
  return rows[0];
}

/** Cohorts by their ids, deleted ones too. */
export async function cohortsByIds(sql: Sql, ids: readonly string[]): Promise<Cohort[]> {
  return (await sql.query<Cohort>(`select ${columns} from cohorts k where id = any($1)`, [ids])).rows;
}

/** For each of these cohorts, the courses that it takes. */
export async function coursesOfCohorts(
  sql: Sql,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await sql.query<{ id: string; courses: string[] }>(
    `select k.id, array(select e.course_id from enrolments e where e.cohort_id = k.id) as courses
     from unnest($1::text[]) k(id)`,
    [ids],
  );
  return new Map(rows.map(row => [row.id, row.courses]));
}

/** The cohorts that the scope sees. */
export async function listCohorts(sql: Sql, scope: Scope, page: PageOf): Promise<Page<Cohort>> {
  const text = `select ${columns} from cohorts k where deleted_at is null and ${cohortInScope}`;
  return readPage<Cohort, Cohort>(
    sql,
    { text, values: scopeValues(scope) },
    page,
    ({ listVersion: _, ...cohort }) => cohort,
  );
}

/** Makes the cohort of that slug, its maker's, or gives it this spec. `taken`: it is there, and beyond the maker's scope. */
export async function putCohort(
  pool: pg.Pool,
  slug: string,
  spec: CohortSpec,
  precondition: Precondition,
  maker: Maker,
): Promise<Written<Cohort> | 'taken'> {
  return inTurn(pool, async client => {
    const present = await findBySlug(client, slug);
    if (present && !(await findCohort(client, maker.scope, present.id))) return 'taken';
    if (!holds(precondition, present)) return { outcome: 'stale', object: present };
    const { rows } = await client.query<{ id: string }>(
      present
        ? 'update cohorts set spec = $2 where id = $1 and spec is distinct from $2::jsonb returning id'
        : 'insert into cohorts (id, spec, slug, owner_id) values ($1, $2, $3, $4) returning id',
      present ? [present.id, spec] : [newId(), spec, slug, maker.personId],
    );
    if (present && rows.length === 0) return { outcome: 'unchanged', object: present };
    const object = await findBySlug(client, slug);
    if (!object) throw new Error(`read cohort ${slug} after writing it`);
    return { outcome: present ? 'changed' : 'created', object };
  });
}

/** Deletes a cohort with its memberships and enrolments; its workspaces go, people and homes stay. */
export async function deleteCohort(pool: pg.Pool, id: string, by: string | null): Promise<void> {
  await inTurn(pool, async client => {
    for (const table of ['members', 'enrolments', 'tombstones']) {
      await client.query(`delete from ${table} where cohort_id = $1`, [id]);
    }
    await client.query('update cohorts set deleted_at = now() where id = $1 and deleted_at is null', [id]);
    await matchWorkspaces(client, { cohortIds: [id] }, by);
  });
}

async function findBySlug(sql: Sql, slug: string): Promise<Cohort | undefined> {
  const { rows } = await sql.query<Cohort>(`select ${columns} from cohorts k where slug = $1 and deleted_at is null`, [
    slug,
  ]);
  return rows[0];
}
