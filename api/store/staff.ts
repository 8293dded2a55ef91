import type pg from 'pg';
import type { Student } from '../resources/student.ts';
import { declarePeople, personColumns } from './people.ts';
import type { Sql } from './pool.ts';
import { inTurn } from './turn.ts';

/** Who is staff of a course. */
export async function listStaff(sql: Sql, courseId: string): Promise<Student[]> {
  const { rows } = await sql.query<Student>(
    `select ${personColumns} from staff s join people p on p.id = s.person_id
     where s.course_id = $1 and p.deleted_at is null order by p.role, p.slug`,
    [courseId],
  );
  return rows;
}

/**
 * Makes a person staff of a course: one who is there, or whoever has an address, who is made and invited where it is
 * new. `role` makes an instructor of who is none; left out, it stays, and who is new assists. Repeating changes nothing.
 */
export async function addStaff(
  pool: pg.Pool,
  courseId: string,
  who: { readonly id: string } | { readonly name: string; readonly email: string },
  role: Student['role'] | undefined,
  by: string | null,
): Promise<void> {
  await inTurn(pool, async client => {
    const personId = 'id' in who ? who.id : await idOf(client, who);
    if (role === 'instructor') {
      await client.query("update people set role = 'instructor' where id = $1 and role <> 'instructor'", [personId]);
    }
    const { rowCount } = await client.query(
      'insert into staff (course_id, person_id) values ($1, $2) on conflict do nothing',
      [courseId, personId],
    );
    if (rowCount === 1) await note(client, { courseId, personId }, 'StaffAdded', ' is staff of the class.', by);
  });
}

/**
 * A person is staff of a course no more. False, and nothing done, for its last instructor, unless `orphan`: nobody but
 * the operator would see it any more.
 */
export async function removeStaff(
  pool: pg.Pool,
  ids: { readonly courseId: string; readonly personId: string },
  options: { readonly orphan: boolean; readonly by: string | null },
): Promise<boolean> {
  return inTurn(pool, async client => {
    const others = await client.query(
      `select from staff s join people p on p.id = s.person_id and p.role = 'instructor' and p.deleted_at is null
       where s.course_id = $1 and s.person_id <> $2`,
      [ids.courseId, ids.personId],
    );
    if (others.rows.length === 0 && !options.orphan && (await isInstructor(client, ids.personId))) return false;
    const { rowCount } = await client.query('delete from staff where course_id = $1 and person_id = $2', [
      ids.courseId,
      ids.personId,
    ]);
    if (rowCount === 1) await note(client, ids, 'StaffRemoved', ' is no longer staff of the class.', options.by);
    return true;
  });
}

async function isInstructor(sql: Sql, personId: string): Promise<boolean> {
  const { rows } = await sql.query("select from people where id = $1 and role = 'instructor'", [personId]);
  return rows.length > 0;
}

async function idOf(client: pg.PoolClient, person: { readonly name: string; readonly email: string }): Promise<string> {
  const [declared] = await declarePeople(client, [person], { invited: true, role: 'student' });
  if (!declared) throw new Error('declare one person');
  return declared.id;
}

async function note(
  sql: Sql,
  { courseId, personId }: { readonly courseId: string; readonly personId: string },
  reason: string,
  words: string,
  by: string | null,
): Promise<void> {
  await sql.query(
    `insert into events (kind, about, tone, reason, message, by)
     select 'course', $1, 'normal', $3, (p.spec->>'name') || $4, $5 from people p where p.id = $2`,
    [courseId, personId, reason, words, by],
  );
}
