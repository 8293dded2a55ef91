import { readFileSync } from 'node:fs';
import type { Addresses } from './addresses.ts';

/** nftables' numbers: before and after the choice of a route, where addresses are changed. */
const [before, after] = [-100, 100];

/** The nameserver of /etc/resolv.conf, if it is one on this machine's loopback, out of a task's reach. */
export function loopbackResolver(): string | undefined {
  try {
    const text = readFileSync('/etc/resolv.conf', 'utf8');
    const server = /^\s*nameserver\s+(\S+)/m.exec(text)?.[1];
    return server?.startsWith('127.') ? server : undefined;
  } catch {
    return undefined;
  }
}

/** Rules of the router: tasks reach what is beyond it, and neither each other nor the router. */
export const routerRules = `table inet armada {
  chain own { type filter hook input priority 0; policy drop; }
  chain others { type filter hook forward priority 0;
    iifname "task*" oifname "task*" drop
  }
}`;

/**
 * Rules of the machine, to which everything of the tasks comes by one link. `ports`: published ports, by task's
 * address; `reached`: ports of the machine's loopback that some container may reach.
 */
export function hostRules(table: string, link: string, machine: string, range: string): string {
  const resolver = loopbackResolver();
  return `table inet ${table} {
  map ports { type inet_service : ipv4_addr; }
  set reached { type inet_service; }
  chain out { type nat hook output priority ${before};
    ip daddr 127.0.0.1 meta l4proto tcp dnat ip to tcp dport map @ports
  }
  chain in { type nat hook prerouting priority ${before};
    iifname ${link} ip daddr ${machine} tcp dport @reached dnat ip to 127.0.0.1
    ${resolver ? `iifname ${link} ip daddr ${machine} meta l4proto { tcp, udp } th dport 53 dnat ip to ${resolver}` : ''}
  }
  chain way { type nat hook postrouting priority ${after};
    oifname ${link} ip saddr 127.0.0.0/8 masquerade
    iifname ${link} ip saddr ${range} masquerade
  }
  chain own { type filter hook input priority 0;
    iifname ${link} ct state established,related accept
    iifname ${link} ct status dnat accept
    iifname ${link} drop
  }
  chain others { type filter hook forward priority 0;
    iifname ${link} oifname "ar*" drop
    iifname ${link} ip daddr 169.254.0.0/16 drop
    oifname ${link} ct state new drop
  }
}`;
}

/** Rules inside a task's namespace; who is in there has no right to change them. */
export function taskRules(
  { machine, range }: Addresses,
  published: readonly {
    readonly uid: number;
    readonly ports: readonly number[];
    readonly reaches: readonly number[];
  }[],
): string {
  const ports = published.flatMap(each => each.ports);
  const ways = published.flatMap(({ uid, reaches }) => reaches.map(port => ({ uid, port })));
  return `table inet armada {}
delete table inet armada
table inet armada {
  chain in { type nat hook prerouting priority ${before};
    ${ports.map(port => `iifname eth0 tcp dport ${port} dnat ip to 127.0.0.1`).join('\n    ')}
  }
  chain out { type nat hook output priority ${before};
    ${ways.map(({ uid, port }) => `meta skuid ${uid} ip daddr 127.0.0.1 tcp dport ${port} dnat ip to ${machine}`).join('\n    ')}
  }
  chain way { type nat hook postrouting priority ${after};
    oifname eth0 ip saddr 127.0.0.0/8 masquerade
  }
  chain door { type filter hook input priority 0;
    iifname eth0 ct state established,related accept
    iifname eth0 ct status dnat accept
    iifname eth0 drop
  }
  chain machine { type filter hook output priority 0;
    ct state established,related accept
    ${ways.map(({ uid, port }) => `meta skuid ${uid} ip daddr ${machine} tcp dport ${port} accept`).join('\n    ')}
    ${loopbackResolver() ? `ip daddr ${machine} th dport 53 accept` : ''}
    oifname eth0 ip daddr ${range} drop
  }
}`;
}

/** Ports of this machine's loopback that URLs in an environment name. */
export function loopbackPorts(environment: Readonly<Record<string, string>>): number[] {
  const urls = Object.values(environment).flatMap(value => /^https?:\/\/127\.0\.0\.1:(\d{1,5})/.exec(value)?.[1] ?? []);
  return [...new Set(urls.map(Number))];
}
