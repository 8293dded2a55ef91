import type { Cohort } from '../../api/resources/cohort.ts';
import type { Course } from '../../api/resources/course.ts';
import type { Student } from '../../api/resources/student.ts';
import type { Client } from './client.ts';

/** Every class of the deployment as it is asked for now. */
export interface Present {
  readonly courses: readonly (Course & { readonly staff: readonly Student[] })[];
  readonly cohorts: readonly (Cohort & { readonly students: readonly Student[] })[];
  readonly people: readonly Student[];
}

/** Reads it all from the API; with few courses and cohorts these are few requests. */
export async function readPresent(client: Client): Promise<Present> {
  const [courses, cohorts, people] = await Promise.all([
    client.list<Course>('courses'),
    client.list<Cohort>('cohorts'),
    client.list<Student>('students'),
  ]);
  return {
    courses: await inTurn(courses, async course => {
      const { items } = await client.ask<{ items: readonly Student[] }>('GET', `courses/${course.slug}/staff`);
      return { ...course, staff: items };
    }),
    cohorts: await inTurn(cohorts, async cohort => ({
      ...cohort,
      students: await client.list<Student>(`cohorts/${cohort.slug}/students`),
    })),
    people,
  };
}

/** One after the other: a deployment with many classes is no reason to flood the API. */
async function inTurn<T, S>(items: readonly T[], read: (item: T) => Promise<S>): Promise<readonly S[]> {
  const results: S[] = [];
  for (const item of items) results.push(await read(item));
  return results;
}
