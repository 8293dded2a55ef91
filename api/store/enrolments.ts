import type pg from 'pg';
import type { Student } from '../resources/student.ts';
import { matchWorkspaces } from './implied.ts';
import { declarePeople } from './people.ts';
import { inTurn } from './turn.ts';

/** A cohort takes a course: every member gets a workspace, hand-deleted ones too. True when that is new. */
export async function enrol(
  pool: pg.Pool,
  ids: { readonly courseId: string; readonly cohortId: string },
  by: string | null,
): Promise<boolean> {
  return changeEnrolment(
    pool,
    'insert into enrolments (course_id, cohort_id) values ($1, $2) on conflict do nothing',
    ids,
    by,
  );
}

/** A cohort takes a course no more: its workspaces in it go, homes are kept. True when it took it. */
export async function unenrol(
  pool: pg.Pool,
  ids: { readonly courseId: string; readonly cohortId: string },
  by: string | null,
): Promise<boolean> {
  return changeEnrolment(pool, 'delete from enrolments where course_id = $1 and cohort_id = $2', ids, by);
}

async function changeEnrolment(
  pool: pg.Pool,
  text: string,
  { courseId, cohortId }: { readonly courseId: string; readonly cohortId: string },
  by: string | null,
): Promise<boolean> {
  return inTurn(pool, async client => {
    const { rowCount } = await client.query(text, [courseId, cohortId]);
    if (rowCount === 0) return false;
    await client.query('delete from tombstones where course_id = $1 and cohort_id = $2', [courseId, cohortId]);
    // A course shows its cohorts: a new version of it.
    await client.query('update courses set spec = spec where id = $1', [courseId]);
    await matchWorkspaces(client, { courseIds: [courseId], cohortIds: [cohortId] }, by);
    return true;
  });
}

/** What a roster would change, or did. */
export interface RosterChange {
  readonly added: readonly string[];
  readonly unchanged: readonly string[];
  /** Members whom the list does not name; they stay. */
  readonly missing: readonly { readonly slug: string; readonly name: string; readonly email: string }[];
}

/**
 * Compares a list of people, each address once and in lower case, with a cohort; unless `dryRun`, adds who is missing,
 * with the workspaces that this implies, in one transaction. The answer names addresses.
 */
export async function addRoster(
  pool: pg.Pool,
  cohortId: string,
  people: readonly { readonly name: string; readonly email: string }[],
  options: { readonly dryRun: boolean; readonly invited: boolean; readonly by: string | null },
): Promise<RosterChange> {
  return inTurn(pool, async client => {
    const { rows } = await client.query<{ slug: string; name: string; email: string }>(
      `select p.slug, p.spec->>'name' as name, p.email from members m join people p on p.id = m.person_id
       where m.cohort_id = $1 and p.deleted_at is null order by p.slug`,
      [cohortId],
    );
    const members = new Set(rows.map(row => row.email));
    const listed = new Set(people.map(person => person.email));
    const fresh = people.filter(person => !members.has(person.email));
    if (!options.dryRun && fresh.length > 0) {
      const declared = await declarePeople(client, fresh, { invited: options.invited, role: 'student' });
      await join(client, cohortId, declared, options.by);
    }
    return {
      added: fresh.map(person => person.email),
      unchanged: people.filter(person => members.has(person.email)).map(person => person.email),
      missing: rows.filter(row => !listed.has(row.email)),
    };
  });
}

/** Puts a person into a cohort; what was deleted by hand of theirs there comes back. */
export async function addMember(
  pool: pg.Pool,
  ids: { readonly cohortId: string; readonly person: Student },
  by: string | null,
): Promise<void> {
  await inTurn(pool, client => join(client, ids.cohortId, [ids.person], by));
}

/** Takes a person out of a cohort: the workspaces go, homes are kept; out of the last one, they are signed out. True when they were in it. */
export async function removeMember(
  pool: pg.Pool,
  { cohortId, personId }: { readonly cohortId: string; readonly personId: string },
  by: string | null,
): Promise<boolean> {
  return inTurn(pool, async client => {
    const { rowCount } = await client.query('delete from members where cohort_id = $1 and person_id = $2', [
      cohortId,
      personId,
    ]);
    if (rowCount === 0) return false;
    await settleMembers(client, cohortId, [personId], by);
    // On nobody's list any more: signed out everywhere.
    await client.query(
      `delete from sessions s using people p where s.person_id = $1 and p.id = $1 and p.role = 'student'
         and not exists (select from members where person_id = $1) and not exists (select from staff where person_id = $1)`,
      [personId],
    );
    return true;
  });
}

async function join(
  client: pg.PoolClient,
  cohortId: string,
  people: readonly Student[],
  by: string | null,
): Promise<void> {
  const ids = people.map(person => person.id);
  await client.query(
    'insert into members (cohort_id, person_id) select $1, id from unnest($2::text[]) id on conflict do nothing',
    [cohortId, ids],
  );
  await settleMembers(client, cohortId, ids, by);
}

async function settleMembers(
  client: pg.PoolClient,
  cohortId: string,
  personIds: readonly string[],
  by: string | null,
): Promise<void> {
  await client.query('delete from tombstones where cohort_id = $1 and person_id = any($2)', [cohortId, personIds]);
  // A cohort shows its size: a new version of it.
  await client.query('update cohorts set spec = spec where id = $1', [cohortId]);
  await matchWorkspaces(client, { cohortIds: [cohortId], personIds }, by);
}
