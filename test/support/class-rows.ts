import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { defaultCourse } from '../../api/resources/course.ts';
import { type Student, unseenStudent } from '../../api/resources/student.ts';
import { unseenWorkspace, type Workspace } from '../../api/resources/workspace.ts';
import { loadStudent, loadWorkspace } from '../../api/store/status.ts';

/** Inserts a person. */
export async function addStudent(pool: pg.Pool): Promise<Student> {
  const id = randomUUID();
  const slug = `s-${id.slice(0, 8)}`;
  const spec = { name: 'Ada Lovelace', email: `${slug}@example.org`, invited: true, disabled: false };
  await pool.query(`insert into people (id, slug, role, email, spec, status) values ($1, $2, 'student', $3, $4, $5)`, [
    id,
    slug,
    spec.email,
    spec,
    unseenStudent,
  ]);
  return (await loadStudent(pool, id))!;
}

/** Inserts a workspace with a course, cohort, person and home of its own. */
export async function addWorkspace(pool: pg.Pool, spec = { running: true, restarts: 0 }): Promise<Workspace> {
  const student = await addStudent(pool);
  const [course, cohort, home, id] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
  const name = id.slice(0, 8);
  await pool.query('insert into courses (id, slug, spec) values ($1, $2, $3)', [
    course,
    `c-${name}`,
    { ...defaultCourse, name: 'Introduction' },
  ]);
  await pool.query('insert into cohorts (id, slug, spec) values ($1, $2, $3)', [cohort, `k-${name}`, { name: 'Fall' }]);
  await pool.query('insert into homes (id, course_id, cohort_id, person_id) values ($1, $2, $3, $4)', [
    home,
    course,
    cohort,
    student.id,
  ]);
  await pool.query(
    `insert into workspaces (id, slug, course_id, cohort_id, person_id, home_id, spec, status)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [id, `w-${name}`, course, cohort, student.id, home, spec, unseenWorkspace],
  );
  return (await loadWorkspace(pool, id))!;
}
