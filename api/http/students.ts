import { Type } from 'typebox';
import { isNotable, personRowOf } from '../resources/rows.ts';
import { StudentSpec } from '../resources/student.ts';
import { addMember, removeMember } from '../store/enrolments.ts';
import { deletePerson, findPerson, listStudents, patchPerson } from '../store/people.ts';
import type { App, Dependencies } from './dependencies.ts';
import { preconditionOf, sendObject, sendWritten } from './etag.ts';
import { fieldsQuery, listOf, pageOf, pageQuery } from './lists.ts';
import { slugOf } from './principal.ts';
import { notFound, Refused } from './problem.ts';
import { chargeOf, visibleCohort } from './visible.ts';

const membership = Type.Object({ cohort: Type.String(), student: Type.String() });
const params = Type.Object({ student: Type.String() });
const querystring = Type.Object(
  { ...pageQuery, ...fieldsQuery, q: Type.Optional(Type.String({ maxLength: 200 })) },
  { additionalProperties: false },
);
/** Everything but what is counted here. */
const Patch = Type.Object(
  { spec: Type.Partial(Type.Omit(StudentSpec, ['resends']), { additionalProperties: false }) },
  { additionalProperties: false },
);

/** People, and their membership in cohorts. Students are made by a roster; here they are read, changed, moved, deleted. */
export function registerStudents(app: App, { pool, hub }: Dependencies): void {
  app.get('/v1/me', async request => {
    if (request.principal.kind !== 'person') throw notFound('person', 'me');
    const { id, slug, role, spec } = request.principal.person;
    return { id, slug, name: spec.name, email: spec.email, role };
  });

  app.get('/v1/students', { schema: { querystring } }, async request => {
    const filter = request.query.q === undefined ? {} : { q: request.query.q };
    const page = await listStudents(pool, request.scope, filter, pageOf(request.query));
    return request.query.fields === 'row' ? listOf(page, personRowOf) : listOf(page, student => student);
  });

  app.get('/v1/students/:student', { schema: { params } }, async (request, reply) => {
    const person = await findPerson(pool, request.params.student, request.scope);
    if (!person) throw notFound('student', request.params.student);
    return sendObject(request, reply, person);
  });

  app.patch('/v1/students/:student', { schema: { params, body: Patch } }, async (request, reply) => {
    const person = await chargeOf(pool, request.scope, request.params.student);
    const { email } = request.body.spec;
    const moves = email !== undefined && email.toLowerCase() !== person.spec.email;
    // The address of who has joined is the way into their account.
    if (moves && person.status.invitation === 'accepted' && request.principal.kind !== 'operator')
      throw new Refused(409, 'This person has joined with the address already. Add the other one instead.');
    const written = await patchPerson(pool, person.id, request.body.spec, preconditionOf(request));
    if (!written) throw notFound('student', request.params.student);
    hub.recheck();
    return sendWritten(reply, written, student => student);
  });

  app.delete('/v1/students/:student', { schema: { params } }, async (request, reply) => {
    // Deleting twice is no fault.
    const found = await findPerson(pool, request.params.student, request.scope);
    if (found) {
      const person = await chargeOf(pool, request.scope, found.id);
      await deletePerson(pool, person.id, slugOf(request.principal));
      hub.recheck();
    }
    return reply.code(202).send({});
  });

  app.get(
    '/v1/cohorts/:cohort/students',
    { schema: { params: Type.Pick(membership, ['cohort']), querystring } },
    async request => {
      const cohort = await visibleCohort(pool, request.scope, request.params.cohort);
      const { q } = request.query;
      const filter = { cohortId: cohort.id, ...(q === undefined ? {} : { q }) };
      const page = await listStudents(pool, request.scope, filter, pageOf(request.query));
      if (request.query.fields !== 'row') return listOf(page, student => student);
      // A table says only what is to be said; a page may come out short.
      return listOf({ ...page, items: page.items.filter(isNotable) }, personRowOf);
    },
  );

  app.put('/v1/cohorts/:cohort/students/:student', { schema: { params: membership } }, async (request, reply) => {
    const cohort = await visibleCohort(pool, request.scope, request.params.cohort);
    const person = await findPerson(pool, request.params.student, request.scope);
    if (!person) throw notFound('student', request.params.student);
    await addMember(pool, { cohortId: cohort.id, person }, slugOf(request.principal));
    return reply.code(200).send(person);
  });

  app.delete('/v1/cohorts/:cohort/students/:student', { schema: { params: membership } }, async (request, reply) => {
    const cohort = await visibleCohort(pool, request.scope, request.params.cohort);
    const person = await findPerson(pool, request.params.student, request.scope);
    const ids = person && { cohortId: cohort.id, personId: person.id };
    if (ids) await removeMember(pool, ids, slugOf(request.principal));
    hub.recheck();
    return reply.code(202).send({});
  });
}
