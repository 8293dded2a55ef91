import type { Rule } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Workspace } from '../../api/resources/workspace.ts';
import { type Ownership, ownership } from '../aws/names.ts';
import { type RuleWord, rulesAbout } from '../aws/rule-index.ts';
import { type Address, addressAt, type Ground, namesOf, parkedAt } from './ground.ts';
import type { Observed, Route, Target } from './model.ts';
import { matchesOnly, targetsOf } from './reading.ts';

/** A rule at one of the balancers, and what of it is ours. */
interface Candidate {
  readonly rule: Rule;
  readonly balancer: number;
  readonly priority: number;
  readonly addressIsOurs: boolean;
  readonly isParked: boolean;
  readonly targetIsOurs: boolean;
  readonly placeIsOurs: boolean;
}

/** Finds a workspace's rules at all balancers, and whether a stranger has its place. `close`: reads all their tags. */
export async function observeRoutes(
  workspace: Workspace,
  target: Target | undefined,
  ground: Ground,
  now: Date,
  close: boolean,
): Promise<Pick<Observed, 'routes' | 'strangerAtSlot'>> {
  const { balancers } = ground.settings;
  const lists = await Promise.all(balancers.map(({ listenerArn }) => ground.inventory.rulesOf(listenerArn)));
  const candidates = lists.flatMap((rules, balancer) =>
    rulesAbout(rules, wordsOf(balancer, workspace, target, ground))
      .map(rule => candidateFrom(rule, balancer, workspace, target, ground))
      .filter(isOfInterest),
  );
  const judged = await Promise.all(
    candidates.map(async found => ({ found, owner: await ownerOf(found, workspace, ground, close) })),
  );
  // A slot at a balancer that the deployment no longer has is as good as taken.
  const isLost = workspace.slot !== null && balancers[workspace.slot.balancer] === undefined;
  return {
    routes: judged.flatMap(({ found, owner }) =>
      owner === 'ours' || owner === 'unmarked'
        ? [routeFrom(found, owner, ground.hints.routes.latest(found.rule.RuleArn ?? '', now))]
        : [],
    ),
    strangerAtSlot: isLost || judged.some(({ found, owner }) => found.placeIsOurs && owner === 'foreign'),
  };
}

/** What a rule of ours may be known by; whatever fits none of these is of no interest. */
function wordsOf(
  balancer: number,
  workspace: Workspace,
  target: Target | undefined,
  { settings }: Ground,
): readonly RuleWord[] {
  const atAddress = (address: Address | undefined) =>
    address ? (address.paths.length > 0 ? address.paths : ['']).map(path => ({ host: address.host, path })) : [];
  const { slot } = workspace;
  return [
    ...atAddress(addressAt(workspace, balancer, settings)),
    ...atAddress(parkedAt(workspace, balancer, settings)),
    ...(target ? [{ target: target.id }] : []),
    ...(slot?.balancer === balancer ? [{ priority: slot.priority }] : []),
  ];
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
    isParked: matchesOnly(rule, parkedAt(workspace, balancer, settings)),
    targetIsOurs: isOnly(targetsOf(rule), target?.id),
    placeIsOurs: slot?.balancer === balancer && slot.priority === priority,
  };
}

function isOnly(values: readonly string[], value: string | undefined): boolean {
  return values.length === 1 && values[0] === value;
}

function isOfInterest({ addressIsOurs, isParked, targetIsOurs, placeIsOurs }: Candidate): boolean {
  return addressIsOurs || isParked || targetIsOurs || placeIsOurs;
}

/** Rules carry no tags where they are listed; those that are as they should be need none. */
async function ownerOf(
  candidate: Candidate,
  workspace: Workspace,
  ground: Ground,
  close: boolean,
): Promise<Ownership | 'gone'> {
  const { addressIsOurs, isParked, targetIsOurs, placeIsOurs } = candidate;
  const isAsItShouldBe = (addressIsOurs || isParked) && targetIsOurs && placeIsOurs;
  if (isAsItShouldBe && !close) return 'ours';
  const tags = await ground.inventory.balancerTags(candidate.rule.RuleArn ?? '');
  if (!tags) return 'gone';
  const owner = ownership(tags, namesOf(workspace, ground.settings).owner);
  if (owner !== 'unmarked') return isAsItShouldBe ? 'ours' : owner;
  // Stripped of its tags it is still ours by address or target; a place alone says nothing.
  return addressIsOurs || isParked || targetIsOurs ? 'unmarked' : 'foreign';
}

/** A rule of ours in our words. */
function routeFrom(candidate: Candidate, owner: Route['owner'], written: Route['leads'] | undefined): Route {
  const { rule, balancer, priority, addressIsOurs, isParked, targetIsOurs } = candidate;
  const read = !targetIsOurs ? 'astray' : addressIsOurs ? 'here' : isParked ? 'nowhere' : 'astray';
  // A read that shows the other of the two may be from before our own write.
  const leads = read === 'astray' ? read : (written ?? read);
  return { id: rule.RuleArn ?? '', balancer, priority, leads, owner };
}
