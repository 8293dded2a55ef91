import { createHash, randomBytes } from 'node:crypto';
import type { Student } from '../resources/student.ts';
import { mayComeIn, personColumns } from './people.ts';
import type { Sql } from './pool.ts';

/** Nobody stays signed in for longer than a day of lessons. Source: promises §1.3. */
const sessionHours = 12;

/** One browser that is signed in. */
export interface Session {
  /** sha256 of the cookie's value. */
  readonly id: string;
  /** Its public name, which gates know it by. */
  readonly sid: string;
  readonly person: Student;
  /** Courses that the person is staff of. */
  readonly staffOf: readonly string[];
}

/** Signs a person in; answers the cookie's value, 256 random bits that are stored nowhere. */
export async function createSession(
  sql: Sql,
  personId: string,
  now: Date,
): Promise<{ readonly cookie: string; readonly seconds: number }> {
  const cookie = randomBytes(32).toString('base64url');
  await sql.query('delete from sessions where expires_at < $1', [now]);
  await sql.query('insert into sessions (id, sid, person_id, created_at, expires_at) values ($1, $2, $3, $4, $5)', [
    hashOf(cookie),
    randomBytes(16).toString('base64url'),
    personId,
    now,
    new Date(now.getTime() + sessionHours * 3_600_000),
  ]);
  return { cookie, seconds: sessionHours * 3600 };
}

/** The session that a cookie is of, while it stands and the person may sign in. */
export async function findSession(sql: Sql, cookie: string, now: Date): Promise<Session | undefined> {
  const [session] = await liveSessions(sql, [hashOf(cookie)], now);
  return session;
}

/** Those of these sessions (ids) that still stand, with the person's rights as they are now. */
export async function liveSessions(sql: Sql, ids: readonly string[], now: Date): Promise<Session[]> {
  const { rows } = await sql.query<Student & { session: string; sid: string; staff_of: string[] }>(
    `select ${personColumns}, s.id as session, s.sid,
       array(select course_id from staff where person_id = p.id) as staff_of
     from sessions s join people p on p.id = s.person_id
     where s.id = any($1) and s.expires_at > $2 and ${mayComeIn}`,
    [ids, now],
  );
  return rows.map(({ session, sid, staff_of, ...person }) => ({ id: session, sid, person, staffOf: staff_of }));
}

/** Signs one browser out. */
export async function endSession(sql: Sql, id: string): Promise<void> {
  await sql.query('delete from sessions where id = $1', [id]);
}

/** Signs a person out everywhere: after a new password. */
export async function endSessionsOf(sql: Sql, personId: string): Promise<void> {
  await sql.query('delete from sessions where person_id = $1', [personId]);
}

function hashOf(cookie: string): string {
  return createHash('sha256').update(cookie).digest('hex');
}
