import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';

/**
 * One entry of ARMADA_BALANCERS: a listener, and where its workspaces are. Each has an origin of its own,
 * `<slug>.<domain>`; with `path` they share one, `<domain>/w/<slug>/`, for deployments without a wildcard domain.
 */
export const Balancer = Type.Object(
  {
    listenerArn: Type.String({ minLength: 1 }),
    domain: Type.String({ pattern: '^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$' }),
    path: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
export type Balancer = Static<typeof Balancer>;

const Balancers = Type.Array(Balancer, { minItems: 1 });

/** Reads ARMADA_BALANCERS, or answers what is wrong with it, without any value. */
export function readBalancers(text: string | undefined, portalUrl: string | undefined): readonly Balancer[] | string {
  let read: unknown;
  try {
    read = JSON.parse(text ?? '');
  } catch {
    // Said below.
  }
  if (!Value.Check(Balancers, read)) return 'ARMADA_BALANCERS is not a JSON list of {"listenerArn", "domain"}';
  // What students serve would be the portal's own pages.
  const portal = portalUrl !== undefined && URL.canParse(portalUrl) ? new URL(portalUrl).hostname : undefined;
  if (read.some(({ domain, path }) => path === true && domain === portal))
    return 'ARMADA_BALANCERS routes by path on the portal’s own host';
  return read;
}

/** Whether workspaces of any balancer share one origin: then one student's page can act in another's, by scripts. */
export function sharesOrigin(balancers: readonly Pick<Balancer, 'path'>[]): boolean {
  return balancers.some(({ path }) => path === true);
}

type Where = Pick<Balancer, 'domain' | 'path'>;

/** Host name of a workspace at one of the balancers, without scheme or port. */
export function workspaceHost(slug: string, { domain, path }: Where): string {
  return path === true ? domain : `${slug}.${domain}`;
}

/** What a workspace's paths begin with: nothing on an origin of its own, else `/w/<slug>`. */
export function workspacePath(slug: string, { path }: Where): string {
  return path === true ? `${pathPrefix}${slug}` : '';
}

/** What the paths of all workspaces begin with that share an origin. */
export const pathPrefix = '/w/';

/**
 * Address of a workspace without a slash at the end: it shares the portal's scheme and port.
 * `http://fall-intro-ada.localhost:8080`, `https://d111111abcdef8.cloudfront.net/w/fall-intro-ada`.
 */
export function workspaceUrl(slug: string, balancer: Where, portalUrl: string): string {
  const portal = new URL(portalUrl);
  const port = portal.port === '' ? '' : `:${portal.port}`;
  return `${portal.protocol}//${workspaceHost(slug, balancer)}${port}${workspacePath(slug, balancer)}`;
}
