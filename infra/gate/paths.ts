import { enterPath, filesPath } from '../../api/resources/entrance.ts';
import type { Place } from './settings.ts';

/** Where the notice's button posts to. */
export const continuePath = '/.gate/continue';
/** Everything below is the gate's, whatever the IDE serves. */
export const gatePaths = enterPath.slice(0, enterPath.lastIndexOf('/') + 1);

/** Longer ones would not pass through the portal and back in a URL. */
const longestPath = 2000;

/**
 * The absolute URL at a place for a path of the IDE that came from outside; the workspace's front page for everything
 * that is not plainly one. Absolute, so that no spelling of a path can name another host.
 */
export function safeTarget({ origin, base }: Place, to: string): string {
  const front = `${origin}${base}/`;
  if (to.length > longestPath || !/^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(to)) return front;
  if (!URL.canParse(to, origin)) return front;
  const url = new URL(to, origin);
  const isOurs = url.pathname.startsWith(gatePaths) && url.pathname !== filesPath;
  if (url.origin !== origin || url.pathname.startsWith('//') || isOurs) return front;
  return `${origin}${base}${url.pathname}${url.search}${url.hash}`;
}

/**
 * What the IDE is asked for when the browser asks for `path` (with query) at a place: the rest after the base; nothing
 * for the base itself, whose pages' relative links would lead astray. Undefined: not below it.
 */
export function innerPath(path: string, { base }: Place): string | undefined {
  if (base === '') return path;
  if (path.split('?', 1)[0] === base) return '';
  return path.startsWith(`${base}/`) ? path.slice(base.length) : undefined;
}

/** The portal's page that brings a person here, and back to `to` afterwards. */
export function portalTarget(portalOrigin: string, slug: string, stateHash: string, to: string): string {
  const query = new URLSearchParams({ state: stateHash, to: to.length > longestPath ? '/' : to });
  return `${portalOrigin}/open/${encodeURIComponent(slug)}?${query}`;
}
