import { isIP } from 'node:net';
import type { RuleCondition } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Quotas } from './quotas.ts';
import { invalid } from './refusals.ts';

/** AWS's limit on host names, paths, query strings and header values to compare with. */
const longestValue = 128;
/** AWS's limit on names of headers and methods. */
const longestName = 40;

const fields = [
  'host-header',
  'path-pattern',
  'http-request-method',
  'query-string',
  'http-header',
  'source-ip',
] as const;
type Field = (typeof fields)[number];

/** Fields of which a rule may have one condition only. */
const single: ReadonlySet<Field> = new Set(['host-header', 'path-pattern', 'http-request-method', 'source-ip']);

interface Read {
  readonly condition: RuleCondition;
  /** What counts against the rule's limits. */
  readonly values: readonly string[];
  readonly wildcards: boolean;
}

/** Checks a rule's conditions against AWS's limits and spells them out as AWS's reads give them. */
export function readConditions(
  conditions: readonly RuleCondition[] | undefined,
  quotas: Quotas,
): readonly RuleCondition[] {
  if (!conditions?.length) throw invalid('A rule must have at least one condition');
  const seen = new Set<Field>();
  const all = conditions.map(condition => {
    const field = fields.find(name => name === condition.Field);
    if (!field) throw invalid(`Condition field '${condition.Field ?? ''}' must be one of '[${fields.join(',')}]'`);
    if (single.has(field) && seen.has(field)) throw invalid(`A rule can only have one '${field}' condition`);
    seen.add(field);
    if (condition.RegexValues?.length) throw invalid('Regular expressions in conditions are not available here');
    return readers[field](condition);
  });
  const values = all.flatMap(read => read.values);
  const wildcards = all.filter(read => read.wildcards).flatMap(read => read.values.join('').match(/[*?]/g) ?? []);
  if (values.length > quotas.conditionValuesPerRule)
    throw invalid(`A rule can only have '${quotas.conditionValuesPerRule}' condition values`);
  if (wildcards.length > quotas.wildcardsPerRule)
    throw invalid(`A rule can only have '${quotas.wildcardsPerRule}' wildcards`);
  return all.map(read => read.condition);
}

const readers: Readonly<Record<Field, (condition: RuleCondition) => Read>> = {
  'host-header'(condition) {
    const values = valuesOf(condition, condition.HostHeaderConfig?.Values);
    for (const value of values) {
      short(value, longestValue);
      if (!/^[A-Za-z0-9.*?-]+$/.test(value)) throw badCharacter(value);
      // Source: ALB user guide, host conditions: a dot, and letters only after the last one.
      if (!/\.[A-Za-z]+$/.test(value)) throw invalid(`The host '${value}' must end in a dot and letters`);
    }
    return {
      condition: { Field: 'host-header', Values: values, HostHeaderConfig: { Values: values } },
      values,
      wildcards: true,
    };
  },
  'path-pattern'(condition) {
    const values = valuesOf(condition, condition.PathPatternConfig?.Values);
    for (const value of values) {
      short(value, longestValue);
      if (!/^[A-Za-z0-9_\-.$/~"'@:+&*?]+$/.test(value)) throw badCharacter(value);
    }
    return {
      condition: { Field: 'path-pattern', Values: values, PathPatternConfig: { Values: values } },
      values,
      wildcards: true,
    };
  },
  'http-request-method'(condition) {
    const values = valuesOf(condition, condition.HttpRequestMethodConfig?.Values);
    for (const value of values) {
      short(value, longestName);
      if (!/^[A-Z_-]+$/.test(value)) throw badCharacter(value);
    }
    return {
      condition: { Field: 'http-request-method', HttpRequestMethodConfig: { Values: values } },
      values,
      wildcards: false,
    };
  },
  'query-string'(condition) {
    const pairs = condition.QueryStringConfig?.Values ?? [];
    if (!pairs.length) throw noValues('query-string');
    const values = pairs.map(({ Key, Value }) => {
      if (!Value) throw invalid('A query string condition must have a value');
      short(Key ?? '', longestValue);
      short(Value, longestValue);
      return `${Key ?? ''}${Value}`;
    });
    return { condition: { Field: 'query-string', QueryStringConfig: { Values: pairs } }, values, wildcards: true };
  },
  'http-header'(condition) {
    const name = condition.HttpHeaderConfig?.HttpHeaderName ?? '';
    const values = condition.HttpHeaderConfig?.Values ?? [];
    if (!values.length) throw noValues('http-header');
    short(name, longestName);
    if (!/^[A-Za-z0-9!#$%&'+\-.^_`|~]+$/.test(name)) throw badCharacter(name);
    if (name.toLowerCase() === 'host') throw invalid("Use 'host-header' to compare the Host header");
    for (const value of values) short(value, longestValue);
    return {
      condition: { Field: 'http-header', HttpHeaderConfig: { HttpHeaderName: name, Values: values } },
      values,
      wildcards: true,
    };
  },
  'source-ip'(condition) {
    const values = condition.SourceIpConfig?.Values ?? [];
    if (!values.length) throw noValues('source-ip');
    for (const value of values) if (!isCidr(value)) throw invalid(`'${value}' is not a valid CIDR block`);
    return { condition: { Field: 'source-ip', SourceIpConfig: { Values: values } }, values, wildcards: false };
  },
};

/** The values given in the old form or in the field's own; AWS takes one of the two. */
function valuesOf(condition: RuleCondition, own: readonly string[] | undefined): string[] {
  const old = condition.Values ?? [];
  if (old.length && own?.length) throw invalid(`Specify either 'Values' or the configuration of '${condition.Field}'`);
  const values = own?.length ? own : old;
  if (!values.length) throw noValues(condition.Field);
  return [...values];
}

function isCidr(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const version = isIP(address);
  if (!version || bits === undefined || more.length || !/^\d{1,3}$/.test(bits)) return false;
  return Number(bits) <= (version === 4 ? 32 : 128) && text !== '255.255.255.255/32';
}

function short(value: string, limit: number): void {
  if (value.length > limit) throw invalid(`The value '${value}' cannot be longer than '${limit}' characters`);
}

function badCharacter(value: string): Error {
  return invalid(`The condition value '${value}' contains a character that is not valid`);
}

function noValues(field: string | undefined): Error {
  return invalid(`The condition '${field ?? ''}' must have at least one value`);
}
