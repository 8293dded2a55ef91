import { Type } from 'typebox';
import { enrol, listStaff, setStaff, unenrol } from '../store/enrolments.ts';
import { findPerson } from '../store/people.ts';
import type { App, Dependencies } from './dependencies.ts';
import { slugOf } from './principal.ts';
import { notFound } from './problem.ts';
import { visibleCohort, visibleCourse } from './visible.ts';

const enrolment = Type.Object({ course: Type.String(), cohort: Type.String() });
const assignment = Type.Object({ course: Type.String(), person: Type.String() });

/** Which cohorts take a course, and who is staff of it. An enrolment makes the workspaces that it implies, stopped. */
export function registerEnrolments(app: App, { pool }: Dependencies): void {
  app.put('/v1/courses/:course/cohorts/:cohort', { schema: { params: enrolment } }, async (request, reply) => {
    const course = await visibleCourse(pool, request.scope, request.params.course);
    const cohort = await visibleCohort(pool, request.scope, request.params.cohort);
    const isNew = await enrol(pool, { courseId: course.id, cohortId: cohort.id }, slugOf(request.principal));
    return reply.code(isNew ? 201 : 200).send({ course: course.slug, cohort: cohort.slug });
  });

  app.delete('/v1/courses/:course/cohorts/:cohort', { schema: { params: enrolment } }, async (request, reply) => {
    const course = await visibleCourse(pool, request.scope, request.params.course);
    const cohort = await visibleCohort(pool, request.scope, request.params.cohort);
    await unenrol(pool, { courseId: course.id, cohortId: cohort.id }, slugOf(request.principal));
    return reply.code(202).send({});
  });

  app.get('/v1/courses/:course/staff', { schema: { params: Type.Pick(assignment, ['course']) } }, async request => {
    const course = await visibleCourse(pool, request.scope, request.params.course);
    return { items: await listStaff(pool, course.id) };
  });

  app.put('/v1/courses/:course/staff/:person', { schema: { params: assignment } }, async (request, reply) => {
    await setStaff(pool, await idsOf(request), true, slugOf(request.principal));
    return reply.code(204).send();
  });

  app.delete('/v1/courses/:course/staff/:person', { schema: { params: assignment } }, async (request, reply) => {
    await setStaff(pool, await idsOf(request), false, slugOf(request.principal));
    return reply.code(204).send();
  });

  async function idsOf(request: {
    readonly scope: Parameters<typeof visibleCourse>[1];
    readonly params: { readonly course: string; readonly person: string };
  }) {
    const course = await visibleCourse(pool, request.scope, request.params.course);
    const person = await findPerson(pool, request.params.person);
    if (!person) throw notFound('person', request.params.person);
    return { courseId: course.id, personId: person.id };
  }
}
