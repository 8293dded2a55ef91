import type { IncomingHttpHeaders } from 'node:http';
import type { Place } from './settings.ts';

/** Every cookie of Armada's begins so, the portal's too: what begins so is never shown to the IDE nor taken from it. */
const ours = /^__(host|secure)-armada/i;

/**
 * The name of a cookie of ours at a place. A `__Host-` cookie belongs to a whole host; where workspaces share one, each
 * has its own, by path and by name.
 */
export function cookieName(name: string, { base }: Place): string {
  return base === '' ? name : `${name.replace('__Host-', '__Secure-')}-${base.slice(base.lastIndexOf('/') + 1)}`;
}

/** Values of all cookies of that name: a sibling site may have added some, so callers look at each. */
export function cookiesNamed(headers: IncomingHttpHeaders, name: string): string[] {
  return pairs(headers.cookie)
    .filter(pair => nameOf(pair) === name)
    .map(pair => pair.slice(pair.indexOf('=') + 1));
}

/** The Cookie header less Armada's cookies; undefined if nothing is left. What a student's program set passes. */
export function withoutOurs(header: string | undefined): string | undefined {
  const kept = pairs(header).filter(pair => !isOurs(nameOf(pair)));
  return kept.length > 0 ? kept.join('; ') : undefined;
}

/** The Set-Cookie headers that the IDE may send on; where workspaces share a host, for this one's paths alone. */
export function allowedSetCookies(headers: readonly string[], { base }: Place): string[] {
  const allowed = headers.filter(each => !isOurs(nameOf(each.split(';', 1)[0] ?? '')));
  return base === '' ? allowed : allowed.map(each => confined(each, base));
}

/** A cookie's Path below the base; without one that can be it is the base itself. No Domain: other hosts aren't ours. */
function confined(header: string, base: string): string {
  const [pair = '', ...attributes] = header.split(';').map(part => part.trim());
  const path = attributes.map(each => /^path\s*=\s*(\/.*)$/i.exec(each)?.[1]).find(value => value !== undefined);
  const kept = attributes.filter(each => !/^(path|domain)\s*(=|$)/i.test(each));
  return [pair, ...kept, `Path=${base}${path ?? '/'}`].join('; ');
}

/** A cookie of ours that scripts can't read. */
export function setCookie(
  place: Place,
  name: string,
  value: string,
  { seconds, sameSite }: { readonly seconds: number; readonly sameSite: 'Lax' | 'None' },
): string {
  return `${cookieName(name, place)}=${value}; Path=${place.base}/; Max-Age=${seconds}; HttpOnly; Secure; SameSite=${sameSite}`;
}

function pairs(header: string | undefined): string[] {
  return (header ?? '')
    .split(';')
    .map(pair => pair.trim())
    .filter(pair => pair !== '');
}

function nameOf(pair: string): string {
  const end = pair.indexOf('=');
  return (end === -1 ? pair : pair.slice(0, end)).trim();
}

/** Browsers compare the prefix without regard to case, so ours in another spelling is ours as well. */
function isOurs(name: string): boolean {
  return ours.test(name);
}
