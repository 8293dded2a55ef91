import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { findPerson } from '../store/people.ts';
import { addStaff, listStaff, removeStaff } from '../store/staff.ts';
import type { App, Dependencies } from './dependencies.ts';
import { slugOf } from './principal.ts';
import { notFound, Refused } from './problem.ts';
import { visibleCourse } from './visible.ts';

const params = Type.Object({ course: Type.String(), person: Type.String() });
const Address = Type.String({ format: 'email', maxLength: 254 });
const Appointment = Type.Object(
  {
    role: Type.Optional(Type.Union([Type.Literal('instructor'), Type.Literal('assistant')])),
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  },
  { additionalProperties: false },
);

/**
 * Who is staff of a course. Instructors change it; assistants see it, start, stop and open its workspaces. A person is
 * named by id or slug where one sees them already, else by address: who is new there is made and invited.
 */
export function registerStaff(app: App, { pool, hub }: Dependencies): void {
  app.get('/v1/courses/:course/staff', { schema: { params: Type.Pick(params, ['course']) } }, async request => {
    const course = await visibleCourse(pool, request.scope, request.params.course);
    return { items: await listStaff(pool, course.id) };
  });

  app.put(
    '/v1/courses/:course/staff/:person',
    {
      schema: { params, body: Appointment },
      // It may be left out.
      preValidation: async request => {
        request.body ??= {};
      },
    },
    async (request, reply) => {
      const course = await visibleCourse(pool, request.scope, request.params.course);
      const { person: named } = request.params;
      const found = await findPerson(pool, named, request.scope);
      if (!found && !Value.Check(Address, named)) throw notFound('person', named);
      const email = named.toLowerCase();
      const who = found ? { id: found.id } : { email, name: request.body.name ?? email };
      const role = request.body.role === 'instructor' ? 'instructor' : undefined;
      await addStaff(pool, course.id, who, role, slugOf(request.principal));
      return reply.code(204).send();
    },
  );

  app.delete('/v1/courses/:course/staff/:person', { schema: { params } }, async (request, reply) => {
    const course = await visibleCourse(pool, request.scope, request.params.course);
    const person = await findPerson(pool, request.params.person, request.scope);
    if (!person) throw notFound('person', request.params.person);
    const options = { orphan: request.principal.kind === 'operator', by: slugOf(request.principal) };
    const isOut = await removeStaff(pool, { courseId: course.id, personId: person.id }, options);
    if (!isOut) throw new Refused(409, 'A class needs an instructor: add another one first.');
    hub.recheck();
    return reply.code(204).send();
  });
}
