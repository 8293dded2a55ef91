import type { Rule } from '@aws-sdk/client-elastic-load-balancing-v2';

/** What a rule may be looked up by: a host with one of its path patterns ('' where it has none), a target group, a place. */
export type RuleWord =
  | { readonly host: string; readonly path: string }
  | { readonly target: string }
  | { readonly priority: number };

/** One index per list as it was read; a list that nobody holds any more takes its index along. */
const indexes = new WeakMap<readonly Rule[], ReadonlyMap<string, readonly Rule[]>>();

/**
 * The rules of a list that any of the words is about, each once. A class looks at the same list: it is gone through
 * once, not once for each workspace.
 */
export function rulesAbout(rules: readonly Rule[], words: readonly RuleWord[]): readonly Rule[] {
  const index = indexes.get(rules) ?? indexOf(rules);
  indexes.set(rules, index);
  return [...new Set(words.flatMap(word => index.get(keyOf(word)) ?? []))];
}

function indexOf(rules: readonly Rule[]): ReadonlyMap<string, readonly Rule[]> {
  const index = new Map<string, Rule[]>();
  for (const rule of rules) {
    for (const key of new Set(wordsOf(rule).map(keyOf))) {
      const known = index.get(key);
      if (known) known.push(rule);
      else index.set(key, [rule]);
    }
  }
  return index;
}

function wordsOf({ Priority, Conditions = [], Actions = [] }: Rule): readonly RuleWord[] {
  const valuesOf = (field: string) =>
    Conditions.filter(({ Field }) => Field === field).flatMap(
      ({ HostHeaderConfig, PathPatternConfig, Values }) =>
        (field === 'host-header' ? HostHeaderConfig : PathPatternConfig)?.Values ?? Values ?? [],
    );
  const paths = valuesOf('path-pattern');
  const hosts = valuesOf('host-header').flatMap(host =>
    (paths.length > 0 ? paths : ['']).map(path => ({ host: host.toLowerCase(), path })),
  );
  const targets = Actions.flatMap(({ TargetGroupArn, ForwardConfig }) => [
    TargetGroupArn,
    ...(ForwardConfig?.TargetGroups ?? []).map(group => group.TargetGroupArn),
  ]);
  return [
    ...hosts,
    ...targets.flatMap(target => (target === undefined ? [] : [{ target }])),
    { priority: Number(Priority) },
  ];
}

function keyOf(word: RuleWord): string {
  if ('host' in word) return `host ${word.host} ${word.path}`;
  return 'target' in word ? `target ${word.target}` : `priority ${word.priority}`;
}
