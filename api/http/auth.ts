import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type PageRight, pageRights } from '../resources/boot.ts';
import type { Scope } from '../store/scope.ts';
import type { Principal } from './principal.ts';
import { Refused } from './problem.ts';

/**
 * Who can ask: a person who teaches (`instructor`), helps in somebody's course (`staff`) or does neither (`student`);
 * `operator` runs the deployment, `gate` is the proxy beside one workspace. A token for some courses is `staff`.
 */
export type Role = 'anonymous' | 'student' | 'staff' | 'instructor' | 'operator' | 'gate';

/** How far a right reaches: everything; the courses one is staff of and what is one's own; one's own. */
export type Reach = 'all' | 'course' | 'own';

type Row = Readonly<Partial<Record<Role, Reach>>>;

const everybody: Row = { anonymous: 'all', student: 'own', staff: 'course', instructor: 'course', operator: 'all' };
const signedIn: Row = { student: 'own', staff: 'course', instructor: 'course' };
const members: Row = { ...signedIn, operator: 'all' };
const teachers: Row = { staff: 'course', instructor: 'course', operator: 'all' };
const instructors: Row = { instructor: 'course', operator: 'all' };
const ownTokens: Row = { instructor: 'own', operator: 'all' };

/** Who may do what, and how far: the one source of every check. A route that is missing here is not built. */
export const rights: Readonly<Record<string, Row>> = {
  'GET /healthz': everybody,
  'GET /readyz': everybody,
  'GET /assets/:file': everybody,
  'GET /problems/:name': everybody,
  'GET /sign-in': everybody,
  'POST /sign-in': everybody,
  'GET /sign-in/new-password': everybody,
  'POST /sign-in/new-password': everybody,
  'GET /sign-in/forgot': everybody,
  'POST /sign-in/forgot': everybody,
  'POST /sign-in/reset': everybody,
  'POST /sign-out': everybody,
  'GET /join': everybody,
  'POST /join': everybody,
  'GET /v1/openapi.json': everybody,

  'GET /': signedIn,
  'GET /wake/:workspace': signedIn,
  'GET /open/:workspace': signedIn,
  'GET /classes/:course': { staff: 'course', instructor: 'course' },
  'GET /classes/:course/history': { staff: 'course', instructor: 'course' },
  'GET /classes/:course/settings': { instructor: 'course' },
  'GET /outbox': { instructor: 'course' },

  'GET /v1/me': signedIn,
  'GET /v1/watch': members,
  'GET /v1/events': members,

  'GET /v1/workspaces': members,
  'GET /v1/workspaces/:workspace': members,
  'GET /v1/workspaces/:workspace/log': members,
  'PATCH /v1/workspaces/:workspace': members,
  'POST /v1/workspaces/:workspace/keep': members,
  'DELETE /v1/workspaces/:workspace': instructors,
  'POST /v1/workspaces::start': members,
  'POST /v1/workspaces::stop': members,
  'POST /v1/workspaces::restart': members,

  'GET /v1/cohorts': teachers,
  'GET /v1/cohorts/:cohort': teachers,
  'PUT /v1/cohorts/:cohort': instructors,
  'DELETE /v1/cohorts/:cohort': instructors,
  'GET /v1/cohorts/:cohort/roster': teachers,
  'POST /v1/cohorts/:cohort/roster': instructors,
  'GET /v1/cohorts/:cohort/students': teachers,
  'PUT /v1/cohorts/:cohort/students/:student': instructors,
  'DELETE /v1/cohorts/:cohort/students/:student': instructors,

  'GET /v1/students': teachers,
  'GET /v1/students/:student': members,
  'PATCH /v1/students/:student': instructors,
  'DELETE /v1/students/:student': instructors,
  'POST /v1/students/:student/invitation': instructors,
  'POST /v1/students/:student/join-link': instructors,
  'POST /v1/courses/:course/join-links': instructors,
  'GET /v1/mails': instructors,

  'GET /v1/courses': teachers,
  'GET /v1/courses/:course': teachers,
  'PUT /v1/courses/:course': instructors,
  'PATCH /v1/courses/:course': instructors,
  'DELETE /v1/courses/:course': instructors,
  'PUT /v1/courses/:course/cohorts/:cohort': instructors,
  'DELETE /v1/courses/:course/cohorts/:cohort': instructors,
  'GET /v1/courses/:course/homes': teachers,
  'POST /v1/courses/:course/homes::purge': instructors,
  'GET /v1/courses/:course/staff': teachers,
  'PUT /v1/courses/:course/staff/:person': instructors,
  'DELETE /v1/courses/:course/staff/:person': instructors,

  'GET /v1/tokens': ownTokens,
  'POST /v1/tokens': ownTokens,
  'DELETE /v1/tokens/:token': ownTokens,

  'POST /v1/heartbeats': { gate: 'own' },
};

/** The role that the table knows a principal by. */
export function roleOf(principal: Principal): Role {
  if (principal.kind !== 'person') return principal.kind;
  if (principal.person.role === 'instructor' && !principal.limited) return 'instructor';
  return principal.staffOf.length > 0 ? 'staff' : 'student';
}

/** What of all that a page can offer a principal may do. */
export function pageRightsOf(principal: Principal): readonly PageRight[] {
  const role = roleOf(principal);
  return pageRights.filter(right => rights[right]?.[role] !== undefined);
}

/** Refuses what the table does not grant, and writes down how far the right reaches. Register before any route. */
export function registerRights(app: FastifyInstance): void {
  app.decorateRequest('scope');
  app.addHook('onRoute', route => {
    for (const method of [route.method].flat()) {
      if (method === 'HEAD') continue;
      if (!rights[`${method} ${route.url}`])
        throw new Error(`no row in the table of rights for ${method} ${route.url}`);
    }
  });
  app.addHook('onRequest', async request => {
    if (request.is404) return;
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const row = rights[`${method} ${request.routeOptions.url ?? ''}`] ?? {};
    const reach = row[roleOf(request.principal)];
    if (!reach) throw refusal(request);
    request.scope = scopeOf(request.principal, reach);
  });
}

function refusal(request: FastifyRequest): Refused {
  if (request.principal.kind === 'anonymous') return new Refused(401, 'Sign in first.');
  return new Refused(403, 'You may not do this here.');
}

function scopeOf(principal: Principal, reach: Reach): Scope {
  if (reach === 'all') return { reach };
  if (principal.kind !== 'person') return { reach: 'course', courseIds: [], personId: undefined };
  const personId = principal.person.id;
  return reach === 'own' ? { reach, personId } : { reach, personId, courseIds: principal.staffOf };
}
