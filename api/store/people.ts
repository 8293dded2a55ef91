import type pg from 'pg';
import { personSlug } from '../resources/slug.ts';
import { type Student, type StudentSpec, unseenStudent } from '../resources/student.ts';
import { newId } from './ids.ts';
import { matchWorkspaces } from './implied.ts';
import { type Page, type PageOf, readPage } from './paging.ts';
import type { Sql } from './pool.ts';
import { cohortInScope, everything, type Scope, scopeValues } from './scope.ts';
import { inTurn } from './turn.ts';
import { holds, type Precondition, type Written } from './written.ts';

/** A person's row, in the shape of the resource. */
export const personColumns = `'student' as kind, p.id, p.slug, p.role, p.generation, p.version,
  p.created_at as "createdAt", p.deleted_at as "deletedAt", p.spec, p.status`;

/** Who may come in, alias p: not deleted, not shut out here, nor by hand in the user pool. */
export const mayComeIn = `p.deleted_at is null and not coalesce((p.spec->>'disabled')::boolean, false)
  and not coalesce((p.status->>'blocked')::boolean, false)`;

/** What a scope sees: oneself, members of the scope's cohorts, staff of its courses. */
const visible = `($1 or p.id = $2
  or exists (select from members m join cohorts k on k.id = m.cohort_id and k.deleted_at is null
    where m.person_id = p.id and ${cohortInScope})
  or exists (select from staff s where s.person_id = p.id and s.course_id = any($3)))`;

/** Beyond the scope: a cohort or a course of theirs that is somebody else's too, or the role. */
const shared = `(p.role <> 'student'
  or exists (select from members m join cohorts k on k.id = m.cohort_id and k.deleted_at is null
    where m.person_id = p.id and (not ${cohortInScope}
      or exists (select from enrolments e where e.cohort_id = k.id and e.course_id <> all($3))))
  or exists (select from staff s join courses c on c.id = s.course_id and c.deleted_at is null
    where s.person_id = p.id and s.course_id <> all($3)))`;

/** A person who is not deleted, by id or slug, as far as the scope reaches. */
export async function findPerson(sql: Sql, idOrSlug: string, scope: Scope = everything): Promise<Student | undefined> {
  const { rows } = await sql.query<Student>(
    `select ${personColumns} from people p where (id = $4 or slug = $4) and deleted_at is null and ${visible}
     order by id = $4 desc limit 1`,
    [...scopeValues(scope), idOrSlug],
  );
  return rows[0];
}

/** A person who is not deleted, by address in any case. */
export async function findPersonByEmail(sql: Sql, email: string): Promise<Student | undefined> {
  const { rows } = await sql.query<Student>(
    `select ${personColumns} from people p where email = lower($1) and deleted_at is null`,
    [email],
  );
  return rows[0];
}

/**
 * A person whose account the scope may act on: a student or assistant in nobody else's class. `shared`: the scope sees
 * them, but others count on the account too. Undefined: nobody of that name in sight.
 */
export async function findCharge(sql: Sql, idOrSlug: string, scope: Scope): Promise<Student | 'shared' | undefined> {
  const person = await findPerson(sql, idOrSlug, scope);
  if (!person || scope.reach === 'all') return person;
  const { rows } = await sql.query(`select from people p where p.id = $4 and not ${shared}`, [
    ...scopeValues(scope),
    person.id,
  ]);
  return rows.length > 0 ? person : 'shared';
}

/** The students of a course's cohorts on whose accounts the scope may act, as `findCharge`. */
export async function chargesOfCourse(sql: Sql, courseId: string, scope: Scope): Promise<Student[]> {
  const { rows } = await sql.query<Student>(
    `select ${personColumns} from people p where p.deleted_at is null
       and exists (select from members m join enrolments e using (cohort_id)
         where m.person_id = p.id and e.course_id = $4)
       and ${visible} and ($1 or not ${shared}) order by p.slug`,
    [...scopeValues(scope), courseId],
  );
  return rows;
}

/** Those of these addresses, in lower case, whose people the scope sees. */
export async function addressesInScope(
  sql: Sql,
  scope: Scope,
  emails: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await sql.query<{ email: string }>(
    `select p.email from people p where p.email = any($4) and p.deleted_at is null and ${visible}`,
    [...scopeValues(scope), emails],
  );
  return new Set(rows.map(row => row.email));
}

/** For each of these people, the courses in whose sight they are: by cohorts and as staff. */
export async function coursesOfPeople(
  sql: Sql,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await sql.query<{ id: string; courses: string[] }>(
    `select p.id, array(
       select e.course_id from members m join enrolments e using (cohort_id) where m.person_id = p.id
       union select s.course_id from staff s where s.person_id = p.id) as courses
     from unnest($1::text[]) p(id)`,
    [ids],
  );
  return new Map(rows.map(row => [row.id, row.courses]));
}

/** People with these ids, whether deleted or not, in no order. */
export async function peopleByIds(sql: Sql, ids: readonly string[]): Promise<Student[]> {
  const { rows } = await sql.query<Student>(`select ${personColumns} from people p where id = any($1)`, [ids]);
  return rows;
}

