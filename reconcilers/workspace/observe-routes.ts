import type { Rule } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Workspace } from '../../api/resources/workspace.ts';
import { type Ownership, ownership } from '../aws/names.ts';
import { addressAt, type Ground, namesOf } from './ground.ts';
import type { Observed, Route, Target } from './model.ts';
import { matchesOnly, targetsOf } from './reading.ts';

/** A rule at one of the balancers, and what of it is ours. */
interface Candidate {
  readonly rule: Rule;
  readonly balancer: number;
  readonly priority: number;
  readonly addressIsOurs: boolean;
  readonly targetIsOurs: boolean;
  readonly placeIsOurs: boolean;
}

/** Finds a workspace's rules at all balancers, and whether a stranger has its place. */
export async function observeRoutes(
  workspace: Workspace,
  target: Target | undefined,
  ground: Ground,
): Promise<Pick<Observed, 'routes' | 'strangerAtSlot'>> {
  const { balancers } = ground.settings;
  const lists = await Promise.all(balancers.map(({ listenerArn }) => ground.inventory.rulesOf(listenerArn)));
  const candidates = lists.flatMap((rules, balancer) =>
    rules.map(rule => candidateFrom(rule, balancer, workspace, target, ground)).filter(isOfInterest),
  );
  const judged = await Promise.all(
    candidates.map(async found => ({ found, owner: await ownerOf(found, workspace, ground) })),
  );
  // A slot at a balancer that the deployment no longer has is as good as taken.
  const isLost = workspace.slot !== null && balancers[workspace.slot.balancer] === undefined;
  return {
    routes: judged.filter(({ owner }) => owner === 'ours').map(({ found }) => routeFrom(found)),
    strangerAtSlot: isLost || judged.some(({ found, owner }) => found.placeIsOurs && owner === 'foreign'),
  };
}

function candidateFrom(
  rule: Rule,
  balancer: number,
  workspace: Workspace,
  target: Target | undefined,
  { settings }: Ground,
): Candidate {
  const priority = Number(rule.Priority);
  const { slot } = workspace;
  return {
    rule,
    balancer,
    priority,
    addressIsOurs: matchesOnly(rule, addressAt(workspace, balancer, settings)),
    targetIsOurs: isOnly(targetsOf(rule), target?.id),
    placeIsOurs: slot?.balancer === balancer && slot.priority === priority,
  };
}

function isOnly(values: readonly string[], value: string | undefined): boolean {
  return values.length === 1 && values[0] === value;
}

function isOfInterest({ addressIsOurs, targetIsOurs, placeIsOurs }: Candidate): boolean {
  return addressIsOurs || targetIsOurs || placeIsOurs;
}

/** Rules carry no tags where they are listed; those that are as they should be need none. */
async function ownerOf(candidate: Candidate, workspace: Workspace, ground: Ground): Promise<Ownership | 'gone'> {
  const { addressIsOurs, targetIsOurs, placeIsOurs } = candidate;
  if (addressIsOurs && targetIsOurs && placeIsOurs) return 'ours';
  const tags = await ground.inventory.balancerTags(candidate.rule.RuleArn ?? '');
  if (!tags) return 'gone';
  const owner = ownership(tags, namesOf(workspace, ground.settings).owner);
  if (owner !== 'unmarked') return owner;
  // Stripped of its tags it is still ours by address or target; a place alone says nothing.
  return addressIsOurs || targetIsOurs ? 'ours' : 'foreign';
}

/** A rule of ours in our words. */
function routeFrom({ rule, balancer, priority, addressIsOurs, targetIsOurs }: Omit<Candidate, 'placeIsOurs'>): Route {
  return { id: rule.RuleArn ?? '', balancer, priority, correct: addressIsOurs && targetIsOurs };
}
