import { BlockList, isIP } from 'node:net';
import type { RuleCondition } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { RuleRow } from './tables.ts';

/** What of a request the conditions look at. */
export interface RoutedRequest {
  readonly method: string;
  /** As in the request line, without the query. */
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  /** Without the port, in lower case. */
  readonly host: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly sourceIp: string;
}

type Test = (request: RoutedRequest) => boolean;

interface CompiledRule {
  readonly rule: RuleRow;
  readonly priority: number;
  /** The hosts it is for, where they have no wildcards; undefined: any host may be. */
  readonly hosts: readonly string[] | undefined;
  readonly matches: Test;
}

/** Rules are immutable rows, so each is compiled once however often its listener's routes are built anew. */
const compiledRules = new WeakMap<RuleRow, CompiledRule>();

/** The rules of one listener in the order of their priority, found by host. */
export class Routes {
  readonly #byHost = new Map<string, CompiledRule[]>();
  readonly #others: CompiledRule[] = [];
  /** What is done when no rule matches. */
  readonly fallback: RuleRow | undefined;

  constructor(rules: readonly RuleRow[]) {
    this.fallback = rules.find(rule => rule.priority === 'default');
    const compiled = rules.filter(rule => rule.priority !== 'default').map(compile);
    for (const rule of compiled.sort((a, b) => a.priority - b.priority)) {
      if (!rule.hosts) this.#others.push(rule);
      for (const host of new Set(rule.hosts)) {
        const same = this.#byHost.get(host);
        if (same) same.push(rule);
        else this.#byHost.set(host, [rule]);
      }
    }
  }

  /** The matching rule with the smallest priority number, or undefined when only the default is left. */
  find(request: RoutedRequest): RuleRow | undefined {
    const exact = this.#byHost.get(request.host)?.find(rule => rule.matches(request));
    for (const other of this.#others) {
      if (exact && exact.priority < other.priority) break;
      if (other.matches(request)) return other.rule;
    }
    return exact?.rule;
  }
}

/** The host of a Host header: no port, lower case. */
export function hostOf(header: string | undefined): string {
  return (header ?? '').replace(/:\d*$/, '').toLowerCase();
}

/** The test that a pattern with `*` (any text) and `?` (one character) stands for. */
export function wildcard(pattern: string, ignoreCase: boolean): (text: string) => boolean {
  if (!/[*?]/.test(pattern)) {
    if (!ignoreCase) return text => text === pattern;
    const wanted = pattern.toLowerCase();
    return text => text.toLowerCase() === wanted;
  }
  return ignoreCase ? glob(pattern.toLowerCase(), text => text.toLowerCase()) : glob(pattern, text => text);
}

/** Walks pattern and text with one point to come back to: never more than their product in steps, unlike a RegExp. */
function glob(pattern: string, fold: (text: string) => string): (text: string) => boolean {
  return given => {
    const text = fold(given);
    let at = 0;
    let from = 0;
    let star = -1;
    let resume = 0;
    while (from < text.length) {
      if (pattern[at] === '*') {
        star = at++;
        resume = from;
      } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === text[from])) {
        at++;
        from++;
      } else if (star >= 0) {
        at = star + 1;
        from = ++resume;
      } else return false;
    }
    while (pattern[at] === '*') at++;
    return at === pattern.length;
  };
}

function compile(rule: RuleRow): CompiledRule {
  const known = compiledRules.get(rule);
  if (known) return known;
  const hosts = rule.conditions.find(condition => condition.Field === 'host-header')?.HostHeaderConfig?.Values;
  const exact = hosts?.every(host => !/[*?]/.test(host)) ? hosts.map(host => host.toLowerCase()) : undefined;
  const tests = rule.conditions.filter(condition => !exact || condition.Field !== 'host-header').map(compileCondition);
  const compiled = {
    rule,
    priority: Number(rule.priority),
    hosts: exact,
    matches: (request: RoutedRequest) => tests.every(test => test(request)),
  };
  compiledRules.set(rule, compiled);
  return compiled;
}

function compileCondition(condition: RuleCondition): Test {
  switch (condition.Field) {
    case 'host-header':
      return anyOf(condition.HostHeaderConfig?.Values, value => {
        const test = wildcard(value, true);
        return request => test(request.host);
      });
    case 'path-pattern':
      return anyOf(condition.PathPatternConfig?.Values, value => {
        const test = wildcard(value, false);
        return request => test(request.path);
      });
    case 'http-request-method':
      return anyOf(condition.HttpRequestMethodConfig?.Values, value => request => request.method === value);
    case 'query-string':
      return anyOf(condition.QueryStringConfig?.Values, ({ Key, Value }) => {
        const key = Key === undefined ? undefined : wildcard(Key, true);
        const value = wildcard(Value ?? '', true);
        return request => [...new URLSearchParams(request.query)].some(([k, v]) => (!key || key(k)) && value(v));
      });
    case 'http-header': {
      const name = (condition.HttpHeaderConfig?.HttpHeaderName ?? '').toLowerCase();
      return anyOf(condition.HttpHeaderConfig?.Values, value => {
        const test = wildcard(value, true);
        return request => [request.headers[name] ?? []].flat().some(test);
      });
    }
    case 'source-ip':
      return sourceIp(condition.SourceIpConfig?.Values ?? []);
    default:
      return () => false;
  }
}

function anyOf<T>(values: readonly T[] | undefined, testOf: (value: T) => Test): Test {
  const tests = (values ?? []).map(testOf);
  return request => tests.some(test => test(request));
}

function sourceIp(blocks: readonly string[]): Test {
  // One list for each version: an IPv4 address is also in some IPv6 blocks, in its mapped form.
  const lists = { 4: new BlockList(), 6: new BlockList() };
  for (const block of blocks) {
    const [address = '', bits = ''] = block.split('/');
    if (isIP(address) === 6) lists[6].addSubnet(address, Number(bits), 'ipv6');
    else lists[4].addSubnet(address, Number(bits), 'ipv4');
  }
  return request => {
    const address = request.sourceIp.replace(/^::ffff:/, '');
    return isIP(address) === 6 ? lists[6].check(address, 'ipv6') : lists[4].check(address, 'ipv4');
  };
}
