import type http from 'node:http';
import type { Socket } from 'node:net';
import type { Action } from '@aws-sdk/client-elastic-load-balancing-v2';
import { type Forwarded, Forwarding, type Passing, passingOf } from './forwarding.ts';
import type { Ports } from './listeners.ts';
import { hostOf, Routes } from './matching.ts';
import { type OwnAnswer, ownAnswerOf, pageOf, writeAnswer, writeRawAnswer } from './pages.ts';
import type { RuleIndex } from './rule-index.ts';
import { openSite, type ServedCertificate, type Site } from './site.ts';
import type { ListenerRow, Tables } from './tables.ts';
import type { Member, Targets } from './targets.ts';
import { Upgrades } from './upgrades.ts';

/** What the balancer goes by, and where it listens. */
export interface BalancerOptions {
  readonly tables: Tables;
  readonly rules: RuleIndex;
  readonly targets: Targets;
  /** The real port on which a listener's port is served, 0 for any, undefined for none. */
  readonly ports: (listenerPort: number) => number | undefined;
  /** The addresses of this machine to listen on; an IPv6 one is left out where there is none. */
  readonly addresses: readonly string[];
  /** The certificate with this ARN, if there is one. */
  readonly certificate: (arn: string) => ServedCertificate | undefined;
  readonly random: () => number;
}

/** Where a request goes: to a target, or to an answer of the balancer's own. */
type Destination =
  | { readonly kind: 'answer'; readonly answer: OwnAnswer }
  | { readonly kind: 'target'; readonly forwarded: Forwarded; readonly member: Member; readonly passing: Passing };

/** Serves the listeners' ports: HTTP/1.1 and WebSockets, over TLS where a listener has a certificate to the targets that rules and health point to. */
export class Balancer implements Ports {
  readonly #options: BalancerOptions;
  /** By the listeners' protocol and port. */
  readonly #sites = new Map<string, Promise<Site>>();
  readonly #routes = new Map<string, Routes>();
  readonly #forwarding: Forwarding;
  readonly #upgrades: Upgrades;
  #running = false;

