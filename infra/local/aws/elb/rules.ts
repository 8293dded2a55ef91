import type {
  CreateRuleInput,
  CreateRuleOutput,
  DeleteRuleInput,
  DeleteRuleOutput,
  DescribeRulesInput,
  DescribeRulesOutput,
  ModifyRuleInput,
  ModifyRuleOutput,
  Rule,
  SetRulePrioritiesInput,
  SetRulePrioritiesOutput,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Operations } from '../endpoint.ts';
import { AwsError } from '../protocol.ts';
import type { Account } from './account.ts';
import { readActions, requireRoomForGroups } from './actions.ts';
import { requireArn } from './arns.ts';
import { readConditions } from './conditions.ts';
import { page } from './paging.ts';
import { invalid, notFound, required, whole } from './refusals.ts';
import type { ListenerRow, RuleRow } from './tables.ts';
import { readTags } from './tags.ts';

const priorityRange = [1, 50_000] as const;

/** The operations on rules. CreateRule is not idempotent, as at AWS. */
export function ruleOperations(account: Account): Operations {
  const { tables, rules, arns } = account;

  function listenerOf(arn: string | undefined): ListenerRow {
    const row = tables.listeners.get(requireArn(arn, 'listener'));
    if (!row) throw notFound.listener();
    return row;
  }

  function rowOf(arn: string | undefined): RuleRow {
    const row = tables.rules.get(requireArn(arn, 'rule'));
    if (!row) throw notFound.rule();
    return row;
  }

  return {
    CreateRule(input: CreateRuleInput): CreateRuleOutput {
      const listener = listenerOf(input.ListenerArn);
      const priority = whole(required(input.Priority, 'Priority'), 0, priorityRange, 'Rule priority');
      requireNoTransforms(input);
      const conditions = readConditions(input.Conditions, account.quotas);
      const actions = readActions(account, input.Actions);
      const tags = readTags(account, input.Tags);
      if (rules.of(listener.arn).some(rule => rule.priority === priority)) throw inUse(priority);
      const others = rules.ofLoadBalancer(listener.loadBalancerArn);
      const limit = account.quotas.rulesPerLoadBalancer;
      if (others.filter(rule => rule.priority !== 'default').length >= limit)
        throw new AwsError('TooManyRules', `The maximum number of rules on load balancer has been reached: ${limit}`);
      requireRoomForGroups(
        account,
        listener.loadBalancerArn,
        others.map(rule => rule.actions),
        actions,
      );
      const arn = arns.rule(listener.arn);
      tables.tags.put(arn, { arn, tags });
      return {
        Rules: [toRule(rules.put({ arn, listenerArn: listener.arn, priority, conditions, actions, transforms: [] }))],
      };
    },

    DescribeRules(input: DescribeRulesInput): DescribeRulesOutput {
      if (input.ListenerArn !== undefined && input.RuleArns?.length)
        throw invalid('You cannot specify both a listener ARN and rule ARNs');
      if (input.RuleArns?.length) {
        const found = input.RuleArns.map(arn => tables.rules.seen(requireArn(arn, 'rule')));
        return { Rules: found.map(row => (row ? toRule(row) : missing())) };
      }
      if (input.ListenerArn === undefined) throw invalid('You must specify either listener ARN or rule ARNs');
      const listenerArn = requireArn(input.ListenerArn, 'listener');
      if (!tables.listeners.seen(listenerArn)) throw notFound.listener();
      const rows = tables.rules.seenAll().filter(row => row.listenerArn === listenerArn);
      const { items, nextMarker } = page(rows, row => row.arn, input, account.consistency.shuffled);
      return { Rules: items.map(toRule), NextMarker: nextMarker };
    },

    ModifyRule(input: ModifyRuleInput): ModifyRuleOutput {
      const row = rowOf(input.RuleArn);
      requireNotDefault(row, 'modified');
      requireNoTransforms(input);
      if (!input.Conditions?.length && !input.Actions?.length && !input.ResetTransforms)
        throw invalid('You must specify conditions, actions or transforms');
      const conditions = input.Conditions?.length ? readConditions(input.Conditions, account.quotas) : row.conditions;
      const actions = input.Actions?.length ? readActions(account, input.Actions) : row.actions;
      const loadBalancerArn = listenerOf(row.listenerArn).loadBalancerArn;
      const others = rules.ofLoadBalancer(loadBalancerArn).filter(rule => rule.arn !== row.arn);
      requireRoomForGroups(
        account,
        loadBalancerArn,
        others.map(rule => rule.actions),
        actions,
      );
      return { Rules: [toRule(rules.put({ ...row, conditions, actions }))] };
    },

    DeleteRule(input: DeleteRuleInput): DeleteRuleOutput {
      const row = rowOf(input.RuleArn);
      requireNotDefault(row, 'deleted');
      rules.delete(row);
      return {};
    },

    SetRulePriorities(input: SetRulePrioritiesInput): SetRulePrioritiesOutput {
      const wanted = required(input.RulePriorities, 'RulePriorities').map(({ RuleArn, Priority }) => {
        const row = rowOf(RuleArn);
        requireNotDefault(row, 'modified');
        return { ...row, priority: whole(required(Priority, 'Priority'), 0, priorityRange, 'Rule priority') };
      });
      if (new Set(wanted.map(rule => rule.listenerArn)).size > 1) throw invalid('The rules must be of one listener');
      const moved = new Set(wanted.map(rule => rule.arn));
      const [first] = wanted;
      const kept = first ? rules.of(first.listenerArn).filter(rule => !moved.has(rule.arn)) : [];
      const taken = new Set<RuleRow['priority']>(kept.map(rule => rule.priority));
      for (const { priority } of wanted) {
        if (taken.has(priority)) throw inUse(priority);
        taken.add(priority);
      }
      return { Rules: wanted.map(rule => toRule(rules.put(rule))) };
    },
  };
}

function toRule(row: RuleRow): Rule {
  return {
    RuleArn: row.arn,
    Priority: String(row.priority),
    Conditions: [...row.conditions],
    Actions: [...row.actions],
    IsDefault: row.priority === 'default',
    Transforms: [...row.transforms],
  };
}

function inUse(priority: number): AwsError {
  return new AwsError('PriorityInUse', `Priority '${priority}' is currently in use`);
}

function requireNotDefault(row: RuleRow, what: string): void {
  if (row.priority === 'default')
    throw new AwsError('OperationNotPermitted', `Default rule '${row.arn}' cannot be ${what}`);
}

function requireNoTransforms(input: Pick<CreateRuleInput, 'Transforms'>): void {
  if (input.Transforms?.length) throw invalid('Transforms are not available here');
}

function missing(): never {
  throw notFound.rule();
}
