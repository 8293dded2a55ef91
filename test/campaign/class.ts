import { defaultCourse } from '../../api/resources/course.ts';
import type { Student } from '../../api/resources/student.ts';
import { addRoster, enrol, removeMember } from '../../api/store/enrolments.ts';
import { newId } from '../../api/store/ids.ts';
import { everything } from '../../api/store/scope.ts';
import { askWorkspaces } from '../../api/store/workspaces.ts';
import type { VirtualWorld } from './virtual-world.ts';
import type { World } from './world.ts';

/** A class as people make it: a cohort that takes a course. */
export interface Class {
  readonly courseId: string;
  readonly cohortId: string;
}

const names = ['Ada', 'Bob', 'Cyd', 'Dot', 'Eve', 'Fay', 'Gus', 'Hal', 'Ivy', 'Jim'];

/** Makes a course of the slug `intro`, unless there is one. */
export async function makeCourse({ pool }: World): Promise<string> {
  const spec = { ...defaultCourse, name: 'Introduction' };
  return idOf(pool, 'courses', 'intro', spec);
}

/** Makes a course, a cohort and its members, who have no workspaces before the cohort is enrolled. */
export async function makeClass(world: World, members: number): Promise<Class> {
  const { pool } = world;
  const courseId = await makeCourse(world);
  const cohortId = await idOf(pool, 'cohorts', 'fall', { name: 'Fall' });
  const people = names.slice(0, members).map(name => ({ name, email: `${name.toLowerCase()}@school.example` }));
  await addRoster(pool, cohortId, people, { dryRun: false, invited: true, by: null });
  return { courseId, cohortId };
}

async function idOf(pool: World['pool'], table: 'courses' | 'cohorts', slug: string, spec: object): Promise<string> {
  const text = `select id from ${table} where slug = $1 and deleted_at is null`;
  const { rows } = await pool.query<{ id: string }>(text, [slug]);
  const id = rows[0]?.id ?? newId();
  if (!rows[0]) await pool.query(`insert into ${table} (id, slug, spec) values ($1, $2, $3)`, [id, slug, spec]);
  return id;
}

/** Merges into the course, as who edits it does. */
export async function changeCourse({ pool }: World, change: object): Promise<void> {
  await pool.query('update courses set spec = spec || $1::jsonb where deleted_at is null', [JSON.stringify(change)]);
}

/** The cohort takes the course: each member has a workspace from then on. */
export async function enrolled({ world, time }: VirtualWorld, members: number): Promise<Class> {
  const made = await makeClass(world, members);
  await enrol(world.pool, made, null);
  await time.settle();
  return made;
}

/** Asks the same of every workspace, in one statement. */
export async function askAll({ world, time }: VirtualWorld, what: 'start' | 'stop' | 'restart'): Promise<void> {
  await askWorkspaces(world.pool, everything, {}, what, null);
  await time.settle();
}

/** Ids of the workspaces that are not deleted, by slug. */
export async function liveWorkspaces({ pool }: World): Promise<readonly string[]> {
  const { rows } = await pool.query<{ id: string }>('select id from workspaces where deleted_at is null order by slug');
  return rows.map(({ id }) => id);
}

/** The people of the world, by slug. */
export async function peopleOf({ pool }: World): Promise<readonly Pick<Student, 'id' | 'slug'>[]> {
  const { rows } = await pool.query<Pick<Student, 'id' | 'slug'>>('select id, slug from people order by slug');
  return rows;
}

/** Who leaves the only cohort has no workspace any more once this resolves; their home is kept. */
export async function leaves({ world, time }: VirtualWorld, { id: personId }: Pick<Student, 'id'>): Promise<string> {
  const { pool } = world;
  const { rows } = await pool.query<{ id: string }>('select id from cohorts');
  const cohortId = rows[0]?.id ?? '';
  await removeMember(pool, { cohortId, personId }, null);
  const text = 'select from workspaces where person_id = $1';
  const isGone = async () => (await pool.query(text, [personId])).rowCount === 0;
  await time.until(isGone, 15 * 60_000, 'the workspace of who left goes');
  return cohortId;
}
