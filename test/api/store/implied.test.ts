import { afterAll, beforeAll, expect, test } from 'vitest';
import { defaultCourse } from '../../../api/resources/course.ts';
import type { Student } from '../../../api/resources/student.ts';
import { deleteCohort, findCohort, putCohort } from '../../../api/store/cohorts.ts';
import { deleteCourse, findCourse, putCourse } from '../../../api/store/courses.ts';
import { addMember, addRoster, enrol, removeMember, unenrol } from '../../../api/store/enrolments.ts';
import { declarePeople, deletePerson, findPerson } from '../../../api/store/people.ts';
import { everything } from '../../../api/store/scope.ts';
import { loadWorkspace, writeStatus } from '../../../api/store/status.ts';
import { inTurn } from '../../../api/store/turn.ts';
import { askWorkspaces, listWorkspaces } from '../../../api/store/workspaces.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.close());

const pool = () => database.pool;
async function cohort(slug: string): Promise<string> {
  await putCohort(pool(), slug, { name: slug }, undefined);
  return (await findCohort(pool(), everything, slug))!.id;
}
async function course(slug: string): Promise<string> {
  await putCourse(pool(), slug, () => ({ ...defaultCourse, name: slug }), undefined);
  return (await findCourse(pool(), slug))!.id;
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

test('writes of many rows and status writes at the same time do not block each other for ever', async () => {
  const all = await live();
  const asks = ['start', 'stop', 'restart', 'start'] as const;
  const work = [
    ...asks.map(ask => () => askWorkspaces(pool(), everything, {}, ask, null).then(() => {})),
    ...all.map(({ id }) => async () => {
      const workspace = (await loadWorkspace(pool(), id))!;
      await writeStatus(pool(), 'workspace', id, workspace.version, { ...workspace.status, observedGeneration: 1 });
    }),
    ...['k1', 'k2'].map(slug => async () => {
      const { id } = (await findCohort(pool(), everything, slug))!;
      const ada = (await findPerson(pool(), 'ada'))!;
      await removeMember(pool(), { cohortId: id, personId: ada.id }, null);
      await addMember(pool(), { cohortId: id, person: ada }, null);
    }),
  ];
  const outcomes = await Promise.allSettled([...work, ...work].map(each => each()));
  expect(outcomes.filter(outcome => outcome.status === 'rejected')).toEqual([]);
  expect(await live()).toHaveLength(36);
});

test('unmaking takes only what nothing implies any more', async () => {
  const k1 = (await findCohort(pool(), everything, 'k1'))!.id;
  const c1 = (await findCourse(pool(), 'c1'))!.id;
  await unenrol(pool(), { courseId: c1, cohortId: k1 }, 'grace');
  expect(await live({ cohort: 'k1' })).toHaveLength(8);
  await deleteCourse(pool(), (await findCourse(pool(), 'c2'))!.id, null);
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
  const renamed = await putCourse(pool(), 'c3', present => present && { ...present, name: 'Renamed' }, undefined);
  expect(renamed?.outcome).toBe('changed');
  const after = (await live({ course: 'c3' })).find(each => each.id === before!.id)!;
  expect(after).toMatchObject({ slug: before!.slug, course: { name: 'Renamed' }, generation: before!.generation });
  // Whoever watches the workspace hears of it.
  expect(after.version).toBeGreaterThan(before!.version);
});
