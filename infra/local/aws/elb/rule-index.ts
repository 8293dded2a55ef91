import type { Action } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { ListenerRow, RuleRow, Tables } from './tables.ts';

/** What a change of a rule touched. */
export interface RuleChange {
  readonly listenerArn: string;
  /** Groups that a rule has begun or ceased to name. */
  readonly targetGroupArns: readonly string[];
}

/** The target groups that actions send requests to. */
export function groupsOf(actions: readonly Action[]): readonly string[] {
  const found = new Set<string>();
  for (const action of actions) {
    if (action.TargetGroupArn !== undefined) found.add(action.TargetGroupArn);
    for (const group of action.ForwardConfig?.TargetGroups ?? [])
      if (group.TargetGroupArn !== undefined) found.add(group.TargetGroupArn);
  }
  return [...found];
}

/** The rules by listener and by the target groups they name. All writes of rules go through it. */
export class RuleIndex {
  readonly #tables: Tables;
  readonly #byListener = new Map<string, Map<string, RuleRow>>();
  readonly #byGroup = new Map<string, Set<string>>();
  readonly #watchers = new Set<(change: RuleChange) => void>();

  constructor(tables: Tables) {
    this.#tables = tables;
    for (const rule of tables.rules.all()) this.#add(rule);
  }

  /** Calls `watcher` after every change of a rule. */
  watch(watcher: (change: RuleChange) => void): void {
    this.#watchers.add(watcher);
  }

  put(rule: RuleRow): RuleRow {
    const before = this.#tables.rules.get(rule.arn);
    this.#tables.rules.put(rule.arn, rule);
    if (before) this.#remove(before);
    this.#add(rule);
    this.#tell(rule.listenerArn, [...groupsOf(rule.actions), ...groupsOf(before?.actions ?? [])]);
    return rule;
  }

  delete(rule: RuleRow): void {
    this.#tables.rules.delete(rule.arn);
    this.#tables.tags.delete(rule.arn);
    this.#remove(rule);
    this.#tell(rule.listenerArn, groupsOf(rule.actions));
  }

  /** A listener's rules, the default one too, in no order. */
  of(listenerArn: string): readonly RuleRow[] {
    return [...(this.#byListener.get(listenerArn)?.values() ?? [])];
  }

  listenersOf(loadBalancerArn: string): readonly ListenerRow[] {
    return this.#tables.listeners.all().filter(listener => listener.loadBalancerArn === loadBalancerArn);
  }

  /** The rules of all of a load balancer's listeners, the default ones too. */
  ofLoadBalancer(loadBalancerArn: string): readonly RuleRow[] {
    return this.listenersOf(loadBalancerArn).flatMap(listener => this.of(listener.arn));
  }

  /** Whether any rule names the group. */
  names(targetGroupArn: string): boolean {
    return (this.#byGroup.get(targetGroupArn)?.size ?? 0) > 0;
  }

  /** The load balancers whose rules name the group. */
  loadBalancersOf(targetGroupArn: string): readonly string[] {
    const found = new Set<string>();
    for (const arn of this.#byGroup.get(targetGroupArn) ?? []) {
      const rule = this.#tables.rules.get(arn);
      const listener = rule && this.#tables.listeners.get(rule.listenerArn);
      if (listener) found.add(listener.loadBalancerArn);
    }
    return [...found];
  }

  #add(rule: RuleRow): void {
    const rules = this.#byListener.get(rule.listenerArn) ?? new Map<string, RuleRow>();
    this.#byListener.set(rule.listenerArn, rules.set(rule.arn, rule));
    for (const group of groupsOf(rule.actions))
      this.#byGroup.set(group, (this.#byGroup.get(group) ?? new Set<string>()).add(rule.arn));
  }

  #remove(rule: RuleRow): void {
    this.#byListener.get(rule.listenerArn)?.delete(rule.arn);
    for (const group of groupsOf(rule.actions)) this.#byGroup.get(group)?.delete(rule.arn);
  }

  #tell(listenerArn: string, targetGroupArns: readonly string[]): void {
    for (const watcher of this.#watchers) watcher({ listenerArn, targetGroupArns: [...new Set(targetGroupArns)] });
  }
}
