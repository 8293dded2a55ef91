import type { Cohort } from '../resources/cohort.ts';
import type { Course } from '../resources/course.ts';
import { findCohort } from '../store/cohorts.ts';
import { findCourse } from '../store/courses.ts';
import type { Sql } from '../store/pool.ts';
import { type Scope, scopeValues } from '../store/scope.ts';
import { notFound } from './problem.ts';

/** A cohort by id or slug, or 404: also when none of the scope's courses is taken by it. */
export async function visibleCohort(sql: Sql, scope: Scope, name: string): Promise<Cohort> {
  const cohort = await findCohort(sql, scope, name);
  if (!cohort) throw notFound('cohort', name);
  return cohort;
}

/** A course by id or slug, or 404: also when it is not one of the scope's. */
export async function visibleCourse(sql: Sql, scope: Scope, name: string): Promise<Course> {
  const course = await findCourse(sql, name);
  const [all, , courseIds] = scopeValues(scope);
  if (!course || !(all || courseIds.includes(course.id))) throw notFound('course', name);
  return course;
}
