import { AdminDeleteUserCommand } from '@aws-sdk/client-cognito-identity-provider';
import {
  DeleteServiceCommand,
  DeregisterTaskDefinitionCommand,
  UntagResourceCommand as UntagServiceCommand,
  UpdateServiceCommand,
} from '@aws-sdk/client-ecs';
import { DeleteAccessPointCommand, UntagResourceCommand as UntagHomeCommand } from '@aws-sdk/client-efs';
import {
  AddTagsCommand,
  DeleteRuleCommand,
  DeleteTargetGroupCommand,
  ModifyRuleCommand,
  ModifyTargetGroupAttributesCommand,
  RemoveTagsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { homePath, tagKeys } from '../../reconcilers/aws/names.ts';
import { eventually } from '../support/eventually.ts';
import { hostsOf, thingsOf } from './fault-things.ts';
import { type FaultWorld, startFaultWorld } from './fault-world.ts';

/** Faults F16 to F19 of the promises: what hands and strangers do to AWS. Nothing is looked at but where a test says so. */

let world: FaultWorld;
/** Whose things are meddled with, and who lives beside. */
let id: string;
let neighbour: string;
beforeAll(async () => {
  world = await startFaultWorld({ resyncs: false });
  [id = '', neighbour = ''] = await world.class('drift', 2);
  await world.ask([id, neighbour], 'start');
  await world.ready(id, neighbour);
}, 60_000);
afterAll(() => world.close());

const cluster = () => world.test.ground.cluster;
const arnsOf = (whose: string) => {
  const { groups, rules, services } = thingsOf(world, whose);
  return { group: groups[0]?.arn ?? '', rule: rules[0]?.arn ?? '', service: services[0]?.name ?? '' };
};
const homeOf = async (whose: string) => {
  const { home } = await world.get(whose);
  return world.truth.accessPoints.all().find(({ exposed }) => exposed.path === homePath(home.id));
};
const ownTags = [tagKeys.deployment, tagKeys.kind, tagKeys.id, tagKeys.name];

/** All of a workspace that counts, to compare with itself. */
function shapeOf(whose: string) {
  const { services, groups, rules, tasks } = thingsOf(world, whose);
  return {
    services: services.map(({ name, settings: { desiredCount } }) => ({ name, desiredCount })),
    groups: groups.map(({ arn, attributes }) => ({ arn, attributes, tags: world.truth.tags.get(arn)?.tags })),
    rules: rules.map(({ arn, priority, conditions, actions }) => ({ arn, priority, conditions, actions })),
    tasks: tasks.map(({ id: task, lastStatus }) => ({ task, lastStatus })),
  };
}

/** Resolves once nothing is being looked at, nor will be by itself. */
const idle = () =>
  eventually(() => {
    const queue = world.controller.look().queue;
    return queue !== undefined && queue.waiting + queue.running + queue.later === 0;
  });

/** Does something by hand, looks once as a resync does, and waits for `mended`; the neighbour stays as it is. */
async function mends(hand: () => Promise<unknown>, mended: () => boolean | Promise<boolean>): Promise<void> {
  const beside = shapeOf(neighbour);
  const row = (await world.get(neighbour)).version;
  // Our own last writes are believed over reads for 10 s.
  world.clock.jump(15_000);
  await idle();
  await hand();
  expect(await mended()).toBe(false);
  await world.look();
  await eventually(mended, { within: 20_000 });
  await world.ready(id);
  expect(shapeOf(neighbour)).toEqual(beside);
  expect((await world.get(neighbour)).version).toBe(row);
}

/** Looks at a workspace in one slot of 30 s after the other, until it is so; twenty do, where the machine skips none. */
async function inTurn(
  whose: string,
  is: () => boolean | Promise<boolean>,
  look: () => Promise<unknown> = () => world.look(),
): Promise<void> {
  const passed = () => world.passes.all.filter(each => each === whose).length;
  for (let resync = 0; resync < 60 && !(await is()); resync += 1) {
    const before = passed();
    await look();
    await eventually(() => passed() > before);
    await eventually(is, { within: 100 }).catch(() => {});
    world.clock.jump(30_000 - (world.clock.now() % 30_000) + 2_000);
  }
}

/** The same for what costs a call per object: it is looked at once in twenty resyncs. */
async function mendsInTurn(hand: () => Promise<unknown>, mended: () => boolean | Promise<boolean>): Promise<void> {
  const beside = shapeOf(neighbour);
  await idle();
  await hand();
  expect(await mended()).toBe(false);
  await inTurn(id, mended);
  await eventually(mended);
  expect(shapeOf(neighbour)).toEqual(beside);
}

describe('F16 what is deleted by hand is back within one resync, and neighbours are not touched:', () => {
  test(
    'the service',
    () =>
      mends(
        () =>
          world.test.clients.ecs.send(
            new DeleteServiceCommand({ cluster: cluster(), service: arnsOf(id).service, force: true }),
          ),
        () => thingsOf(world, id).services.length === 1,
      ),
    60_000,
  );

  test(
    'the rule',
    () =>
      mends(
        () => world.test.clients.elb.send(new DeleteRuleCommand({ RuleArn: arnsOf(id).rule })),
        () => thingsOf(world, id).rules.length === 1,
      ),
    60_000,
  );

  test('the target group, with its rule', () => {
    const before = arnsOf(id);
    return mends(
      async () => {
        await world.test.clients.elb.send(new DeleteRuleCommand({ RuleArn: before.rule }));
        await world.test.clients.elb.send(new DeleteTargetGroupCommand({ TargetGroupArn: before.group }));
      },
      () => thingsOf(world, id).groups.length === 1 && hostsOf(world, id).join().endsWith('.localhost'),
    );
  }, 60_000);

  test('the task definition, which the next start finds gone', async () => {
    const active = () =>
      world.truth.definitions
        .all()
        .filter(({ family, status }) => family === `armada-school-${id}` && status === 'ACTIVE');
    for (const { arn } of active())
      await world.test.clients.ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition: arn }));
    await world.ask([id], 'restart');
    await eventually(() => active().length === 1);
    await world.ready(id);
  }, 60_000);

  test('the account', async () => {
    const { student } = await world.get(id);
    const user = { UserPoolId: world.test.ground.userPoolId, Username: student.email };
    await world.test.clients.cognito.send(new AdminDeleteUserCommand(user));
    const made = () => world.test.aws.endpoint.calls.counts()['AdminCreateUser'] ?? 0;
    const before = made();
    const name = `select pg_notify('asked', json_build_object('kind', 'student', 'id', $1::text)::text)`;
    await inTurn(
      student.id,
      () => made() > before,
      () => world.api.database.pool.query(name, [student.id]),
    );
    expect(made()).toBe(before + 1);
  }, 60_000);
});

