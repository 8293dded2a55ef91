import { AdminDeleteUserCommand } from '@aws-sdk/client-cognito-identity-provider';
import { DeleteServiceCommand, DeregisterTaskDefinitionCommand, UpdateServiceCommand } from '@aws-sdk/client-ecs';
import { DeleteAccessPointCommand } from '@aws-sdk/client-efs';
import {
  DeleteRuleCommand,
  DeleteTargetGroupCommand,
  ModifyRuleCommand,
  ModifyTargetGroupAttributesCommand,
  RemoveTagsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { familyName, serviceName, targetGroupName } from '../../reconcilers/aws/names.ts';
import { settings } from '../reconcilers/rows.ts';
import { askAll, enrolled, liveWorkspaces, makeClass } from './class.ts';
import type { Scenario } from './scenario.ts';
import type { World } from './world.ts';

/** Names of what one workspace has, and the target group of another. */
interface Things {
  readonly service: string;
  readonly rule: string;
  readonly group: string;
  readonly foreignGroup: string;
  readonly definition: string;
  readonly accessPoint: string;
}

function thingsOf({ truth }: World, [id = '', other = '']: readonly string[]): Things {
  const { deployment } = settings;
  const groupOf = (whose: string) =>
    truth.targetGroups.all().find(({ name }) => name === targetGroupName(deployment, whose))?.arn ?? '';
  const definition = truth.definitions
    .all()
    .findLast(({ family, status }) => family === familyName(deployment, id) && status === 'ACTIVE');
  const volume = definition?.input.volumes?.find(each => each.efsVolumeConfiguration)?.efsVolumeConfiguration;
  return {
    service: serviceName(deployment, id),
    rule: truth.rules.all().find(({ arn }) => truth.tags.get(arn)?.tags['armada:id'] === id)?.arn ?? '',
    group: groupOf(id),
    foreignGroup: groupOf(other),
    definition: definition?.arn ?? '',
    accessPoint: volume?.authorizationConfig?.accessPointId ?? '',
  };
}

/** A resync, and the time to act on what it showed. */
const resyncSeconds = 31;
/** What costs a call per object is looked at once in twenty resyncs. */
const turnSeconds = 20 * 30 + 31;

/** What happens meanwhile is not the controller's doing. */
async function byHand(world: World, work: (world: World) => Promise<unknown>): Promise<void> {
  world.oracles.isHandAtWork = true;
  try {
    await work(world);
  } finally {
    world.oracles.isHandAtWork = false;
  }
}

/** A drift: something of the first of two workspaces is changed behind the controller's back; nobody is told of it. */
function drift(
  name: string,
  hand: (world: World, things: Things) => Promise<unknown>,
  { running = true, settleSeconds = resyncSeconds, every = 1 } = {},
): Scenario {
  return {
    name: `drift: ${name}`,
    settleSeconds,
    every,
    async prepare(virtual) {
      await enrolled(virtual, 2);
      if (running) await askAll(virtual, 'start');
    },
    async act({ world }) {
      const things = thingsOf(world, await liveWorkspaces(world));
      await byHand(world, () => hand(world, things));
    },
  };
}

/** Every way in which a hand can change what a workspace or an account has. */
export const drifts: readonly Scenario[] = [
  drift('service deleted', ({ test }, { service }) =>
    test.clients.ecs.send(new DeleteServiceCommand({ cluster: test.ground.cluster, service, force: true })),
  ),
  drift('service stopped', ({ test }, { service }) =>
    test.clients.ecs.send(new UpdateServiceCommand({ cluster: test.ground.cluster, service, desiredCount: 0 })),
  ),
  drift('rule deleted', ({ test }, { rule }) => test.clients.elb.send(new DeleteRuleCommand({ RuleArn: rule }))),
  drift('rule misdirected', ({ test }, { rule, foreignGroup }) => {
    const Actions = [{ Type: 'forward' as const, TargetGroupArn: foreignGroup }];
    return test.clients.elb.send(new ModifyRuleCommand({ RuleArn: rule, Actions }));
  }),
  drift('target group deleted', async ({ test }, { rule, group }) => {
    await test.clients.elb.send(new DeleteRuleCommand({ RuleArn: rule }));
    await test.clients.elb.send(new DeleteTargetGroupCommand({ TargetGroupArn: group }));
  }),
  drift(
    'tags stripped',
    ({ test }, { rule, group }) => {
      const TagKeys = ['armada:deployment', 'armada:kind', 'armada:id', 'armada:name'];
      return test.clients.elb.send(new RemoveTagsCommand({ ResourceArns: [rule, group], TagKeys }));
    },
    { settleSeconds: turnSeconds, every: 3 },
  ),
  drift(
    'attributes changed',
    ({ test }, { group }) => {
      const Attributes = [{ Key: 'deregistration_delay.timeout_seconds', Value: '300' }];
      return test.clients.elb.send(new ModifyTargetGroupAttributesCommand({ TargetGroupArn: group, Attributes }));
    },
    { settleSeconds: turnSeconds, every: 3 },
  ),
  drift(
    'task definition retired',
    ({ test }, { definition }) =>
      test.clients.ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition: definition })),
    { running: false, settleSeconds: turnSeconds, every: 3 },
  ),
  drift(
    'access point deleted',
    ({ test }, { accessPoint }) => test.clients.efs.send(new DeleteAccessPointCommand({ AccessPointId: accessPoint })),
    { running: false },
  ),
  {
    name: 'drift: account deleted',
    kinds: ['student'],
    settleSeconds: turnSeconds,
    // Accounts alone: no controller here would let workspaces go.
    prepare: async ({ world }) => void (await makeClass(world, 2)),
    act: ({ world }) =>
      byHand(world, async ({ test }) => {
        const user = { UserPoolId: test.ground.userPoolId, Username: 'ada@school.example' };
        await test.clients.cognito.send(new AdminDeleteUserCommand(user));
      }),
  },
];
