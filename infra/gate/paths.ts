import { enterPath } from '../../api/resources/entrance.ts';

/** Where the notice's button posts to. */
export const continuePath = '/.gate/continue';
/** Everything below is the gate's, whatever the IDE serves. */
export const gatePaths = enterPath.slice(0, enterPath.lastIndexOf('/') + 1);

/** Longer ones would not pass through the portal and back in a URL. */
const longestPath = 2000;

/**
 * The absolute URL below `origin` for a path that came from outside; the origin's front page for everything that is not
 * plainly a path of the IDE. Absolute, so that no spelling of a path can name another host.
 */
export function safeTarget(origin: string, to: string): string {
  const front = `${origin}/`;
  if (to.length > longestPath || !/^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(to)) return front;
  if (!URL.canParse(to, origin)) return front;
  const url = new URL(to, origin);
  if (url.origin !== origin || url.pathname.startsWith('//') || url.pathname.startsWith(gatePaths)) return front;
  return url.href;
}

/** The portal's page that brings a person here, and back to `to` afterwards. */
export function portalTarget(portalOrigin: string, slug: string, stateHash: string, to: string): string {
  const query = new URLSearchParams({ state: stateHash, to: to.length > longestPath ? '/' : to });
  return `${portalOrigin}/open/${encodeURIComponent(slug)}?${query}`;
}
