import type pg from 'pg';
import type { Course, CourseSpec } from '../resources/course.ts';
import { newId } from './ids.ts';
import { matchWorkspaces } from './implied.ts';
import { type Page, type PageOf, readPage } from './paging.ts';
import type { Sql } from './pool.ts';
import { type Scope, scopeValues } from './scope.ts';
import { inTurn } from './turn.ts';
import { holds, type Maker, type Precondition, type Written } from './written.ts';

const columns = `'course' as kind, c.id, c.slug, c.generation, c.version, c.created_at as "createdAt",
  c.deleted_at as "deletedAt", c.spec, array(select k.slug from enrolments e join cohorts k on k.id = e.cohort_id
    where e.course_id = c.id order by k.slug) as cohorts`;

/** A course that is not deleted, by id or slug, if it is one of the scope's. */
export async function findCourse(sql: Sql, scope: Scope, idOrSlug: string): Promise<Course | undefined> {
  const [all, , courseIds] = scopeValues(scope);
  const { rows } = await sql.query<Course>(
    `select ${columns} from courses c where (id = $3 or slug = $3) and deleted_at is null
       and ($1 or id = any($2)) order by id = $3 desc limit 1`,
    [all, courseIds, idOrSlug],
  );
  return rows[0];
}

/** Courses by their ids, deleted ones too. */
export async function coursesByIds(sql: Sql, ids: readonly string[]): Promise<Course[]> {
  return (await sql.query<Course>(`select ${columns} from courses c where id = any($1)`, [ids])).rows;
}

/** All courses, or those that one is staff of or has a workspace in. */
export async function listCourses(sql: Sql, scope: Scope, page: PageOf): Promise<Page<Course>> {
  const text = `select ${columns} from courses c where deleted_at is null and ($1 or id = any($3)
    or exists (select from workspaces w where w.course_id = c.id and w.person_id = $2 and w.deleted_at is null))`;
  return readPage<Course, Course>(
    sql,
    { text, values: scopeValues(scope) },
    page,
    ({ listVersion: _, ...course }) => course,
  );
}

/**
 * Makes the course of that slug, with its maker as staff, or changes it: `specOf` says what it is to be, from what it is
 * (undefined: not there) and may answer undefined for "only if it is there". `taken`: it is beyond the maker's scope.
 */
export async function putCourse(
  pool: pg.Pool,
  slug: string,
  specOf: (present: CourseSpec | undefined) => CourseSpec | undefined,
  precondition: Precondition,
  by: string | null,
  maker: Maker,
): Promise<Written<Course> | 'taken' | undefined> {
  return inTurn(pool, async client => {
    const present = await findBySlug(client, slug);
    if (present && !(await findCourse(client, maker.scope, present.id))) return 'taken';
    if (!holds(precondition, present)) return { outcome: 'stale', object: present };
    const spec = specOf(present?.spec);
    if (!spec) return undefined;
    const { rows } = await client.query<{ id: string }>(
      present
        ? 'update courses set spec = $2 where id = $1 and spec is distinct from $2::jsonb returning id'
        : 'insert into courses (id, spec, slug) values ($1, $2, $3) returning id',
      present ? [present.id, spec] : [newId(), spec, slug],
    );
    if (present && rows.length === 0) return { outcome: 'unchanged', object: present };
    const [made] = rows;
    if (!present && made && maker.personId !== null) {
      await client.query('insert into staff (course_id, person_id) values ($1, $2)', [made.id, maker.personId]);
    }
    // Workspaces show their course: who watches them must hear of it.
    if (present && spec.archived && !present.spec.archived) await stopAll(client, present.id, by);
    if (present) await client.query('update workspaces set spec = spec where course_id = $1', [present.id]);
    const object = await findBySlug(client, slug);
    if (!object) throw new Error(`read course ${slug} after writing it`);
    return { outcome: present ? 'changed' : 'created', object };
  });
}

/** Deletes a course with its enrolments and staff; its workspaces go, homes are kept. */
export async function deleteCourse(pool: pg.Pool, id: string, by: string | null): Promise<void> {
  await inTurn(pool, async client => {
    for (const table of ['enrolments', 'staff', 'tombstones']) {
      await client.query(`delete from ${table} where course_id = $1`, [id]);
    }
    await client.query('update courses set deleted_at = now() where id = $1 and deleted_at is null', [id]);
    await matchWorkspaces(client, { courseIds: [id] }, by);
  });
}

async function stopAll(client: pg.PoolClient, courseId: string, by: string | null): Promise<void> {
  await client.query(
    `with stopped as (
       update workspaces set spec = spec || '{"running": false}'
       where course_id = $1 and deleted_at is null and spec @> '{"running": true}' returning id)
     insert into events (kind, about, tone, reason, message, by)
     select 'workspace', id, 'normal', 'Archived', 'Stopped: the class was archived; the files are kept.', $2 from stopped`,
    [courseId, by],
  );
}

async function findBySlug(sql: Sql, slug: string): Promise<Course | undefined> {
  const { rows } = await sql.query<Course>(`select ${columns} from courses c where slug = $1 and deleted_at is null`, [
    slug,
  ]);
  return rows[0];
}
