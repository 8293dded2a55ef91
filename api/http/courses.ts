import { Type } from 'typebox';
import { type CourseSpec, CourseSpec as courseSchema, defaultCourse } from '../resources/course.ts';
import { slugLengths, slugPattern } from '../resources/slug.ts';
import { deleteCourse, findCourse, listCourses, putCourse } from '../store/courses.ts';
import { refuseReserved } from './cohorts.ts';
import type { App, Dependencies } from './dependencies.ts';
import { preconditionOf, sendObject, sendWritten } from './etag.ts';
import { listOf, pageOf, pageQuery } from './lists.ts';
import { slugOf } from './principal.ts';
import { notFound } from './problem.ts';
import { makerOf, ownOrRefused, visibleCourse } from './visible.ts';

const params = Type.Object({ course: Type.String() });
const newSlug = Type.String({ pattern: slugPattern, maxLength: slugLengths.course });
const { name, ...others } = courseSchema.properties;
/** PUT: what is missing takes its default. */
const Declared = Type.Object(
  { name, ...Type.Partial(Type.Object(others)).properties },
  { additionalProperties: false },
);
/** PATCH: what is missing stays. */
const Patch = Type.Partial(courseSchema, { additionalProperties: false });

/** What is taught: PUT declares a course whole, PATCH changes fields; workspaces take it up at their next start. */
export function registerCourses(app: App, { pool }: Dependencies): void {
  app.get(
    '/v1/courses',
    { schema: { querystring: Type.Object(pageQuery, { additionalProperties: false }) } },
    async request => listOf(await listCourses(pool, request.scope, pageOf(request.query)), course => course),
  );

  app.get('/v1/courses/:course', { schema: { params } }, async (request, reply) =>
    sendObject(request, reply, await visibleCourse(pool, request.scope, request.params.course)),
  );

  app.put(
    '/v1/courses/:course',
    { schema: { params: Type.Object({ course: newSlug }), body: Declared } },
    async (request, reply) => {
      refuseReserved(request.params.course);
      const spec: CourseSpec = { ...defaultCourse, ...request.body };
      const precondition = preconditionOf(request);
      const by = slugOf(request.principal);
      const put = await putCourse(pool, request.params.course, () => spec, precondition, by, makerOf(request));
      const written = ownOrRefused(put, precondition);
      if (!written) throw notFound('course', request.params.course);
      return sendWritten(reply, written, course => course);
    },
  );

  app.patch('/v1/courses/:course', { schema: { params, body: Patch } }, async (request, reply) => {
    const { slug } = await visibleCourse(pool, request.scope, request.params.course);
    const merged = (present: CourseSpec | undefined) => present && { ...present, ...request.body };
    const precondition = preconditionOf(request);
    const put = await putCourse(pool, slug, merged, precondition, slugOf(request.principal), makerOf(request));
    const written = ownOrRefused(put, precondition);
    if (!written) throw notFound('course', request.params.course);
    return sendWritten(reply, written, course => course);
  });

  app.delete('/v1/courses/:course', { schema: { params } }, async (request, reply) => {
    const course = await findCourse(pool, request.scope, request.params.course);
    if (course) await deleteCourse(pool, course.id, slugOf(request.principal));
    return reply.code(202).send({});
  });
}
