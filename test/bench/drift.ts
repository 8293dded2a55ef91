import { setTimeout as delay } from 'node:timers/promises';
import {
  DeleteServiceCommand,
  DescribeServicesCommand,
  ListTasksCommand,
  UpdateServiceCommand,
} from '@aws-sdk/client-ecs';
import { DeleteAccessPointCommand, paginateDescribeAccessPoints } from '@aws-sdk/client-efs';
import {
  DeleteRuleCommand,
  DeleteTargetGroupCommand,
  DescribeRulesCommand,
  DescribeTargetGroupsCommand,
  ModifyRuleCommand,
  type Rule,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { homeToken, serviceName, targetGroupName } from '../../reconcilers/aws/names.ts';
import { type Bench, rounded } from './figures.ts';
import { type Scale, startScale } from './scale.ts';

const deployment = 'armada';
const mostSeconds = 300;
/** Every 30 s, and what a start of a stub takes. */
const goalSeconds = 32;
/** A crash is ECS's to mend, at once. */
const crashGoalSeconds = 2 + 0.5;

/** One thing that a hand did in AWS, and how it is seen that it was undone. */
interface Drift {
  readonly what: string;
  readonly goalSeconds: number;
  /** Does it and answers with a look that tells whether it is repaired. */
  act(scale: Scale, at: Place): Promise<() => Promise<boolean>>;
}

interface Place {
  readonly id: string;
  readonly homeId: string;
  readonly slug: string;
}

/** Things that a hand broke in AWS, each at a workspace of its own, all at the same moment. */
export const drift: Bench = {
  name: 'drift',
  does: 'seconds until what a hand changed or deleted in AWS is repaired, by kind',
  async run(print) {
    const scale = await startScale({ workspaces: 20, running: 10, laid: true });
    try {
      await scale.untilSettled(mostSeconds);
      const { rows } = await scale.pool.query<Place>(
        `select id, home_id as "homeId", slug from workspaces order by substr(slug, 2)::int`,
      );
      await Promise.all(
        drifts.map(async ({ what, goalSeconds: goal, act }, index) => {
          // The first ten run; a home is taken from one that does not.
          const place = rows[what.includes('home') ? 15 : index];
          if (!place) throw new Error('too few workspaces');
          const isRepaired = await act(scale, place);
          const start = performance.now();
          while (!(await isRepaired())) {
            if (performance.now() - start > mostSeconds * 1000) throw new Error(`${what}: not repaired`);
            await delay(100);
          }
          const seconds = (performance.now() - start) / 1000;
          print({
            figure: `repaired: ${what}`,
            value: rounded(seconds),
            unit: 's',
            goal: `≤ ${goal} s`,
            met: seconds <= goal,
          });
        }),
      );
    } finally {
      await scale.close();
    }
  },
};

const drifts: readonly Drift[] = [
  {
    what: 'a rule deleted',
    goalSeconds,
    async act(scale, { slug }) {
      const rule = await ruleOf(scale, slug);
      await scale.clients.elb.send(new DeleteRuleCommand({ RuleArn: rule?.RuleArn }));
      return async () => (await ruleOf(scale, slug)) !== undefined;
    },
  },
  {
    what: 'a rule pointed elsewhere',
    goalSeconds,
    async act(scale, { slug }) {
      const rule = await ruleOf(scale, slug);
      const target = rule?.Actions?.[0]?.TargetGroupArn;
      const Actions = [{ Type: 'forward' as const, TargetGroupArn: scale.ground.appTargetGroupArn }];
      await scale.clients.elb.send(new ModifyRuleCommand({ RuleArn: rule?.RuleArn, Actions }));
      return async () => (await ruleOf(scale, slug))?.Actions?.[0]?.TargetGroupArn === target;
    },
  },
  {
    what: 'a service deleted',
    goalSeconds,
    async act(scale, { id }) {
      const { cluster } = scale.ground;
      const service = serviceName(deployment, id);
      await scale.clients.ecs.send(new DeleteServiceCommand({ cluster, service, force: true }));
      return () => runs(scale, id);
    },
  },
  {
    what: 'a service scaled to none',
    goalSeconds,
    async act(scale, { id }) {
      const { cluster } = scale.ground;
      await scale.clients.ecs.send(
        new UpdateServiceCommand({ cluster, service: serviceName(deployment, id), desiredCount: 0 }),
      );
      return () => runs(scale, id);
    },
  },
  {
    what: 'a rule and its target group deleted',
    goalSeconds,
    async act(scale, { id, slug }) {
      const rule = await ruleOf(scale, slug);
      const TargetGroupArn = rule?.Actions?.[0]?.TargetGroupArn;
      await scale.clients.elb.send(new DeleteRuleCommand({ RuleArn: rule?.RuleArn }));
      await scale.clients.elb.send(new DeleteTargetGroupCommand({ TargetGroupArn }));
      return async () =>
        (await hasTargetGroup(scale, id)) && (await runs(scale, id)) && (await ruleOf(scale, slug)) !== undefined;
    },
  },
  {
    what: 'an IDE that crashed',
    goalSeconds: crashGoalSeconds,
    async act(scale, { id }) {
      const { cluster } = scale.ground;
      const list = async () =>
        (await scale.clients.ecs.send(new ListTasksCommand({ cluster, serviceName: serviceName(deployment, id) })))
          .taskArns ?? [];
      const [before = ''] = await list();
      await scale.ask({ type: 'crash', taskId: before.split('/').at(-1) ?? '' });
      return async () => !(await list()).includes(before) && (await runs(scale, id));
    },
  },
  {
    what: 'the access point of a home deleted',
    goalSeconds,
    async act(scale, { homeId }) {
      const before = await accessPointOf(scale, homeId);
      await scale.clients.efs.send(new DeleteAccessPointCommand({ AccessPointId: before }));
      return async () => {
        const now = await accessPointOf(scale, homeId);
        return now !== undefined && now !== before;
      };
    },
  },
];

async function ruleOf({ clients, ground }: Scale, slug: string): Promise<Rule | undefined> {
  const { Rules } = await clients.elb.send(
    new DescribeRulesCommand({ ListenerArn: ground.listenerArn, PageSize: 400 }),
  );
  return Rules?.find(({ Conditions }) =>
    Conditions?.some(each => each.HostHeaderConfig?.Values?.includes(`${slug}.localhost`)),
  );
}

async function runs({ clients, ground: { cluster } }: Scale, id: string): Promise<boolean> {
  const { services } = await clients.ecs.send(
    new DescribeServicesCommand({ cluster, services: [serviceName(deployment, id)] }),
  );
  return services?.[0]?.status === 'ACTIVE' && services[0].desiredCount === 1 && services[0].runningCount === 1;
}

async function hasTargetGroup({ clients }: Scale, id: string): Promise<boolean> {
  const command = new DescribeTargetGroupsCommand({ Names: [targetGroupName(deployment, id)] });
  return clients.elb.send(command).then(
    () => true,
    () => false,
  );
}

async function accessPointOf({ clients, ground }: Scale, homeId: string): Promise<string | undefined> {
  const token = homeToken(deployment, homeId, ground.fileSystemId);
  for await (const page of paginateDescribeAccessPoints(
    { client: clients.efs },
    { FileSystemId: ground.fileSystemId },
  )) {
    const found = page.AccessPoints?.find(each => each.ClientToken === token && each.LifeCycleState !== 'deleting');
    if (found) return found.AccessPointId;
  }
  return undefined;
}
