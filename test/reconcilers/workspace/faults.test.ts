import { DescribeServicesCommand, ListTaskDefinitionsCommand } from '@aws-sdk/client-ecs';
import { DescribeAccessPointsCommand } from '@aws-sdk/client-efs';
import { DescribeRulesCommand, DescribeTargetGroupsCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { conditionOf } from '../../../api/resources/resource.ts';
import { answerLost, type Fault, failedAfterApplying, throttled } from '../../../infra/local/aws/faults.ts';
import { AwsError } from '../../../infra/local/aws/protocol.ts';
import { workspaceRow } from '../rows.ts';
import { startWorld, type World } from '../world.ts';

const id = 'aaaabbbbccccdddd';
let world: World;
let rows: ReturnType<World['workspaceRows']>;

beforeEach(async () => {
  world = await startWorld({ retries: false });
  rows = world.workspaceRows();
  rows.rows.set(id, workspaceRow(id));
});
afterEach(() => world.close());

/** What there is in AWS of this workspace, counted. */
async function inventory() {
  world.aws.state.consistency.lagMilliseconds = 0;
  const { ecs, elb, efs } = world.clients;
  const { ground, settings } = world;
  const services = await ecs.send(
    new DescribeServicesCommand({ cluster: settings.cluster, services: [`ws-school-${id}`] }),
  );
  const rules = await elb.send(new DescribeRulesCommand({ ListenerArn: ground.listenerArn }));
  const targets = await elb.send(new DescribeTargetGroupsCommand({}));
  const homes = await efs.send(new DescribeAccessPointsCommand({ FileSystemId: ground.fileSystemId }));
  const blueprints = await ecs.send(new ListTaskDefinitionsCommand({ status: 'ACTIVE' }));
  return {
    services: (services.services ?? []).filter(({ status }) => status === 'ACTIVE').length,
    running: services.services?.[0]?.runningCount ?? 0,
    rules: (rules.Rules ?? []).filter(rule => !rule.IsDefault).length,
    targets: (targets.TargetGroups?.length ?? 0) - 1,
    homes: homes.AccessPoints?.length ?? 0,
    hasBlueprint: (blueprints.taskDefinitionArns ?? []).length > 0,
  };
}

/** Up and down and away, while `fault` meets the first `times` calls of each write. */
async function live(fault: Fault, times: number) {
  const met = new Map<string, number>();
  world.aws.endpoint.faults.add((_, operation) => {
    if (/^(Describe|List)/.test(operation)) return undefined;
    const count = (met.get(operation) ?? 0) + 1;
    met.set(operation, count);
    return count <= times ? fault : undefined;
  });
  await rows.settle(id);
  rows.ask(id, { spec: { running: true, restarts: 0 } });
  await rows.settle(id);
  expect(rows.get(id).status.step).toBe('ready');
  expect(await inventory()).toEqual({ services: 1, running: 1, rules: 1, targets: 1, homes: 1, hasBlueprint: true });
  rows.ask(id, { spec: { running: false, restarts: 0 } });
  await rows.settle(id);
  expect(await inventory()).toMatchObject({ running: 0, rules: 0, homes: 1 });
  rows.ask(id, { deletedAt: new Date().toISOString() });
  expect((await rows.settle(id)).verdict).toBe('gone');
  expect(await inventory()).toEqual({ services: 0, running: 0, rules: 0, targets: 0, homes: 0, hasBlueprint: false });
}

test('every write applied and its answer lost leaves one of each, and nothing in the end', () => live(answerLost, 1));
test('every write applied and answered with a failure leaves one of each, and nothing in the end', () =>
  live(failedAfterApplying, 1));
test('throttled writes are tried again, and never count as stuck', () => live(throttled, 2));

test('a fresh process takes over at any point and ends at the same', async () => {
  world.aws.state.consistency.lagMilliseconds = 0;
  for (const spec of [
    { running: true, restarts: 0 },
    { running: true, restarts: 1 },
    { running: false, restarts: 1 },
  ]) {
    rows.ask(id, { spec });
    for (let writes = 0; writes < 4; writes += 1) {
      // Dies at its next write, whichever that is: applied, and nobody is told.
      let seen = 0;
      const remove = world.aws.endpoint.faults.add((_, operation) =>
        /^(Describe|List)/.test(operation) || seen++ > 0 ? undefined : answerLost,
      );
      await rows.pass(id);
      remove();
      const successor = world.workspaceRows();
      successor.rows.set(id, rows.get(id));
      const slot = rows.slots.of(id);
      if (slot) await successor.slots.take(id);
      rows = successor;
    }
    await rows.settle(id);
  }
  expect(await inventory()).toEqual({ services: 1, running: 0, rules: 0, targets: 1, homes: 1, hasBlueprint: true });
});

test('a read that fails half-way changes nothing', async () => {
  rows.ask(id, { spec: { running: true, restarts: 0 } });
  await rows.settle(id);
  world.calls.reset();
  const remove = world.aws.endpoint.faults.add((_, operation) =>
    operation === 'DescribeRules'
      ? {
          before: () => {
            throw new AwsError('ServiceUnavailable', 'told to fail', 503);
          },
        }
      : undefined,
  );
  expect((await rows.pass(id)).verdict).toBe('failed');
  remove();
  expect(world.writes()).toBe(0);
  expect(conditionOf(rows.get(id).status, 'Ready')?.status).toBe('True');
});

test('a missing right is told as such, with its name', async () => {
  world.aws.endpoint.faults.add((_, operation) =>
    operation === 'RegisterTaskDefinition'
      ? {
          before: () => {
            throw new AwsError(
              'AccessDeniedException',
              'User is not authorized to perform: ecs:RegisterTaskDefinition on resource: x',
            );
          },
        }
      : undefined,
  );
  for (let pass = 0; pass < 40; pass += 1) await rows.pass(id);
  expect(conditionOf(rows.get(id).status, 'Stalled')).toMatchObject({ status: 'True', reason: 'NoPermission' });
  expect(conditionOf(rows.get(id).status, 'Stalled')?.message).toContain('ecs:RegisterTaskDefinition');
});

test('a reached quota is waited out, and what frees is taken', async () => {
  const remove = world.aws.endpoint.faults.add((_, operation) =>
    operation === 'CreateRule'
      ? {
          before: () => {
            throw new AwsError('TooManyRules', 'too many');
          },
        }
      : undefined,
  );
  await rows.settle(id);
  rows.ask(id, { spec: { running: true, restarts: 0 } });
  await rows.pass(id);
  expect(conditionOf(rows.get(id).status, 'Ready')).toMatchObject({ status: 'False', reason: 'QuotaReached' });
  remove();
  await rows.settle(id);
  expect(rows.get(id).status.step).toBe('ready');
});
