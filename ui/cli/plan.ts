import { isDeepStrictEqual } from 'node:util';
import type { CourseSpec } from '../../api/resources/course.ts';
import type { Student } from '../../api/resources/student.ts';
import type { ClassDocument, Listed } from './class-document.ts';
import type { Present } from './present.ts';

/** One change through the API. `etag`: what the plan was made from; null: the thing must not be there yet. */
export type Step =
  | { readonly do: 'unenrol' | 'enrol'; readonly course: string; readonly cohort: string }
  | { readonly do: 'removeStaff' | 'addStaff'; readonly course: string; readonly email: string }
  | { readonly do: 'removeStudent'; readonly cohort: string; readonly slug: string; readonly student: Listed }
  | { readonly do: 'deleteCourse' | 'deleteCohort'; readonly slug: string; readonly name: string }
  | {
      readonly do: 'putCourse';
      readonly slug: string;
      readonly spec: CourseSpec;
      readonly etag: string | null;
      readonly changed: readonly Change[];
    }
  | {
      readonly do: 'putCohort';
      readonly slug: string;
      readonly name: string;
      readonly etag: string | null;
      readonly was: string | null;
    }
  | {
      readonly do: 'addStudents';
      readonly cohort: string;
      readonly invite: boolean;
      readonly students: readonly Listed[];
    }
  | { readonly do: 'renameStudent'; readonly slug: string; readonly was: string; readonly name: string };

