/** One entry of ARMADA_BALANCERS: a listener, and the suffix of the hosts that are routed there. */
export interface Balancer {
  readonly listenerArn: string;
  readonly domain: string;
}

/** Host name of a workspace at one of the balancers, without scheme or port. */
export function workspaceHost(slug: string, balancer: Pick<Balancer, 'domain'>): string {
  return `${slug}.${balancer.domain}`;
}

/** Origin of a workspace: it shares the portal's scheme and port. `http://fall-intro-ada.localhost:8080`. */
export function workspaceOrigin(slug: string, balancer: Pick<Balancer, 'domain'>, portalUrl: string): string {
  const portal = new URL(portalUrl);
  return `${portal.protocol}//${workspaceHost(slug, balancer)}${portal.port === '' ? '' : `:${portal.port}`}`;
}