  constructor(options: BalancerOptions) {
    this.#options = options;
    this.#forwarding = new Forwarding(options.targets);
    this.#upgrades = new Upgrades(options.targets);
    options.rules.watch(({ listenerArn }) => this.#routes.delete(listenerArn));
  }

  /** Opens the ports of all listeners. Rejects with the system's code (EADDRINUSE) if one is taken. */
  async start(): Promise<void> {
    this.#running = true;
    for (const listener of this.#options.tables.listeners.all()) await this.open(listener);
  }

  /** Closes all ports and cuts all connections. */
  async stop(): Promise<void> {
    this.#running = false;
    const sites = [...this.#sites.values()];
    this.#sites.clear();
    this.#upgrades.close();
    for (const site of sites)
      await site.then(
        opened => opened.close(),
        () => {},
      );
    this.#forwarding.close();
  }

  /** The real port of a listener while it is served. */
  async portOf(listenerArn: string): Promise<number | undefined> {
    for (const site of this.#sites.values()) {
      const { listeners, port } = await site;
      if (listeners.has(listenerArn)) return port;
    }
    return undefined;
  }

  async open(listener: ListenerRow): Promise<void> {
    const port = this.#options.ports(listener.port);
    const certificate = this.#options.certificate(listener.certificateArn ?? '');
    // A certificate may be gone after a restart; until the listener has another, nothing is served there.
    const isBare = listener.protocol === 'HTTPS' && !certificate;
    if (!this.#running || port === undefined || isBare) return;
    const key = keyOf(listener);
    const site = this.#sites.get(key) ?? this.#listen(port, certificate);
    this.#sites.set(key, site);
    try {
      (await site).listeners.set(listener.arn, listener);
    } catch (error) {
      if (this.#sites.get(key) === site) this.#sites.delete(key);
      throw error;
    }
  }

  async close(listener: ListenerRow): Promise<void> {
    this.#routes.delete(listener.arn);
    const site = await this.#sites.get(keyOf(listener))?.catch(() => undefined);
    if (!site?.listeners.delete(listener.arn) || site.listeners.size) return;
    this.#sites.delete(keyOf(listener));
    // The port is free at once; WebSockets may go on.
    void site.close();
  }

  #listen(port: number, certificate: ServedCertificate | undefined): Promise<Site> {
    return openSite({
      port,
      addresses: this.#options.addresses,
      certificate,
      answer: (site, request, response) => this.#answer(site, request, response),
      upgrade: (site, request, socket, head) => this.#upgrade(site, request, socket, head),
    });
  }

  #answer(site: Site, request: http.IncomingMessage, response: http.ServerResponse): void {
    const destination = this.#destinationOf(site, request);
    if (destination.kind === 'answer') writeAnswer(response, destination.answer);
    else this.#forwarding.forward(destination.forwarded, response, destination.member, destination.passing);
  }

  #upgrade(site: Site, request: http.IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const destination = this.#destinationOf(site, request);
    if (destination.kind === 'answer') writeRawAnswer(socket, destination.answer);
    else this.#upgrades.forward(destination.forwarded, socket, head, destination.member, destination.passing);
  }

  #destinationOf(site: Site, request: http.IncomingMessage): Destination {
    const place = placeOf(request);
    if (!place) return { kind: 'answer', answer: pageOf(400) };
    const [path = '', query = ''] = splitOnce(place.path, '?');
    const host = hostOf(place.host);
    const routed = {
      method: request.method ?? 'GET',
      path,
      query,
      host,
      headers: request.headers,
      sourceIp: request.socket.remoteAddress ?? '',
    };
    let listener: ListenerRow | undefined;
    let actions: readonly Action[] | undefined;
    for (const candidate of site.listeners.values()) {
      listener = candidate;
      actions = this.#routesOf(candidate).find(routed)?.actions;
      if (actions) break;
    }
    if (!actions) {
      [listener] = site.listeners.values();
      actions = listener && this.#routesOf(listener).fallback?.actions;
    }
    const [action] = actions ?? [];
    const own = action && ownAnswerOf(action, { protocol: site.protocol, host, port: site.port, path, query });
    if (own) return { kind: 'answer', answer: own };
    const group = action && this.#groupOf(action);
    const member = group === undefined ? undefined : this.#options.targets.choose(group);
    const loadBalancer = listener && this.#options.tables.loadBalancers.get(listener.loadBalancerArn);
    if (!member || !loadBalancer) return { kind: 'answer', answer: pageOf(503) };
    const passing = passingOf(loadBalancer);
    return {
      kind: 'target',
      forwarded: { request, ...place, protocol: site.protocol, port: site.port },
      member,
      passing,
    };
  }

  #routesOf(listener: ListenerRow): Routes {
    const known = this.#routes.get(listener.arn);
    if (known) return known;
    const routes = new Routes(this.#options.rules.of(listener.arn));
    this.#routes.set(listener.arn, routes);
    return routes;
  }

  #groupOf(action: Action): string | undefined {
    const groups = action.ForwardConfig?.TargetGroups ?? [];
    if (groups.length <= 1) return groups[0]?.TargetGroupArn;
    const total = groups.reduce((sum, group) => sum + (group.Weight ?? 1), 0);
    let left = this.#options.random() * total;
    for (const group of groups) {
      left -= group.Weight ?? 1;
      if (left < 0) return group.TargetGroupArn;
    }
    return undefined;
  }
}

/** Host and path of a request; undefined where it has two hosts, which no two readers would understand alike. */
function placeOf(request: http.IncomingMessage): { readonly host: string; readonly path: string } | undefined {
  const url = request.url ?? '/';
  const { host = '' } = request.headers;
  if (hasTwoHosts(request.rawHeaders)) return undefined;
  if (url.startsWith('/') || url === '*') return { host, path: url };
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) return undefined;
  const absolute = new URL(url);
  return { host: absolute.host, path: `${absolute.pathname}${absolute.search}` };
}

function hasTwoHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  return hosts > 1;
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function keyOf({ protocol, port }: ListenerRow): string {
  return `${protocol}:${port}`;
}
