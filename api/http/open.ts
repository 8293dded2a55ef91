import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { Type } from 'typebox';
import { enterPath, type TicketClaims, ticketAlgorithm, ticketSeconds } from '../resources/entrance.ts';
import type { Keys } from '../resources/keys.ts';
import { addEvent } from '../store/events.ts';
import { findWorkspace } from '../store/workspaces.ts';
import type { App, Dependencies } from './dependencies.ts';
import { pathOf } from './origin.ts';
import { openPage } from './pages.ts';
import { Refused } from './problem.ts';
import { sendPage } from './send-page.ts';
import { shownWorkspace } from './workspaces.ts';

const params = Type.Object({ workspace: Type.String() });
/** `state` as the gate makes it: base64url of a sha256. */
const querystring = Type.Object({
  to: Type.Optional(Type.String({ maxLength: 4000 })),
  state: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' })),
});

/**
 * The way into a workspace: for its owner, and for staff, whose visit is written down. Without a state it sends the
 * browser to the workspace, whose gate comes back with one; with a state it hands over a ticket, by a form.
 */
export function registerOpen(app: App, { pool, settings, keys, now }: Dependencies): void {
  app.get('/open/:workspace', { schema: { params, querystring } }, async (request, reply) => {
    const { principal } = request;
    const workspace = await findWorkspace(pool, request.scope, request.params.workspace);
    if (!workspace || workspace.deletedAt !== null || principal.kind !== 'person' || !principal.session) {
      throw new Refused(404, 'There is no such workspace here, or it is not yours.');
    }
    const to = pathOf(request.query.to) ?? '/';
    const { url } = shownWorkspace(workspace, settings);
    reply.header('cache-control', 'no-store');
    if (workspace.status.step !== 'ready' || url === null) {
      const query = to === '/' ? '' : `?to=${encodeURIComponent(to)}`;
      return reply.redirect(`/wake/${workspace.slug}${query}`, 303);
    }
    const { state } = request.query;
    if (state === undefined) return reply.redirect(`${url}${to}`, 303);
    const { person, session } = principal;
    const as = workspace.student.id === person.id ? 'owner' : 'staff';
    if (as === 'staff') {
      await addEvent(pool, {
        kind: 'workspace',
        about: workspace.id,
        tone: 'normal',
        reason: 'OpenedByStaff',
        // Who, says `by`: a name may be an address, and the student reads this.
        message: 'Opened the workspace.',
        by: person.slug,
      });
    }
    const claims = {
      aud: workspace.id,
      sub: person.id,
      sid: session.sid,
      state,
      as,
      owner: workspace.student.name,
    } as const;
    const ticket = await signTicket(keys, claims, now());
    // The gate checks Origin, which a browser hides under a stricter policy.
    reply.header('referrer-policy', 'strict-origin');
    return sendPage(reply, 200, openPage({ action: `${url}${enterPath}`, ticket, to }), {
      formAction: new URL(url).origin,
    });
  });
}

/** A ticket: 30 s, one workspace, one person, one browser (by the state). */
export async function signTicket(keys: Keys, claims: TicketClaims, now: Date): Promise<string> {
  const { aud, sub, ...rest } = claims;
  const issued = Math.floor(now.getTime() / 1000);
  return new SignJWT(rest)
    .setProtectedHeader({ alg: ticketAlgorithm, kid: keys.ticketKeyId })
    .setAudience(aud)
    .setSubject(sub)
    .setIssuedAt(issued)
    .setExpirationTime(issued + ticketSeconds)
    .setJti(randomUUID())
    .sign(keys.ticketKey);
}
