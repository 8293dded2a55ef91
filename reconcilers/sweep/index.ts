import type { Logger } from 'pino';
import { familyName, serviceName, targetGroupName } from '../aws/names.ts';
import { markUrgency } from '../aws/rates.ts';
import { targetsOf } from '../workspace/reading.ts';
import { remove } from './apply.ts';
import type { Found, Ledger, SweepReport } from './model.ts';
import { list, type SweepGround, taggedAtBalancers, taggedFamilies, taggedServices } from './observe.ts';
import { condemned, isDoubtful } from './plan.ts';

/** A sweeper: where it looks, who says what is owned, and how long it waits. */
export interface SweepOptions extends Omit<SweepGround, 'pace'> {
  readonly pace?: SweepGround['pace'];
  readonly ledger: Ledger;
  readonly quarantineSeconds: number;
  readonly now: () => Date;
  readonly log: Logger;
}

/**
 * Makes the sweeper: it finds what carries our deployment's tag and no row owns, waits, and deletes what is cheap to
 * remake. What is not ours is never touched, a home never deleted. One sweep at a time; it throws when something could
 * not be read whole, and changes nothing then.
 */
export function createSweep(options: SweepOptions): () => Promise<SweepReport> {
  const { ledger, quarantineSeconds, now, log, pace = markUrgency } = options;
  const ground: SweepGround = { ...options, pace };

  return async function sweep(): Promise<SweepReport> {
    // AWS before the rows: a row is written before anything is made for it, so none is missed that owns what is seen.
    const strays = await straysIn(ground, ledger);
    const owners = await ledger.owners();
    const since = await ledger.note(strays, now());
    const doubtful = isDoubtful(strays, owners.workspace.length);
    const deleted: Found[] = [];
    for (const found of doubtful ? [] : condemned(strays, since, now(), quarantineSeconds)) {
      // One that can't go keeps none of the others.
      try {
        await remove(found, ground);
        deleted.push(found);
        log.warn({ stray: found.id, what: found.kind, owner: found.owner }, 'stray deleted');
      } catch (err) {
        log.error({ err, stray: found.id, what: found.kind, owner: found.owner }, 'stray could not be deleted');
      }
    }
    return { strays, deleted, doubtful };
  };
}

/** Names first, for they cost pages; tags are read only of what no row's name explains. */
async function straysIn(ground: SweepGround, ledger: Ledger): Promise<readonly Found[]> {
  const { deployment } = ground;
  const { services, families, targetGroups, rules, homes } = await list(ground);
  const { workspace, home } = await ledger.owners();
  const [ownServices, ownFamilies, ownGroups] = [serviceName, familyName, targetGroupName].map(
    nameOf => new Set(workspace.map(id => nameOf(deployment, id))),
  );
  const unknownGroups = targetGroups.filter(({ name }) => !ownGroups?.has(name));
  const explained = new Set(targetGroups.filter(({ name }) => ownGroups?.has(name)).map(({ arn }) => arn));
  const unknownRules = rules.filter(rule => !targetsOf(rule).some(arn => explained.has(arn)));
  const found = [
    ...(await taggedServices(
      ground,
      services.filter(name => !ownServices?.has(name)),
    )),
    ...(await taggedAtBalancers(
      ground,
      'rule',
      unknownRules.flatMap(({ RuleArn }) => RuleArn ?? []),
    )),
    ...(await taggedAtBalancers(
      ground,
      'target group',
      unknownGroups.map(({ arn }) => arn),
    )),
    ...(await taggedFamilies(
      ground,
      families.filter(name => !ownFamilies?.has(name)),
    )),
    ...homes,
  ];
  const owned = { workspace: new Set(workspace), home: new Set(home) };
  const isOwned = ({ kind, owner }: Found) =>
    (kind !== 'home' && owned.workspace.has(owner)) ||
    // A task definition is a workspace's or a keeper's.
    ((kind === 'home' || kind === 'task definition') && owned.home.has(owner));
  return found.filter(each => !isOwned(each));
}