/** Members of a cohort (its id), or everybody, as far as the scope reaches. */
export async function listStudents(
  sql: Sql,
  scope: Scope,
  of: { readonly cohortId?: string; readonly q?: string },
  page: PageOf,
): Promise<Page<Student>> {
  const text = `select ${personColumns} from people p
     where p.deleted_at is null
       and ($4::text is null or exists (select from members m where m.person_id = p.id and m.cohort_id = $4))
       and ($5::text is null or p.slug like $5 or p.email like $5 or lower(p.spec->>'name') like $5)
       and ${visible}`;
  const values = [...scopeValues(scope), of.cohortId ?? null, of.q === undefined ? null : likePattern(of.q)];
  return readPage<Student, Student>(sql, { text, values }, page, ({ listVersion: _, ...student }) => student);
}

/** A LIKE pattern that finds `text` anywhere, in lower case, with nothing in it special. */
export function likePattern(text: string): string {
  return `%${text.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;
}

/** Changes a person's spec in part. A new address of who was invited is invited anew. Addresses differ: else 23505. */
export async function patchPerson(
  pool: pg.Pool,
  id: string,
  given: Partial<Omit<StudentSpec, 'resends'>>,
  precondition: Precondition,
): Promise<Written<Student> | undefined> {
  return inTurn(pool, async client => {
    const present = await findPerson(client, id);
    if (!present) return undefined;
    if (!holds(precondition, present)) return { outcome: 'stale', object: present };
    const { email = present.spec.email, ...others } = given;
    const moved = email.toLowerCase() !== present.spec.email;
    const patch: Partial<StudentSpec> = {
      ...others,
      ...(moved && { email: email.toLowerCase(), resends: (present.spec.resends ?? 0) + 1 }),
    };
    if (moved) await client.query('delete from join_links where person_id = $1', [present.id]);
    const { rows } = await client.query<Student>(
      `update people p set spec = spec || $2::jsonb, email = coalesce($2::jsonb->>'email', email) where id = $1 and spec is distinct from spec || $2::jsonb
       returning ${personColumns}`,
      [present.id, patch],
    );
    if (patch.disabled) await client.query('delete from sessions where person_id = $1', [present.id]);
    const [object] = rows;
    return object ? { outcome: 'changed', object } : { outcome: 'unchanged', object: present };
  });
}

/** Takes a person out of every cohort and course; account and row go when the controller has seen to them, homes stay. */
export async function deletePerson(pool: pg.Pool, id: string, by: string | null): Promise<Student | undefined> {
  return inTurn(pool, async client => {
    for (const table of ['sessions', 'members', 'staff', 'tokens']) {
      await client.query(`delete from ${table} where person_id = $1`, [id]);
    }
    const { rows } = await client.query<Student>(
      `update people p set deleted_at = now() where id = $1 and deleted_at is null returning ${personColumns}`,
      [id],
    );
    await matchWorkspaces(client, { personIds: [id] }, by);
    return rows[0];
  });
}

/** Who signs in as an instructor has a row, with that role; nobody is invited by it. */
export async function ensureInstructor(pool: pg.Pool, person: { name: string; email: string }): Promise<Student> {
  return inTurn(pool, async client => {
    const [made] = await declarePeople(client, [person], { invited: false, role: 'instructor' });
    if (!made) throw new Error('declare one person');
    if (made.role === 'instructor') return made;
    await client.query("update people set role = 'instructor' where id = $1", [made.id]);
    return { ...made, role: 'instructor' };
  });
}

/**
 * Rows for people by address, in the given order: those who are there stay as they are, who is on the way out comes
 * back, others are made with a slug of their own. Addresses differ from each other. Run it in turn.
 */
export async function declarePeople(
  client: pg.PoolClient,
  people: readonly { readonly name: string; readonly email: string }[],
  options: { readonly invited: boolean; readonly role: Student['role'] },
): Promise<Student[]> {
  const emails = people.map(person => person.email.toLowerCase());
  await client.query(
    `update people set deleted_at = null where deleted_at is not null and id in (
       select distinct on (email) id from people where email = any($1)
       order by email, deleted_at is not null, deleted_at desc)
       and slug not in (select slug from people where deleted_at is null)`,
    [emails],
  );
  const present = await client.query<{ email: string }>(
    'select email from people where email = any($1) and deleted_at is null',
    [emails],
  );
  const known = new Set(present.rows.map(row => row.email));
  await insertPeople(
    client,
    people.filter(person => !known.has(person.email.toLowerCase())),
    options,
  );
  const { rows } = await client.query<Student>(
    `select ${personColumns} from unnest($1::text[]) with ordinality wanted(email, number)
     join people p on p.email = wanted.email and p.deleted_at is null order by wanted.number`,
    [emails],
  );
  return rows;
}

async function insertPeople(
  client: pg.PoolClient,
  people: readonly { readonly name: string; readonly email: string }[],
  options: { readonly invited: boolean; readonly role: Student['role'] },
): Promise<void> {
  if (people.length === 0) return;
  const { rows } = await client.query<{ slug: string }>('select slug from people where deleted_at is null');
  const slugs = new Set(rows.map(row => row.slug));
  const fresh = people.map(({ name, email }) => {
    const slug = personSlug(
      { name, email },
      candidate => slugs.has(candidate),
      () => newId().slice(0, 6),
    );
    slugs.add(slug);
    const spec: StudentSpec = { name, email: email.toLowerCase(), invited: options.invited, disabled: false };
    return { id: newId(), slug, email: spec.email, spec };
  });
  await client.query(
    `insert into people (id, slug, role, email, spec, status)
     select id, slug, $2, email, spec, $3::jsonb
     from jsonb_to_recordset($1::jsonb) fresh(id text, slug text, email text, spec jsonb)`,
    [JSON.stringify(fresh), options.role, unseenStudent],
  );
}
