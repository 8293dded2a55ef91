import type { FastifyRequest } from 'fastify';
import type { Cohort } from '../resources/cohort.ts';
import type { Course } from '../resources/course.ts';
import type { Student } from '../resources/student.ts';
import { findCohort } from '../store/cohorts.ts';
import { findCourse } from '../store/courses.ts';
import { findCharge } from '../store/people.ts';
import type { Sql } from '../store/pool.ts';
import type { Scope } from '../store/scope.ts';
import type { Maker, Precondition } from '../store/written.ts';
import { notFound, Refused } from './problem.ts';

/** A cohort by id or slug, or 404: also when none of the scope's courses is taken by it. */
export async function visibleCohort(sql: Sql, scope: Scope, name: string): Promise<Cohort> {
  const cohort = await findCohort(sql, scope, name);
  if (!cohort) throw notFound('cohort', name);
  return cohort;
}

/** A course by id or slug, or 404: also when it is not one of the scope's. */
export async function visibleCourse(sql: Sql, scope: Scope, name: string): Promise<Course> {
  const course = await findCourse(sql, scope, name);
  if (!course) throw notFound('course', name);
  return course;
}

/** A person whose account the scope may act on, or 404; 409 for one whom somebody else's class counts on too. */
export async function chargeOf(sql: Sql, scope: Scope, name: string): Promise<Student> {
  const person = await findCharge(sql, name, scope);
  if (!person) throw notFound('student', name);
  if (person !== 'shared') return person;
  throw new Refused(
    409,
    'This account is not your class’s alone, so it is not yours to change. Take the person out of your class instead.',
  );
}

/** What a request may make or change, and whose it is to be. */
export function makerOf(request: FastifyRequest): Maker {
  const { principal, scope } = request;
  return { scope, personId: principal.kind === 'person' ? principal.person.id : null };
}

/** What PUT wrote; refused when the name is that of an object beyond the scope, which is not shown. */
export function ownOrRefused<T>(written: T | 'taken', precondition: Precondition): T {
  if (written !== 'taken') return written;
  const status = precondition?.generation === 'none' ? 412 : 409;
  throw new Refused(status, 'Somebody else’s class has this name already. Choose another.');
}
