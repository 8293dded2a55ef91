import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Balancer, pathPrefix } from '../resources/host.ts';
import { bearerOf } from './principal.ts';
import { Refused } from './problem.ts';

interface Where {
  readonly portalUrl: string;
  readonly balancers: readonly Balancer[];
}

/** Addresses that are asked for by programs that know no host name: the balancer's health check, gates. */
const hostless = new Set(['/healthz', '/readyz', '/v1/heartbeats']);
const asleepSeconds = 5;
/** A slug, as part of a host name. */
const labelPattern = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * Sorts requests by their host before anything else looks at them. The portal's own go on. A workspace's host comes
 * here while it has no route: a navigation is sent to the portal's Wake page, anything else is told that it is not
 * there; the answers are the same whether such a workspace exists or not. Other hosts are nobody's.
 */
export function registerHosts(app: FastifyInstance, where: Where): void {
  const portalHost = new URL(where.portalUrl).host;
  app.addHook('onRequest', async (request, reply) => {
    const host = (request.headers.host ?? '').toLowerCase();
    if (host === portalHost) return;
    const asked = workspaceAsked(host, request.url, where.balancers);
    if (asked) return answerAsleep(request, reply, asked, where.portalUrl);
    const [path = ''] = request.url.split('?');
    if (hostless.has(path) || bearerOf(request) !== undefined) return;
    throw new Refused(421, `This is Armada, at ${where.portalUrl}.`);
  });
}

/** The first label of a host of one of the balancers, if the host is well formed. */
export function workspaceLabel(host: string, balancers: readonly Balancer[]): string | undefined {
  const name = /^([a-z0-9.-]+)(?::\d{1,5})?$/.exec(host)?.[1];
  const labels = balancers
    .filter(({ domain }) => name?.endsWith(`.${domain}`))
    .map(({ domain }) => name?.slice(0, -domain.length - 1));
  return labels.find(label => label !== undefined && labelPattern.test(label));
}

/** Which workspace is asked for, by its host or, on a host that workspaces share, by the path; and its path there. */
function workspaceAsked(host: string, url: string, balancers: readonly Balancer[]): Asked | undefined {
  const shared = balancers.some(({ domain, path }) => path === true && host.replace(/:\d{1,5}$/, '') === domain);
  if (shared) {
    const [label = '', ...rest] = url.startsWith(pathPrefix) ? url.slice(pathPrefix.length).split(/(?=[/?])/) : [];
    return labelPattern.test(label) ? { label, path: rest.join('').replace(/^(?!\/)/, '/') } : undefined;
  }
  const label = workspaceLabel(
    host,
    balancers.filter(({ path }) => path !== true),
  );
  return label === undefined ? undefined : { label, path: url };
}

interface Asked {
  readonly label: string;
  readonly path: string;
}

async function answerAsleep(request: FastifyRequest, reply: FastifyReply, { label, path }: Asked, portalUrl: string) {
  if (!isNavigation(request)) throw new Refused(503, 'This workspace is not running.', asleepSeconds);
  const to = pathOf(path) ?? '/';
  const query = to === '/' ? '' : `?to=${encodeURIComponent(to)}`;
  return reply.header('cache-control', 'no-store').redirect(`${portalUrl}/wake/${label}${query}`, 303);
}

/** Whether a person is going somewhere, as far as the browser says. */
function isNavigation(request: FastifyRequest): boolean {
  const mode = request.headers['sec-fetch-mode'];
  const purpose = `${request.headers['sec-purpose'] ?? ''}${request.headers['upgrade'] ?? ''}`;
  return (
    request.method === 'GET' &&
    (request.headers.accept ?? '').includes('text/html') &&
    (mode === undefined || mode === 'navigate') &&
    purpose === ''
  );
}

/** `text` if it is a path of this very origin, with query: safe to send a browser to. */
export function pathOf(text: string | undefined): string | undefined {
  // A browser takes `\` for `/` and drops tabs and newlines, so `/\t/evil` would be another host.
  return text !== undefined && /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(text) && text.length <= 2000
    ? text
    : undefined;
}

/**
 * Refuses what another site made the browser send: every unsafe method must come from the portal's own pages, by
 * Sec-Fetch-Site or, where the browser sends none, by Origin. Who proves themselves by a bearer token is exempt.
 */
export function registerCrossSite(app: FastifyInstance, portalUrl: string): void {
  app.addHook('onRequest', async request => {
    if (['GET', 'HEAD', 'OPTIONS'].includes(request.method) || bearerOf(request) !== undefined) return;
    const site = request.headers['sec-fetch-site'];
    const own =
      site === undefined ? request.headers.origin === portalUrl : ['same-origin', 'none'].includes(String(site));
    if (!own) throw new Refused(403, 'This request did not come from the portal’s own page.');
  });
}
