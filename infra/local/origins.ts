/** What decides where the class is found. */
export interface OriginOptions {
  /** The one port of portal and workspaces. */
  readonly port: number;
  /** With one, other computers come in over TLS; without, this one's browsers alone, at localhost. */
  readonly domain: string | undefined;
  /** All workspaces share one host, by path. */
  readonly pathRouting: boolean;
}

/** Where portal and workspaces are found, as on AWS. */
export interface Origins {
  readonly portalUrl: string;
  /** What the hosts of workspaces end with; with path routing, their one host. */
  readonly workspacesDomain: string;
  /** The host names that a certificate must hold for, and that must lead to this machine. */
  readonly names: readonly string[];
}

const httpsPort = 443;

/** `https://<domain>` and `https://<slug>.s1.<domain>`, as behind the first balancer of a stack; or localhost. */
export function originsOf({ port, domain, pathRouting }: OriginOptions): Origins {
  if (domain === undefined) {
    const workspacesDomain = pathRouting ? 'workspaces.localhost' : 'localhost';
    return { portalUrl: `http://localhost:${port}`, workspacesDomain, names: [] };
  }
  const workspacesDomain = pathRouting ? `workspaces.${domain}` : `s1.${domain}`;
  return {
    portalUrl: `https://${domain}${port === httpsPort ? '' : `:${port}`}`,
    workspacesDomain,
    names: [domain, pathRouting ? workspacesDomain : `*.${workspacesDomain}`],
  };
}
