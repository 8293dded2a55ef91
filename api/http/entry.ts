import type { FastifyReply, FastifyRequest } from 'fastify';
import { endJoinLinks } from '../store/invitations.ts';
import { ensureInstructor, findPersonByEmail } from '../store/people.ts';
import { createSession, endSession } from '../store/sessions.ts';
import { forgetTries } from '../store/tries.ts';
import { clearChallenge } from './challenge.ts';
import type { Dependencies } from './dependencies.ts';
import type { Proved } from './identity.ts';
import { pathOf } from './origin.ts';
import { signInPage } from './pages.ts';
import { sessionCookie } from './principal.ts';
import { formTargets, sendPage } from './send-page.ts';
import type { Tries } from './tries.ts';

const notListed = 'No class lists this address. Ask your instructor which one they have.';

/** Lets in who has proved an address: a session begins here and nowhere else. `next`: a path of the portal. */
export type Enter = (
  request: FastifyRequest,
  reply: FastifyReply,
  proved: Proved,
  next: string | undefined,
) => Promise<FastifyReply>;

/** Makes the one way into a session. Addresses are compared whole; who is in no row stays out. */
export function createEnter({ pool, now, settings }: Dependencies, tries: Tries): Enter {
  const formAction = formTargets(settings);
  return async (request, reply, proved, next) => {
    const person = proved.groups.includes('instructor')
      ? await ensureInstructor(pool, { email: proved.email, name: proved.name ?? proved.email })
      : await findPersonByEmail(pool, proved.email);
    if (!person || person.spec.disabled)
      return sendPage(reply, 403, signInPage({ email: proved.email, problem: notListed }), { formAction });
    if (request.principal.kind === 'person' && request.principal.session)
      await endSession(pool, request.principal.session.id);
    await Promise.all([endJoinLinks(pool, person.id), forgetTries(pool, now())]);
    const { cookie, seconds } = await createSession(pool, person.id, now());
    const attributes = { path: '/', secure: true, httpOnly: true, sameSite: 'lax', maxAge: seconds } as const;
    tries.know(reply, person.spec.email);
    return clearChallenge(reply)
      .setCookie(sessionCookie, cookie, attributes)
      .header('cache-control', 'no-store')
      .redirect(pathOf(next) ?? '/', 303);
  };
}
