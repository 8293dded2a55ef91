import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import {
  gateCookie,
  gateSessionSeconds,
  stateCookie,
  stateSeconds,
  type TicketClaims,
} from '../../api/resources/entrance.ts';
import { cookieName, cookiesNamed, setCookie } from './cookies.ts';
import { notNowPage, ownHeaders, refusedPage, sendPage } from './pages.ts';
import { portalTarget, safeTarget } from './paths.ts';
import { readForm } from './requests.ts';
import type { Sessions } from './sessions.ts';
import type { Place, Settings } from './settings.ts';
import type { Tickets } from './tickets.ts';

export interface EntranceParts {
  readonly settings: Pick<Settings, 'portalOrigin' | 'slug'>;
  readonly sessions: Sessions;
  readonly tickets: Tickets;
  /** Whether anybody may be let in now: the home is held, and the API has just been reached. */
  readonly isOpen: () => Promise<boolean>;
  readonly onEntered: () => void;
  readonly log: Logger;
}

/** 256 bits, as the session's. */
const stateBytes = 32;
const statePattern = /^[A-Za-z0-9_-]{43}$/;
/** Ticket and path, with room. */
const formBytes = 16 * 1024;

/** Sends a person to the portal for a ticket, bound to this browser by the state cookie. */
export function sendToPortal(
  parts: EntranceParts,
  request: IncomingMessage,
  response: ServerResponse,
  place: Place,
): void {
  // Two tabs that come at once share the state: with one each, the second cookie would shut out the first tab.
  const known = cookiesNamed(request.headers, cookieName(stateCookie, place)).find(value => statePattern.test(value));
  const state = known ?? randomBytes(stateBytes).toString('base64url');
  const { portalOrigin, slug } = parts.settings;
  response.writeHead(303, {
    ...ownHeaders,
    location: portalTarget(portalOrigin, slug, hashOf(state), request.url ?? '/'),
    'set-cookie': setCookie(place, stateCookie, state, { seconds: stateSeconds, sameSite: 'None' }),
  });
  response.end();
}

/** The portal's posted ticket: lets its person in, or shows why not. */
export async function enter(
  parts: EntranceParts,
  request: IncomingMessage,
  response: ServerResponse,
  place: Place,
): Promise<void> {
  const refuse = (reason: string) => refuseEntering(parts, response, reason);
  if (request.headers.origin !== parts.settings.portalOrigin) return refuse('origin');
  const form = await readForm(request, formBytes);
  if (!form) return refuse('form');
  if (!(await parts.isOpen())) return sendPage(response, notNowPage(parts.settings.portalOrigin), true);
  const claims = await parts.tickets.use(form.get('ticket') ?? '');
  if (typeof claims === 'string') return refuse(claims);
  const target = safeTarget(place, form.get('to') ?? '/');
  if (isInside(parts, request, place, claims)) return redirect(response, target, []);
  const states = cookiesNamed(request.headers, cookieName(stateCookie, place));
  if (!states.some(state => hashOf(state) === claims.state)) return refuse('state');
  const token = parts.sessions.add(claims);
  parts.log.info({ sub: claims.sub, sid: claims.sid, as: claims.as }, 'person entered');
  redirect(response, target, [
    setCookie(place, gateCookie, token, { seconds: gateSessionSeconds, sameSite: 'Lax' }),
    setCookie(place, stateCookie, '', { seconds: 0, sameSite: 'None' }),
  ]);
  parts.onEntered();
}

function refuseEntering(parts: EntranceParts, response: ServerResponse, reason: string): void {
  parts.log.warn({ reason }, 'entering refused');
  sendPage(response, refusedPage(parts.settings.portalOrigin), true);
}

/** Another tab of this browser was faster, with the same person's ticket: the state cookie is used up by then. */
function isInside(parts: EntranceParts, request: IncomingMessage, place: Place, claims: TicketClaims): boolean {
  const session = parts.sessions.find(cookiesNamed(request.headers, cookieName(gateCookie, place)));
  return session?.claims.sub === claims.sub && session.claims.sid === claims.sid;
}

/** After a posted form: the browser goes on by GET. */
export function redirect(response: ServerResponse, location: string, cookies: readonly string[]): void {
  response.writeHead(303, { ...ownHeaders, location, ...(cookies.length > 0 && { 'set-cookie': [...cookies] }) });
  response.end();
}

function hashOf(state: string): string {
  return createHash('sha256').update(state).digest('base64url');
}
