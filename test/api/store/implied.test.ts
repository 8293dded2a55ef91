import { afterAll, beforeAll, expect, test } from 'vitest';
import { defaultCourse } from '../../../api/resources/course.ts';
import type { Student } from '../../../api/resources/student.ts';
import type { Workspace } from '../../../api/resources/workspace.ts';
import { deleteCohort, findCohort, putCohort } from '../../../api/store/cohorts.ts';
import { deleteCourse, findCourse, putCourse } from '../../../api/store/courses.ts';
import { addMember, addRoster, enrol, unenrol } from '../../../api/store/enrolments.ts';
import { declarePeople, deletePerson, findPerson } from '../../../api/store/people.ts';
import { everything } from '../../../api/store/scope.ts';
import { writeStatus } from '../../../api/store/status.ts';
import { inTurn } from '../../../api/store/turn.ts';
import { listWorkspaces } from '../../../api/store/workspaces.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.close());

const pool = () => database.pool;
const operator = { scope: everything, personId: null };
async function cohort(slug: string): Promise<string> {
  await putCohort(pool(), slug, { name: slug }, undefined, operator);
  return (await findCohort(pool(), everything, slug))!.id;
}
async function course(slug: string): Promise<string> {
  await putCourse(pool(), slug, () => ({ ...defaultCourse, name: slug }), undefined, null, operator);
  return (await findCourse(pool(), everything, slug))!.id;
}
async function person(name: string): Promise<Student> {
  const email = `${name.toLowerCase()}@x.edu`;
  const [made] = await inTurn(pool(), client =>
    declarePeople(client, [{ name, email }], { invited: true, role: 'student' }),
  );
  return made!;
}
async function live(filter: { course?: string; cohort?: string } = {}) {
  const { items } = await listWorkspaces(pool(), everything, filter, { limit: 500 });
  return items.filter(item => item.deletedAt === null);
}

test('members and enrolments that come at the same time imply every pair', async () => {
  const [cohortIds, courseIds] = await Promise.all([
    Promise.all(['k1', 'k2', 'k3'].map(cohort)),
    Promise.all(['c1', 'c2', 'c3'].map(course)),
  ]);
  const people = await Promise.all(['Ada', 'Bob', 'Cyd', 'Dot'].map(person));
  const joins = cohortIds.flatMap(cohortId =>
    people.map(each => () => addMember(pool(), { cohortId, person: each }, null)),
  );
  const enrols = cohortIds.flatMap(cohortId =>
    courseIds.map(courseId => () => enrol(pool(), { courseId, cohortId }, null)),
  );
  const mixed = joins.flatMap((joining, index) => [joining, ...(enrols[index] ? [enrols[index]] : [])]);
  await Promise.all(mixed.map(work => work()));
  const all = await live();
  expect(all).toHaveLength(36);
  expect(new Set(all.map(each => each.slug)).size).toBe(36);
  expect(new Set(all.map(each => each.home.uid)).size).toBe(36);
  expect(Math.min(...all.map(each => each.home.uid))).toBeGreaterThanOrEqual(20000);
});

test('who writes one row waits for who writes many before it holds the row, so that neither waits for ever', async () => {
  const [{ id, version, status }] = (await live()) as [Workspace];
  const many = await pool().connect();
  await many.query('begin');
  // As any first write of a transaction does.
  await many.query('update courses set spec = spec');
  const single = writeStatus(pool(), 'workspace', id, version, { ...status, observedGeneration: 1 });
  await eventually(async () => {
    const { rowCount } = await pool().query(
      "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    return rowCount === 1;
  });
  await many.query('update workspaces set spec = spec');
  await many.query('commit');
  many.release();
  // It was changed meanwhile: nothing is written.
  expect(await single).toBeUndefined();
});

test('unmaking takes only what nothing implies any more', async () => {
  const k1 = (await findCohort(pool(), everything, 'k1'))!.id;
  const c1 = (await findCourse(pool(), everything, 'c1'))!.id;
  await unenrol(pool(), { courseId: c1, cohortId: k1 }, 'grace');
  expect(await live({ cohort: 'k1' })).toHaveLength(8);
  await deleteCourse(pool(), (await findCourse(pool(), everything, 'c2'))!.id, null);
  expect(await live()).toHaveLength(36 - 4 - 12);
  await deleteCohort(pool(), (await findCohort(pool(), everything, 'k3'))!.id, null);
  expect(await live()).toHaveLength(12);
  expect((await live()).map(each => each.spec.running && each.cohort.slug === 'k3')).not.toContain(true);
});

test('a person who is deleted and listed again is the same person with the same homes', async () => {
  const before = (await live()).filter(each => each.student.slug === 'bob');
  const bob = (await findPerson(pool(), 'bob'))!;
  await deletePerson(pool(), bob.id, 'grace');
  expect(await findPerson(pool(), 'bob')).toBeUndefined();
  expect((await live()).filter(each => each.student.slug === 'bob')).toEqual([]);
  const k2 = (await findCohort(pool(), everything, 'k2'))!.id;
  await addRoster(pool(), k2, [{ name: 'Bob', email: 'bob@x.edu' }], { dryRun: false, invited: true, by: null });
  const again = (await live()).filter(each => each.student.slug === 'bob');
  expect(again.map(each => each.home.id).sort()).toEqual(
    before
      .filter(each => each.cohort.slug === 'k2')
      .map(each => each.home.id)
      .sort(),
  );
  expect((await findPerson(pool(), 'bob'))!.id).toBe(bob.id);
});

test('renaming a course or a person changes what is shown and never a host', async () => {
  const [before] = await live({ course: 'c3' });
  const renamed = await putCourse(
    pool(),
    'c3',
    present => present && { ...present, name: 'Renamed' },
    undefined,
    null,
    operator,
  );
  expect(renamed).toMatchObject({ outcome: 'changed' });
  const after = (await live({ course: 'c3' })).find(each => each.id === before!.id)!;
  expect(after).toMatchObject({ slug: before!.slug, course: { name: 'Renamed' }, generation: before!.generation });
  // Whoever watches the workspace hears of it.
  expect(after.version).toBeGreaterThan(before!.version);
});
