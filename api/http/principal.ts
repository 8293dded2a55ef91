import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type pg from 'pg';
import type { Keys } from '../resources/keys.ts';
import type { Student } from '../resources/student.ts';
import { findCourse } from '../store/courses.ts';
import type { Scope } from '../store/scope.ts';
import { findSession } from '../store/sessions.ts';
import { findToken } from '../store/tokens.ts';
import { Refused } from './problem.ts';

/** The cookie of a signed-in browser: 256 random bits. */
export const sessionCookie = '__Host-armada-session';

/** Who sent a request, as far as it was proved. */
export type Principal =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'operator' }
  | { readonly kind: 'gate'; readonly workspaceId: string }
  | {
      readonly kind: 'person';
      readonly person: Student;
      /** Ids of courses. */
      readonly staffOf: readonly string[];
      /** The browser's session; missing for a bearer token. */
      readonly session?: { readonly id: string; readonly sid: string };
      /** A token for some courses only: staff of these, whatever the person is. */
      readonly limited?: true;
    };

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal;
    /** How far the route's right reaches for this principal. */
    scope: Scope;
  }
}

/** Slug of the person who asks, for events; null: the operator. */
export function slugOf(principal: Principal): string | null {
  return principal.kind === 'person' ? principal.person.slug : null;
}

/** Finds out who sends each request: a bearer token if there is one, else the session's cookie. */
export function registerPrincipal(
  app: FastifyInstance,
  options: {
    readonly pool: pg.Pool;
    readonly keys: Keys;
    readonly operatorToken: string | undefined;
    readonly now: () => Date;
  },
): void {
  const { pool, now } = options;
  // Set by the hook below before anything reads it; Fastify forbids objects as a decoration's first value.
  app.decorateRequest('principal');
  app.addHook('onRequest', async request => {
    request.principal = { kind: 'anonymous' };
    const bearer = bearerOf(request);
    if (bearer !== undefined) request.principal = await bearerPrincipal(bearer, request, options);
    else {
      const cookie = request.cookies[sessionCookie];
      const session = cookie ? await findSession(pool, cookie, now()) : undefined;
      if (!session) return;
      const { id, sid, person, staffOf } = session;
      request.principal = { kind: 'person', person, staffOf, session: { id, sid } };
    }
  });
}

/** The bearer token of a request; cookies don't count beside it. */
export function bearerOf(request: FastifyRequest): string | undefined {
  return /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
}

async function bearerPrincipal(
  bearer: string,
  request: FastifyRequest,
  { pool, keys, operatorToken, now }: Parameters<typeof registerPrincipal>[1],
): Promise<Principal> {
  if (operatorToken !== undefined && equal(bearer, operatorToken)) return { kind: 'operator' };
  const workspaceId = keys.workspaceOf(bearer);
  if (workspaceId !== undefined) return { kind: 'gate', workspaceId };
  const token = await findToken(pool, bearer, now());
  if (!token) throw new Refused(401, 'This token does not stand (any more).');
  const courses = coursesOpened(token.scopes, request);
  if (courses === 'none') throw new Refused(403, 'This token does not open this address.');
  if (courses === 'all') {
    const { person, staffOf } = token;
    return person ? { kind: 'person', person, staffOf } : { kind: 'operator' };
  }
  if (!token.person) throw new Refused(403, 'A token without a person can’t be limited to courses.');
  // Never more than its maker may see now.
  const scope = { reach: 'course', courseIds: token.staffOf, personId: token.person.id } as const;
  const found = await Promise.all(courses.map(slug => findCourse(pool, scope, slug)));
  const staffOf = found.flatMap(course => (course ? [course.id] : []));
  if (staffOf.length === 0) throw new Refused(403, 'The courses of this token are gone, or no longer its maker’s.');
  return { kind: 'person', person: token.person, staffOf, limited: true };
}

/** What a token's scopes open of a request: `noun:read` or `noun:write` (which reads too), each perhaps `@course`. */
function coursesOpened(scopes: readonly string[], request: FastifyRequest): 'all' | 'none' | readonly string[] {
  // Ways into accounts are of people, whatever they are listed by.
  const noun = /\/join-links/.test(request.url) ? 'students' : /^\/v1\/([a-z]+)/.exec(request.url)?.[1];
  const reads = ['GET', 'HEAD'].includes(request.method);
  const fitting = scopes
    .map(scope => /^(?<noun>[a-z]+):(?<verb>read|write)(?:@(?<course>.+))?$/.exec(scope)?.groups)
    .filter(scope => scope?.['noun'] === noun && (reads || scope?.['verb'] === 'write'));
  if (fitting.length === 0) return 'none';
  const courses = fitting.map(scope => scope?.['course']);
  return courses.includes(undefined) ? 'all' : courses.filter(course => course !== undefined);
}

function equal(a: string, b: string): boolean {
  const [left, right] = [a, b].map(text => createHash('sha256').update(text).digest());
  return left !== undefined && right !== undefined && timingSafeEqual(left, right);
}
