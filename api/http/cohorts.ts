import { Type } from 'typebox';
import { CohortSpec } from '../resources/cohort.ts';
import { reservedSlugs, slugLengths, slugPattern } from '../resources/slug.ts';
import { deleteCohort, findCohort, listCohorts, putCohort } from '../store/cohorts.ts';
import type { App, Dependencies } from './dependencies.ts';
import { preconditionOf, sendObject, sendWritten } from './etag.ts';
import { listOf, pageOf, pageQuery } from './lists.ts';
import { slugOf } from './principal.ts';
import { Refused } from './problem.ts';
import { makerOf, ownOrRefused, visibleCohort } from './visible.ts';

const params = Type.Object({ cohort: Type.String() });
const newSlug = Type.String({ pattern: slugPattern, maxLength: slugLengths.cohort });

/** Groups of students: PUT makes or renames one; deleting it takes its workspaces and keeps people and homes. */
export function registerCohorts(app: App, { pool }: Dependencies): void {
  app.get(
    '/v1/cohorts',
    { schema: { querystring: Type.Object(pageQuery, { additionalProperties: false }) } },
    async request => listOf(await listCohorts(pool, request.scope, pageOf(request.query)), cohort => cohort),
  );

  app.get('/v1/cohorts/:cohort', { schema: { params } }, async (request, reply) =>
    sendObject(request, reply, await visibleCohort(pool, request.scope, request.params.cohort)),
  );

  app.put(
    '/v1/cohorts/:cohort',
    { schema: { params: Type.Object({ cohort: newSlug }), body: CohortSpec } },
    async (request, reply) => {
      refuseReserved(request.params.cohort);
      const precondition = preconditionOf(request);
      const written = await putCohort(pool, request.params.cohort, request.body, precondition, makerOf(request));
      return sendWritten(reply, ownOrRefused(written, precondition), cohort => cohort);
    },
  );

  app.delete('/v1/cohorts/:cohort', { schema: { params } }, async (request, reply) => {
    const cohort = await findCohort(pool, request.scope, request.params.cohort);
    // Deleting twice is no fault.
    if (cohort) await deleteCohort(pool, cohort.id, slugOf(request.principal));
    return reply.code(202).send({});
  });
}

/** Refuses words that would be taken for a part of the product. */
export function refuseReserved(slug: string): void {
  if (reservedSlugs.has(slug)) throw new Refused(400, `“${slug}” is a word that Armada needs itself; choose another.`);
}
