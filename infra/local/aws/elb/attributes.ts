import { invalid } from './refusals.ts';

interface Definition {
  readonly fallback: string;
  readonly allowed: RegExp | readonly [number, number];
}

/** What a kind of resource can be set to, with AWS's defaults. */
export type Definitions = Readonly<Record<string, Definition>>;

interface Attribute {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

const boolean = /^(true|false)$/;
const anything = /^/;
const secondsPerWeek = 604_800;

/** Source: Application Load Balancer user guide and the SDK's LoadBalancerAttribute. */
export const loadBalancerAttributes: Definitions = {
  'access_logs.s3.bucket': { fallback: '', allowed: anything },
  'access_logs.s3.enabled': { fallback: 'false', allowed: boolean },
  'access_logs.s3.prefix': { fallback: '', allowed: anything },
  'client_keep_alive.seconds': { fallback: '3600', allowed: [60, secondsPerWeek] },
  'connection_logs.s3.bucket': { fallback: '', allowed: anything },
  'connection_logs.s3.enabled': { fallback: 'false', allowed: boolean },
  'connection_logs.s3.prefix': { fallback: '', allowed: anything },
  'deletion_protection.enabled': { fallback: 'false', allowed: boolean },
  'idle_timeout.timeout_seconds': { fallback: '60', allowed: [1, 4_000] },
  'load_balancing.cross_zone.enabled': { fallback: 'true', allowed: /^true$/ },
  'routing.http.desync_mitigation_mode': { fallback: 'defensive', allowed: /^(monitor|defensive|strictest)$/ },
  'routing.http.drop_invalid_header_fields.enabled': { fallback: 'false', allowed: boolean },
  'routing.http.preserve_host_header.enabled': { fallback: 'false', allowed: boolean },
  'routing.http.x_amzn_tls_version_and_cipher_suite.enabled': { fallback: 'false', allowed: boolean },
  'routing.http.xff_client_port.enabled': { fallback: 'false', allowed: boolean },
  'routing.http.xff_header_processing.mode': { fallback: 'append', allowed: /^(append|preserve|remove)$/ },
  'routing.http2.enabled': { fallback: 'true', allowed: boolean },
  'waf.fail_open.enabled': { fallback: 'false', allowed: boolean },
  'zonal_shift.config.enabled': { fallback: 'false', allowed: boolean },
};

/** Source: Application Load Balancer user guide and the SDK's TargetGroupAttribute. */
export const targetGroupAttributes: Definitions = {
  'deregistration_delay.timeout_seconds': { fallback: '300', allowed: [0, 3_600] },
  'load_balancing.algorithm.anomaly_mitigation': { fallback: 'off', allowed: /^(on|off)$/ },
  'load_balancing.algorithm.type': {
    fallback: 'round_robin',
    allowed: /^(round_robin|least_outstanding_requests|weighted_random)$/,
  },
  'load_balancing.cross_zone.enabled': {
    fallback: 'use_load_balancer_configuration',
    allowed: /^(true|false|use_load_balancer_configuration)$/,
  },
  'slow_start.duration_seconds': { fallback: '0', allowed: /^(0|[3-9]\d|[1-8]\d\d|900)$/ },
  'stickiness.app_cookie.cookie_name': { fallback: '', allowed: anything },
  'stickiness.app_cookie.duration_seconds': { fallback: '86400', allowed: [1, secondsPerWeek] },
  'stickiness.enabled': { fallback: 'false', allowed: boolean },
  'stickiness.lb_cookie.duration_seconds': { fallback: '86400', allowed: [1, secondsPerWeek] },
  'stickiness.type': { fallback: 'lb_cookie', allowed: /^(lb_cookie|app_cookie)$/ },
  'target_group_health.dns_failover.minimum_healthy_targets.count': { fallback: '1', allowed: /^(off|[1-9]\d*)$/ },
  'target_group_health.dns_failover.minimum_healthy_targets.percentage': { fallback: 'off', allowed: /^(off|\d+)$/ },
  'target_group_health.unhealthy_state_routing.minimum_healthy_targets.count': { fallback: '1', allowed: /^[1-9]\d*$/ },
  'target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage': {
    fallback: 'off',
    allowed: /^(off|\d+)$/,
  },
};

/** What is set, with `changes` applied; refuses unknown keys and values out of range. */
export function changeAttributes(
  definitions: Definitions,
  set: Readonly<Record<string, string>>,
  changes: readonly Attribute[] | undefined,
): Readonly<Record<string, string>> {
  if (!changes?.length) throw invalid('At least one attribute must be specified');
  const result: Record<string, string> = { ...set };
  const seen = new Set<string>();
  for (const { Key = '', Value = '' } of changes) {
    const definition = Object.hasOwn(definitions, Key) ? definitions[Key] : undefined;
    if (!definition) throw invalid(`The attribute key '${Key}' is not valid`);
    if (seen.has(Key)) throw invalid(`The attribute key '${Key}' was specified more than once`);
    if (!fits(definition.allowed, Value)) throw invalid(`The value '${Value}' of attribute '${Key}' is not valid`);
    seen.add(Key);
    result[Key] = Value;
  }
  return result;
}

/** All attributes, those that were never set with their defaults. */
export function listAttributes(definitions: Definitions, set: Readonly<Record<string, string>>): Attribute[] {
  return Object.entries(definitions).map(([Key, { fallback }]) => ({ Key, Value: set[Key] ?? fallback }));
}

/** One attribute's value, or its default. */
export function attribute(definitions: Definitions, set: Readonly<Record<string, string>>, key: string): string {
  return set[key] ?? definitions[key]?.fallback ?? '';
}

function fits(allowed: Definition['allowed'], value: string): boolean {
  if (allowed instanceof RegExp) return allowed.test(value);
  const [from, to] = allowed;
  return /^\d+$/.test(value) && Number(value) >= from && Number(value) <= to;
}
