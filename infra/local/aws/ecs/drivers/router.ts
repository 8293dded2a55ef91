import type { Addresses, Link } from './addresses.ts';
import { hostRules, routerRules } from './network-rules.ts';
import { findTool } from './tools.ts';

/** The programs that networks are made with. */
export interface NetworkTools {
  readonly ip: string;
  readonly nft: string;
  readonly nsenter: string;
}

/** Where iproute2 keeps namespaces by name. */
export const namespaces = '/run/netns';

/** The programs, or undefined where one is missing. */
export function findNetworkTools(): NetworkTools | undefined {
  const [ip, nft, nsenter] = ['ip', 'nft', 'nsenter'].map(findTool);
  return ip && nft && nsenter ? { ip, nft, nsenter } : undefined;
}

/** The name of an installation's router: its namespace's, and that of the one link by which this machine reaches it. */
export function routerOf(mark: string): string {
  return `${mark}-router`;
}

/** The name of an installation's rules on this machine. */
export function tableOf(mark: string): string {
  return `armada_${mark}`;
}

/**
 * A shell script that makes the router: a namespace into which each task's link is plugged, joined to this machine by
 * one link. So a task that starts or ends changes no link and no address of this machine's own, and browsers on it,
 * which give up what they load when either changes (ERR_NETWORK_CHANGED), see nothing of it.
 */
export function layRouter({ ip, nft, nsenter }: NetworkTools, mark: string, { machine, router, range }: Addresses) {
  const name = routerOf(mark);
  // IPv6 would give this machine's end an address of its own, seconds later.
  const without6 = (link: string) => {
    const file = `/proc/sys/net/ipv6/conf/${link}/disable_ipv6`;
    return `if [ -e ${file} ]; then echo 1 > ${file}; fi`;
  };
  return `${ip} netns add ${name}
${nsenter} --net=${namespaces}/${name} /bin/sh -ec '
  echo 1 > /proc/sys/net/ipv4/ip_forward
  ${without6('default')}
  ${nft} -f -' <<'END'
${routerRules}
END
${ip} link add ${name} type veth peer name eth0 netns ${name}
${without6(name)}
${ip} -batch - <<'END'
addr add ${machine}/30 dev ${name}
link set ${name} up
END
${ip} -n ${name} -batch - <<'END'
link set lo up
addr add ${router}/30 dev eth0
link set eth0 up
route add default via ${machine}
END
${ip} route add ${range} via ${router}
echo 1 > /proc/sys/net/ipv4/conf/${name}/route_localnet
echo 1 > /proc/sys/net/ipv4/conf/${name}/forwarding
${nft} -f - <<'END'
${hostRules(tableOf(mark), name, machine, range)}
END`;
}

/** A task's namespace, and its number at the router. */
export interface Plug {
  readonly name: string;
  readonly index: number;
  readonly link: Link;
}

/**
 * A shell script that makes namespaces and plugs them into the router, whatever was left of them removed first. For many
 * it runs as many programs as for one.
 */
export function plug(tools: NetworkTools, mark: string, plugs: readonly Plug[]): string {
  const { ip } = tools;
  return `${plugs.length === 1 ? unplug(tools, mark, plugs) : ''}
${batch(
  ip,
  plugs.map(({ name }) => `netns add ${name}`),
)}
${batch(
  `${ip} -n ${routerOf(mark)}`,
  plugs.flatMap(({ name, index, link }) => [
    `link add task${index} type veth peer name eth0 netns ${name}`,
    `addr add ${link.router}/30 dev task${index}`,
    `link set task${index} up`,
  ]),
)}`;
}

/** A shell script that cuts off whoever still is in the namespaces, and removes them; what is gone already is fine. */
export function unplug({ ip }: NetworkTools, mark: string, plugs: readonly Plug[]): string {
  const links = plugs.map(({ index }) => `link del task${index}`);
  const names = plugs.map(({ name }) => `netns del ${name}`);
  return `${batch(`${ip} -n ${routerOf(mark)} -force`, links, '2>/dev/null || true')}
${batch(`${ip} -force`, names, '2>/dev/null || true')}`;
}

/** Lines of a script that run inside a task's namespace: its end of the link. */
export function plugged({ ip }: NetworkTools, { link }: Plug): string {
  return batch(ip, [
    'link set lo up',
    `addr replace ${link.address}/30 dev eth0`,
    'link set eth0 up',
    `route replace default via ${link.router}`,
  ]);
}

function batch(ip: string, lines: readonly string[], after = ''): string {
  return `${ip} -batch - <<END ${after}\n${lines.join('\n')}\nEND`;
}

/** A shell script that removes the rules of an installation, and these namespaces and links of its. */
export function removal({ ip, nft }: NetworkTools, mark: string, names: readonly string[]): string {
  const removals = names.map(name => `${ip} link del ${name}; ${ip} netns del ${name}`);
  return `exec 2>/dev/null\nset +e\n${nft} delete table inet ${tableOf(mark)}\n${removals.join('\n')}\ntrue`;
}
