import { DescribeServicesCommand, ListTasksCommand } from '@aws-sdk/client-ecs';
import { DescribeAccessPointsCommand } from '@aws-sdk/client-efs';
import {
  CreateTargetGroupCommand,
  DescribeRulesCommand,
  DescribeTargetGroupsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Workspace } from '../../../api/resources/workspace.ts';
import type { Action } from '../../../reconcilers/workspace/model.ts';
import { MemorySlots, workspaceRow } from '../rows.ts';
import { startWorld, type World } from '../world.ts';

const id = 'aaaabbbbccccdddd';
let world: World;
beforeEach(async () => {
  world = await startWorld({ lagMilliseconds: 0 });
});
afterEach(() => world.close());

const slots = new MemorySlots();
/** A deletion waits until reads from the past are over: the clock goes on by a second with each wait. */
let ahead = 0;
const now = () => new Date(Date.now() + ahead);
const context = () => ({
  log: pino({ level: 'silent' }),
  signal: new AbortController().signal,
  now,
  slots,
  urgent: true,
});

/** Everything that AWS has of the deployment. */
async function everything() {
  const { ecs, elb, efs } = world.clients;
  const { cluster } = world.settings;
  const [services, tasks, rules, targets, homes] = await Promise.all([
    ecs.send(new DescribeServicesCommand({ cluster, services: [`ws-school-${id}`] })),
    ecs.send(new ListTasksCommand({ cluster })),
    elb.send(new DescribeRulesCommand({ ListenerArn: world.ground.listenerArn })),
    elb.send(new DescribeTargetGroupsCommand({})),
    efs.send(new DescribeAccessPointsCommand({ FileSystemId: world.ground.fileSystemId })),
  ]);
  return {
    service: services.services?.map(({ status, desiredCount }) => ({ status, desiredCount })),
    tasks: (tasks.taskArns?.length ?? 0) > 1,
    rules: rules.Rules?.map(({ RuleArn, Priority, Actions }) => ({ RuleArn, Priority, Actions })),
    targets: targets.TargetGroups?.map(({ TargetGroupArn }) => TargetGroupArn),
    homes: homes.AccessPoints?.map(({ AccessPointId }) => AccessPointId),
  };
}

test('each action done twice, by two processes that know nothing of each other, gives the same world', async () => {
  const done = new Set<Action['type']>();
  let workspace: Workspace = workspaceRow(id);
  for (const wish of [
    { spec: { running: true, restarts: 0 } },
    { spec: { running: false, restarts: 0 } },
    { spec: { running: true, restarts: 0 } },
    { deletedAt: new Date().toISOString() },
  ]) {
    workspace = { ...workspace, ...wish, generation: workspace.generation + 1 };
    for (let look = 0; look < 200; look += 1) {
      const reconciler = world.reconciler();
      workspace = { ...workspace, slot: slots.of(id) };
      const observed = await reconciler.observe(workspace, context());
      const next = reconciler.plan(workspace, observed, now());
      const status = reconciler.summarize(workspace, observed, now());
      workspace = { ...workspace, status: { ...workspace.status, ...status } };
      if (next.verdict === 'settled') break;
      expect(next.verdict).not.toBe('stuck');
      if (next.verdict === 'wait') {
        await new Promise(resolve => setTimeout(resolve, 10));
        ahead += 1_000;
      }
      if (next.verdict !== 'act') continue;
      for (const action of next.actions) {
        await reconciler.apply(action, workspace, observed, context());
        const once = await everything();
        const again = await world.reconciler().apply(action, workspace, observed, context());
        expect({ after: action.type, ...(await everything()) }).toEqual({ after: action.type, ...once });
        expect(again.refusal).toBeUndefined();
        done.add(action.type);
      }
    }
  }
  expect([...done].toSorted()).toEqual([
    'create-home',
    'create-route',
    'create-service',
    'create-target',
    'delete-blueprints',
    'delete-home',
    'delete-routes',
    'delete-service',
    'delete-target',
    'open-route',
    'register-blueprint',
    'release-slot',
    'set-target-attributes',
    'start-service',
    'stop-service',
    'take-slot',
  ]);
});

test('a target group of our name that is tagged as another’s is left alone, and a person is told', async () => {
  await world.clients.elb.send(
    new CreateTargetGroupCommand({
      Name: `a-school-${id}`,
      Protocol: 'HTTP',
      Port: 1,
      VpcId: world.ground.vpcId,
      Tags: [{ Key: 'armada:deployment', Value: 'another' }],
    }),
  );
  const rows = world.workspaceRows();
  rows.rows.set(id, workspaceRow(id));
  expect((await rows.settle(id)).verdict).toBe('stuck');
  expect(rows.get(id).status.conditions.map(({ reason }) => reason)).toContain('NameTaken');
  rows.ask(id, { deletedAt: new Date().toISOString() });
  await rows.settle(id);
  expect((await everything()).targets).toHaveLength(2);
});