test('F17 an access point that a hand deleted is made again on the same directory', async () => {
  const before = await homeOf(id);
  await mends(
    () => world.test.clients.efs.send(new DeleteAccessPointCommand({ AccessPointId: before?.id ?? '' })),
    async () => {
      const home = await homeOf(id);
      return home !== undefined && home.id !== before?.id;
    },
  );
}, 60_000);

describe('F18 what a hand edits is restored:', () => {
  test.each([0, 3])(
    'a desired count of %i',
    desiredCount =>
      mends(
        () =>
          world.test.clients.ecs.send(
            new UpdateServiceCommand({ cluster: cluster(), service: arnsOf(id).service, desiredCount }),
          ),
        () => thingsOf(world, id).services[0]?.settings.desiredCount === 1,
      ),
    60_000,
  );

  test("a rule that leads to another's target", () => {
    const to = (whose: string) => [{ Type: 'forward' as const, TargetGroupArn: arnsOf(whose).group }];
    return mends(
      () => world.test.clients.elb.send(new ModifyRuleCommand({ RuleArn: arnsOf(id).rule, Actions: to(neighbour) })),
      () => thingsOf(world, id).rules[0]?.actions[0]?.TargetGroupArn === arnsOf(id).group,
    );
  }, 60_000);

  test("a service's tags: it is adopted by name, marked again, and that is told", async () => {
    const { services } = thingsOf(world, id);
    await mends(
      () => world.test.clients.ecs.send(new UntagServiceCommand({ resourceArn: services[0]?.arn, tagKeys: ownTags })),
      () => thingsOf(world, id).services[0]?.tags.some(({ key }) => key === tagKeys.id) ?? false,
    );
    await eventually(async () => {
      const { body } = await world.api.send('GET', `/v1/events?about=${id}`, 'operator');
      return body.items.some(({ reason }: { reason: string }) => reason === 'RestoreTags');
    });
  }, 60_000);

  test('tags of a home: its access point is adopted by its directory, marked again, and no other is made', async () => {
    const { home, ...before } = { home: await homeOf(id), all: world.truth.accessPoints.all().length };
    const tagsOf = () => world.truth.accessPoints.get(home?.id ?? '')?.tags.map(({ Key }) => Key) ?? [];
    expect(tagsOf()).toEqual(expect.arrayContaining(ownTags));
    await mends(
      () => world.test.clients.efs.send(new UntagHomeCommand({ ResourceId: home?.id, TagKeys: ownTags })),
      () => ownTags.every(key => tagsOf().includes(key)),
    );
    expect(world.truth.accessPoints.all()).toHaveLength(before.all);
  }, 60_000);

  test('tags of rule and target group, each in its turn', () => {
    const { rule, group } = arnsOf(id);
    const isTagged = (arn: string) => world.truth.tags.get(arn)?.tags[tagKeys.id] === id;
    return mendsInTurn(
      () => world.test.clients.elb.send(new RemoveTagsCommand({ ResourceArns: [rule, group], TagKeys: ownTags })),
      () => isTagged(rule) && isTagged(group),
    );
  }, 60_000);

  test('attributes of the target group, in their turn', () => {
    const Attributes = [{ Key: 'deregistration_delay.timeout_seconds', Value: '300' }];
    const { group } = arnsOf(id);
    return mendsInTurn(
      () => world.test.clients.elb.send(new ModifyTargetGroupAttributesCommand({ TargetGroupArn: group, Attributes })),
      () =>
        world.truth.targetGroups.all().find(({ arn }) => arn === group)?.attributes[
          'deregistration_delay.timeout_seconds'
        ] === '5',
    );
  }, 60_000);
});

test('F19 what has our name and another’s tags is never touched, and a person is told', async () => {
  const [taken = ''] = await world.class('taken', 1);
  await world.stopped(taken);
  const { group } = arnsOf(taken);
  const stranger = [{ Key: tagKeys.id, Value: 'somebody-else' }];
  await world.test.clients.elb.send(new AddTagsCommand({ ResourceArns: [group], Tags: stranger }));
  await world.ask([taken], 'start');
  const isTold = async () => (await world.get(taken)).status.conditions.some(({ reason }) => reason === 'NameTaken');
  await inTurn(taken, isTold);
  await world.told(taken, 'NameTaken');
  await world.ask([taken], 'stop');
  await world.api.send('DELETE', `/v1/workspaces/${taken}`, 'operator');
  await eventually(async () => (await world.api.send('GET', `/v1/workspaces/${taken}`, 'operator')).status === 404);
  expect(world.truth.targetGroups.all().some(({ arn }) => arn === group)).toBe(true);
}, 60_000);
