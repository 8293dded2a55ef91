import type pg from 'pg';
import { defaultCourse } from '../../api/resources/course.ts';
import { unseenStudent } from '../../api/resources/student.ts';
import { unseenWorkspace } from '../../api/resources/workspace.ts';

/** Each person is in many cohorts, so that thousands of workspaces don't take thousands of accounts. */
const mostPeople = 100;

/** Sixteen of `[a-z2-7]` of a text: an id as the store makes them. */
const idOf = (text: string) => `translate(substr(md5(${text}), 1, 16), '0189', 'ghij')`;

/** Adds workspaces of one course, the first `running` of them asked to run. */
export async function addRows(
  pool: pg.Pool,
  { workspaces, running }: { readonly workspaces: number; readonly running: number },
): Promise<void> {
  const people = Math.min(mostPeople, workspaces);
  const cohorts = Math.ceil(workspaces / people);
  const course = { ...defaultCourse, name: 'Bench', memory: 128, idleMinutes: null };
  const statements: readonly (readonly [text: string, values: readonly unknown[]])[] = [
    [`insert into courses (id, slug, spec) values ('course', 'c', $1)`, [course]],
    [
      `insert into cohorts (id, slug, spec) select 'cohort' || k, 'k' || k, '{"name": "Bench"}' from generate_series(1, $1) k`,
      [cohorts],
    ],
    [
      `insert into people (id, slug, role, email, spec, status)
       select 'person' || p, 's' || p, 'student', 's' || p || '@school.example',
         jsonb_build_object('name', 'S ' || p, 'email', 's' || p || '@school.example', 'invited', false, 'disabled', false), $2
       from generate_series(1, $1::int) p`,
      [people, unseenStudent],
    ],
    [
      `insert into homes (id, course_id, cohort_id, person_id)
       select ${idOf("'home' || n")}, 'course', 'cohort' || (n - 1) / $2 + 1, 'person' || (n - 1) % $2 + 1
       from generate_series(1, $1::int) n`,
      [workspaces, people],
    ],
    [
      `insert into workspaces (id, slug, course_id, cohort_id, person_id, home_id, spec, status)
       select ${idOf("'workspace' || n")}, 'w' || n, 'course', 'cohort' || (n - 1) / $2 + 1, 'person' || (n - 1) % $2 + 1,
         ${idOf("'home' || n")}, jsonb_build_object('running', n <= $3::int, 'restarts', 0), $4
       from generate_series(1, $1::int) n`,
      [workspaces, people, running, unseenWorkspace],
    ],
    ['analyze', []],
  ];
  for (const [text, values] of statements) await pool.query(text, [...values]);
}
