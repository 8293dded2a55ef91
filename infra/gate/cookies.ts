import type { IncomingHttpHeaders } from 'node:http';

/** Every cookie of Armada's begins so, the portal's too: what begins so is never shown to the IDE nor taken from it. */
const ours = '__Host-armada';

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

/** The Set-Cookie headers that the IDE may send on. */
export function allowedSetCookies(headers: readonly string[]): string[] {
  return headers.filter(each => !isOurs(nameOf(each.split(';', 1)[0] ?? '')));
}

/** A `__Host-` cookie that scripts can't read. */
export function setCookie(name: string, value: string, seconds: number, sameSite: 'Lax' | 'None'): string {
  return `${name}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; Secure; SameSite=${sameSite}`;
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
  return name.toLowerCase().startsWith(ours.toLowerCase());
}