/** One field of a course that changes. */
export interface Change {
  readonly field: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** What it comes to in AWS, in numbers of things. */
export interface Effects {
  readonly workspacesCreated: number;
  readonly workspacesRemoved: number;
  /** Workspaces that take up changed settings at their next start. */
  readonly workspacesChanged: number;
  readonly accountsCreated: number;
}

/** The way from what is to what the document wants, in the order in which it is gone. No steps: settled. */
export interface Plan {
  readonly steps: readonly Step[];
  readonly effects: Effects;
  /** Addresses that are to be staff and belong to nobody, now or after the plan. */
  readonly unknownStaff: readonly { readonly course: string; readonly email: string }[];
}

const removals = new Set<Step['do']>(['unenrol', 'removeStaff', 'removeStudent', 'deleteCourse', 'deleteCohort']);

/** Whether a step takes something away, so that somebody must have said yes. */
export function isRemoval(step: Step): boolean {
  return removals.has(step.do);
}

/** Compares a document with what is. Pure. Removals come first, so that a moved student never has two places. */
export function planClass(document: ClassDocument, present: Present): Plan {
  const courses = present.courses.filter(course => document.others === 'remove' || document.courses.has(course.slug));
  const cohorts = present.cohorts.filter(cohort => document.others === 'remove' || document.cohorts.has(cohort.slug));
  const steps = [
    ...courses.flatMap(course => leaveCourse(course, document)),
    ...cohorts.flatMap(cohort => leaveCohort(cohort, document)),
    ...putCourses(document, present),
    ...putCohorts(document, present),
    ...joinCourses(document, present),
  ];
  const people = new Set(present.people.map(emailOf));
  const listed = new Set([...document.cohorts.values()].flatMap(cohort => cohort.students.map(({ email }) => email)));
  const unknownStaff = [...document.courses].flatMap(([course, { staff }]) =>
    staff.filter(email => !people.has(email) && !listed.has(email)).map(email => ({ course, email })),
  );
  return { steps, effects: effectsOf(steps, document, present), unknownStaff };
}

function leaveCourse(course: Present['courses'][number], document: ClassDocument): readonly Step[] {
  const wanted = document.courses.get(course.slug);
  if (!wanted) return [{ do: 'deleteCourse', slug: course.slug, name: course.spec.name }];
  return [
    ...course.cohorts
      // A cohort that goes takes its enrolments along.
      .filter(
        cohort => !wanted.cohorts.includes(cohort) && (document.others === 'keep' || document.cohorts.has(cohort)),
      )
      .map(cohort => ({ do: 'unenrol', course: course.slug, cohort }) as const),
    ...course.staff
      .map(emailOf)
      .filter(email => !wanted.staff.includes(email))
      .map(email => ({ do: 'removeStaff', course: course.slug, email }) as const),
  ];
}

function leaveCohort(cohort: Present['cohorts'][number], document: ClassDocument): readonly Step[] {
  const wanted = document.cohorts.get(cohort.slug);
  if (!wanted) return [{ do: 'deleteCohort', slug: cohort.slug, name: cohort.spec.name }];
  const emails = new Set(wanted.students.map(({ email }) => email));
  return cohort.students
    .filter(student => !emails.has(emailOf(student)))
    .map(({ slug, spec }) => ({
      do: 'removeStudent',
      cohort: cohort.slug,
      slug,
      student: { name: spec.name, email: spec.email },
    }));
}

function putCourses(document: ClassDocument, present: Present): readonly Step[] {
  return [...document.courses].flatMap(([slug, { spec }]): Step[] => {
    const course = present.courses.find(each => each.slug === slug);
    if (!course) return [{ do: 'putCourse', slug, spec, etag: null, changed: [] }];
    const before = new Map(Object.entries(course.spec));
    const changed = Object.entries(spec)
      .filter(([field, to]) => !isDeepStrictEqual(before.get(field), to))
      .map(([field, to]) => ({ field, from: before.get(field), to }));
    return changed.length === 0 ? [] : [{ do: 'putCourse', slug, spec, etag: etagOf(course), changed }];
  });
}

function putCohorts(document: ClassDocument, present: Present): readonly Step[] {
  const names = new Map(
    [...document.cohorts.values()].flatMap(({ students }) => students).map(listed => [listed.email, listed.name]),
  );
  const renames = present.people.flatMap(({ slug, spec }): Step[] => {
    const name = names.get(spec.email);
    // A roster without a name says the local part of the address instead; that is no new name.
    if (name === undefined || name === spec.name || name === spec.email.split('@')[0]) return [];
    return [{ do: 'renameStudent', slug, was: spec.name, name }];
  });
  const puts = [...document.cohorts].flatMap(([slug, { name, invite, students }]): Step[] => {
    const cohort = present.cohorts.find(each => each.slug === slug);
    const members = new Set(cohort?.students.map(emailOf));
    const added = students.filter(({ email }) => !members.has(email));
    const put: Step = {
      do: 'putCohort',
      slug,
      name,
      etag: cohort ? etagOf(cohort) : null,
      was: cohort?.spec.name ?? null,
    };
    return [
      ...(cohort?.spec.name === name ? [] : [put]),
      ...(added.length === 0 ? [] : [{ do: 'addStudents', cohort: slug, invite, students: added } as const]),
    ];
  });
  return [...renames, ...puts];
}

function joinCourses(document: ClassDocument, present: Present): readonly Step[] {
  return [...document.courses].flatMap(([course, { cohorts, staff }]): Step[] => {
    const before = present.courses.find(each => each.slug === course);
    const known = new Set(before?.staff.map(emailOf));
    return [
      ...cohorts
        .filter(cohort => !takes(present, course, cohort))
        .map(cohort => ({ do: 'enrol', course, cohort }) as const),
      ...staff.filter(email => !known.has(email)).map(email => ({ do: 'addStaff', course, email }) as const),
    ];
  });
}

/** Whether a cohort takes a course now. One that goes and comes again under the same slug is another. */
function takes(present: Present, course: string, cohort: string): boolean {
  return present.courses.find(each => each.slug === course)?.cohorts.includes(cohort) === true;
}

function effectsOf(steps: readonly Step[], document: ClassDocument, present: Present): Effects {
  const before = new Set(
    present.courses.flatMap(course =>
      course.cohorts.flatMap(slug => {
        const students = present.cohorts.find(cohort => cohort.slug === slug)?.students ?? [];
        return students.map(student => `${course.slug} ${slug} ${emailOf(student)}`);
      }),
    ),
  );
  const kept = document.others === 'keep' ? present.courses.filter(({ slug }) => !document.courses.has(slug)) : [];
  const taken = [...document.courses, ...kept.map(course => [course.slug, course] as const)];
  const membersOf = (slug: string) =>
    document.cohorts.get(slug)?.students.map(({ email }) => email) ??
    present.cohorts.find(cohort => cohort.slug === slug)?.students.map(emailOf);
  const after = new Set(
    taken.flatMap(([course, { cohorts }]) =>
      cohorts.flatMap(slug => (membersOf(slug) ?? []).map(email => `${course} ${slug} ${email}`)),
    ),
  );
  const changed = new Set(steps.flatMap(step => (step.do === 'putCourse' && step.etag !== null ? [step.slug] : [])));
  const people = new Set(present.people.map(emailOf));
  const fresh = steps
    .flatMap(step => (step.do === 'addStudents' ? step.students : []))
    .filter(({ email }) => !people.has(email));
  return {
    workspacesCreated: [...after].filter(pair => !before.has(pair)).length,
    workspacesRemoved: [...before].filter(pair => !after.has(pair)).length,
    workspacesChanged: [...after].filter(pair => before.has(pair) && changed.has(pair.split(' ')[0] ?? '')).length,
    accountsCreated: new Set(fresh.map(({ email }) => email)).size,
  };
}

function emailOf(student: Student): string {
  return student.spec.email.toLowerCase();
}

/** As the API makes it: the generation is what an edit was based on. */
function etagOf({ generation, version }: { readonly generation: number; readonly version: number }): string {
  return `"${generation}.${version}"`;
}
