import { Type } from 'typebox';
import { enrol, unenrol } from '../store/enrolments.ts';
import type { App, Dependencies } from './dependencies.ts';
import { slugOf } from './principal.ts';
import { visibleCohort, visibleCourse } from './visible.ts';

const params = Type.Object({ course: Type.String(), cohort: Type.String() });

/** Which cohorts take a course. An enrolment makes the workspaces that it implies, stopped. */
export function registerEnrolments(app: App, { pool }: Dependencies): void {
  app.put('/v1/courses/:course/cohorts/:cohort', { schema: { params } }, async (request, reply) => {
    const course = await visibleCourse(pool, request.scope, request.params.course);
    const cohort = await visibleCohort(pool, request.scope, request.params.cohort);
    const isNew = await enrol(pool, { courseId: course.id, cohortId: cohort.id }, slugOf(request.principal));
    return reply.code(isNew ? 201 : 200).send({ course: course.slug, cohort: cohort.slug });
  });

  app.delete('/v1/courses/:course/cohorts/:cohort', { schema: { params } }, async (request, reply) => {
    const course = await visibleCourse(pool, request.scope, request.params.course);
    const cohort = await visibleCohort(pool, request.scope, request.params.cohort);
    await unenrol(pool, { courseId: course.id, cohortId: cohort.id }, slugOf(request.principal));
    return reply.code(202).send({});
  });
}
