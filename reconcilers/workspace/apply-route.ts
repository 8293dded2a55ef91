import {
  CreateRuleCommand,
  CreateTargetGroupCommand,
  DeleteRuleCommand,
  DeleteTargetGroupCommand,
  ModifyRuleCommand,
  ModifyTargetGroupAttributesCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { is, unless } from '../aws/errors.ts';
import { ownership, tagsOf } from '../aws/names.ts';
import type { Deed } from './deed.ts';
import { addressAt, parkedAt } from './ground.ts';
import { giveBack, inLine } from './in-line.ts';
import type { Observed, Target } from './model.ts';
import { matchesOnly, targetsOf } from './reading.ts';
import { unseen } from './refusals.ts';
import { targetAttributes, targetGroupSettings } from './target-settings.ts';

/** Makes the target group. AWS takes a repetition with equal settings, tags or not: whose it is, its tags say. */
export function createTarget(deed: Deed): Promise<Observed> {
  return inLine(deed, 'target groups', () => tryTarget(deed));
}

async function tryTarget({ observed, names, ground }: Deed): Promise<Observed | 'quota'> {
  const command = new CreateTargetGroupCommand({
    ...targetGroupSettings,
    Name: names.targetGroup,
    VpcId: ground.settings.vpcId,
    Tags: tagsOf(names.owner).map(([Key, Value]) => ({ Key, Value })),
  });
  try {
    const answer = await ground.pace('elb', true, () => ground.clients.elb.send(command));
    return { ...observed, target: await targetFrom(answer.TargetGroups?.[0]?.TargetGroupArn, ground, names) };
  } catch (error) {
    if (is(error, 'quota')) return 'quota';
    if (!is(error, 'exists')) throw error;
    const found = await ground.inventory.targetGroup(names.targetGroup);
    if (!found) return { ...observed, refusal: unseen('target group') };
    return { ...observed, target: await targetFrom(found.TargetGroupArn, ground, names) };
  }
}

async function targetFrom(id: string | undefined, ground: Deed['ground'], names: Deed['names']): Promise<Target> {
  if (!id) throw new Error('create target group: AWS answered without an ARN');
  // Not shown yet: it was made just now, with our tags.
  const tags = await ground.inventory.balancerTags(id);
  return { id, owner: tags ? ownership(tags, names.owner) : 'ours', settings: 'unset' };
}

export async function setTargetAttributes({ observed, ground }: Deed): Promise<Observed> {
  const { target } = observed;
  if (!target) return observed;
  const command = new ModifyTargetGroupAttributesCommand({
    TargetGroupArn: target.id,
    Attributes: [...targetAttributes],
  });
  const answer = await unless(
    ground.pace('elb', true, () => ground.clients.elb.send(command)),
    'gone',
  );
  if (!answer) return { ...observed, target: undefined };
  ground.hints.setTargets.add(target.id);
  return { ...observed, target: { ...target, settings: 'set' } };
}

/** Deletes the target group, unless its tags, read afresh, say that it is another's. */
export async function deleteTarget(deed: Deed): Promise<Observed> {
  const { observed, names, ground } = deed;
  const { target } = observed;
  if (!target) return observed;
  const tags = await ground.inventory.balancerTags(target.id);
  if (!tags || ownership(tags, names.owner) === 'foreign') return { ...observed, target: undefined };
  const command = new DeleteTargetGroupCommand({ TargetGroupArn: target.id });
  try {
    await ground.pace('elb', false, () => ground.clients.elb.send(command));
  } catch (error) {
    if (is(error, 'in-use')) return { ...observed, refusal: unseen('rule of the target group') };
    if (!is(error, 'gone')) throw error;
  }
  ground.hints.ownTargets.delete(target.id);
  ground.hints.setTargets.delete(target.id);
  await giveBack(deed, 'target groups');
  return { ...observed, target: undefined };
}

/** Makes the rule at the workspace's place. A place that is taken is ours by a lost answer, or a stranger's. */
export function createRoute(deed: Deed, open: boolean): Promise<Observed> {
  return inLine(deed, 'routes at a balancer', () => tryRoute(deed, open));
}

async function tryRoute(deed: Deed, open: boolean): Promise<Observed | 'quota'> {
  const { observed, names, ground, context } = deed;
  const { slot, target } = observed;
  if (!slot || slot === 'full' || !target) return observed;
  const listener = ground.settings.balancers[slot.balancer];
  if (!listener) return { ...observed, strangerAtSlot: true };
  const command = new CreateRuleCommand({
    ListenerArn: listener.listenerArn,
    Priority: slot.priority,
    ...ruleOf(deed, slot.balancer, target, open),
    Tags: tagsOf(names.owner).map(([Key, Value]) => ({ Key, Value })),
  });
  try {
    const answer = await ground.pace('elb', true, () => ground.clients.elb.send(command));
    const id = answer.Rules?.[0]?.RuleArn ?? '';
    const leads = open ? 'here' : 'nowhere';
    ground.hints.routes.note(id, leads, context.now());
    return { ...observed, routes: [...observed.routes, { id, ...slot, leads, owner: 'ours' }] };
  } catch (error) {
    if (is(error, 'quota')) return 'quota';
    if (is(error, 'gone')) return { ...observed, target: undefined };
    if (is(error, 'exists')) return whoIsAtSlot(deed, slot, target);
    throw error;
  }
}

async function whoIsAtSlot(
  { workspace, observed, names, ground }: Deed,
  slot: { readonly balancer: number; readonly priority: number },
  target: Target,
): Promise<Observed> {
  const listenerArn = ground.settings.balancers[slot.balancer]?.listenerArn ?? '';
  const rules = await ground.inventory.rulesOf(listenerArn);
  const rule = rules.find(({ Priority }) => Number(Priority) === slot.priority);
  if (!rule?.RuleArn) return { ...observed, refusal: unseen('rule') };
  const tags = await ground.inventory.balancerTags(rule.RuleArn);
  if (!tags) return { ...observed, refusal: unseen('rule') };
  const isOurTarget = targetsOf(rule).includes(target.id);
  if (ownership(tags, names.owner) !== 'ours' && !isOurTarget) return { ...observed, strangerAtSlot: true };
  const isOpen = matchesOnly(rule, addressAt(workspace, slot.balancer, ground.settings));
  const isParked = matchesOnly(rule, parkedAt(workspace, slot.balancer, ground.settings));
  const leads = !isOurTarget ? 'astray' : isOpen ? 'here' : isParked ? 'nowhere' : 'astray';
  return { ...observed, routes: [...observed.routes, { id: rule.RuleArn, ...slot, leads, owner: 'ours' }] };
}

/** Gives a rule its target, and the workspace's address or the one that nobody visits. */
export async function setRoute(deed: Deed, routeId: string, open: boolean): Promise<Observed> {
  const { observed, ground, context } = deed;
  const { target, routes } = observed;
  const route = routes.find(({ id }) => id === routeId);
  if (!route || !target) return observed;
  const others = routes.filter(other => other !== route);
  const command = new ModifyRuleCommand({ RuleArn: route.id, ...ruleOf(deed, route.balancer, target, open) });
  const answer = await unless(
    ground.pace('elb', true, () => ground.clients.elb.send(command)),
    'gone',
  );
  if (!answer) return { ...observed, routes: others };
  const leads = open ? 'here' : 'nowhere';
  ground.hints.routes.note(route.id, leads, context.now());
  return { ...observed, routes: [...others, { ...route, leads }] };
}

/** Deletes rules, but none whose tags, read afresh, say that it is another's. */
export async function deleteRoutes(deed: Deed, routeIds: readonly string[]): Promise<Observed> {
  const { observed, names, ground } = deed;
  for (const id of routeIds) {
    const tags = await ground.inventory.balancerTags(id);
    if (!tags || ownership(tags, names.owner) === 'foreign') continue;
    const command = new DeleteRuleCommand({ RuleArn: id });
    await unless(
      ground.pace('elb', true, () => ground.clients.elb.send(command)),
      'gone',
    );
  }
  await giveBack(deed, 'routes at a balancer');
  return { ...observed, routes: observed.routes.filter(({ id }) => !routeIds.includes(id)) };
}

function ruleOf({ workspace, ground }: Deed, balancer: number, target: Target, open: boolean) {
  const address = (open ? addressAt : parkedAt)(workspace, balancer, ground.settings);
  const paths = [...(address?.paths ?? [])];
  return {
    Conditions: [
      { Field: 'host-header', HostHeaderConfig: { Values: [address?.host ?? ''] } },
      ...(paths.length === 0 ? [] : [{ Field: 'path-pattern', PathPatternConfig: { Values: paths } }]),
    ],
    Actions: [{ Type: 'forward' as const, TargetGroupArn: target.id }],
  };
}
