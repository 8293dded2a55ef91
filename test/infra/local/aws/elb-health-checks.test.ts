import * as sdk from '@aws-sdk/client-elastic-load-balancing-v2';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { State } from '../../../../infra/local/aws/state.ts';
import { eventually } from '../../../support/eventually.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import {
  createGroup,
  createListener,
  createRule,
  type ElbGround,
  fixed,
  forward,
  startElb,
  startTiny,
} from './elb-ground.ts';

const target = { id: 'i-1', port: 4_000 };
let ground: ElbGround;
let clock: ManualClock;
let well: boolean;
let checks: number;

beforeEach(async () => {
  clock = new ManualClock();
  well = false;
  checks = 0;
  const probe = async () => {
    checks++;
    return well;
  };
  ground = await startElb({ state: new State(':memory:', clock), probe, random: () => 0 });
});

afterEach(() => ground.close());

async function routed(): Promise<string> {
  const { listenerArn } = await createListener(ground);
  const group = await createGroup(ground, 'group', { HealthyThresholdCount: 3, UnhealthyThresholdCount: 2 });
  await createRule(ground, listenerArn, 1, 'a.localhost', forward(group));
  return group;
}

async function stateOf(group: string): Promise<sdk.TargetHealth | undefined> {
  const read = await ground.client.send(new sdk.DescribeTargetHealthCommand({ TargetGroupArn: group }));
  return read.TargetHealthDescriptions?.[0]?.TargetHealth;
}

test('a new target is tried soon and often, and one pass makes it healthy', async () => {
  const group = await routed();
  const heard: string[] = [];
  ground.elb.onHealth((_arn, _target, state) => heard.push(state));
  ground.elb.register(group, target);
  await clock.settle();
  expect(checks).toBe(1);
  expect(await stateOf(group)).toEqual({ State: 'initial', Reason: 'Elb.InitialHealthChecking' });
  await clock.advance(2_000);
  // 20, 40, … 320 ms, then every 500.
  expect(checks).toBeGreaterThanOrEqual(8);
  expect(checks).toBeLessThanOrEqual(9);
  well = true;
  await clock.advance(500);
  expect(await stateOf(group)).toEqual({ State: 'healthy' });
  expect(heard).toEqual(['initial', 'healthy']);
});

test('a healthy target falls after two failed checks and rises after three passed ones', async () => {
  const group = await routed();
  well = true;
  ground.elb.register(group, target);
  await clock.settle();
  expect(ground.elb.health(group, target)).toBe('healthy');
  well = false;
  await clock.advance(5_000);
  expect(ground.elb.health(group, target)).toBe('healthy');
  await clock.advance(5_000);
  expect(await stateOf(group)).toEqual({ State: 'unhealthy', Reason: 'Target.FailedHealthChecks' });
  well = true;
  await clock.advance(10_000);
  expect(ground.elb.health(group, target)).toBe('unhealthy');
  await clock.advance(5_000);
  expect(ground.elb.health(group, target)).toBe('healthy');
});

test('a new target that never passes is unhealthy once threshold times interval is over', async () => {
  const group = await routed();
  ground.elb.register(group, target);
  await clock.advance(9_000);
  expect(ground.elb.health(group, target)).toBe('initial');
  await clock.advance(2_000);
  expect(ground.elb.health(group, target)).toBe('unhealthy');
  well = true;
  await clock.advance(5_000);
  expect(ground.elb.health(group, target)).toBe('healthy');
});

test('a target is not checked while no rule leads to it', async () => {
  const group = await createGroup(ground, 'group');
  ground.elb.register(group, target);
  await clock.advance(60_000);
  expect([checks, await stateOf(group)]).toEqual([0, { State: 'unused', Reason: 'Target.NotInUse' }]);
  const { listenerArn } = await createListener(ground);
  const RuleArn = await createRule(ground, listenerArn, 1, 'a.localhost', forward(group));
  await clock.settle();
  expect([checks, ground.elb.health(group, target)]).toEqual([1, 'initial']);
  await ground.client.send(new sdk.ModifyRuleCommand({ RuleArn, Actions: [fixed('away')] }));
  expect(ground.elb.health(group, target)).toBe('unused');
  await clock.advance(60_000);
  expect([checks, clock.timers]).toEqual([1, 0]);
});

test('other settings are checked by at once', async () => {
  const group = await routed();
  well = true;
  ground.elb.register(group, target);
  await clock.settle();
  const before = checks;
  await ground.client.send(new sdk.ModifyTargetGroupCommand({ TargetGroupArn: group, HealthCheckPath: '/other' }));
  await clock.settle();
  expect(checks).toBe(before + 1);
  await clock.advance(5_000);
  expect(checks).toBe(before + 2);
});

test('a deregistered target is checked no more and gone from the list', async () => {
  const group = await routed();
  ground.elb.register(group, target);
  await clock.settle();
  await ground.elb.deregister(group, target);
  expect(ground.elb.health(group, target)).toBeUndefined();
  expect(await stateOf(group)).toBeUndefined();
  expect(clock.timers).toBe(0);
});

test('real checks ask for the path and believe the matcher', async () => {
  await ground.close();
  ground = await startElb();
  let status = 500;
  const tiny = await startTiny('tiny');
  const asked: (string | undefined)[] = [];
  tiny.server.removeAllListeners('request');
  tiny.server.on('request', (request, response) => {
    asked.push(request.url);
    response.writeHead(status).end();
  });
  const { listenerArn } = await createListener(ground);
  const group = await createGroup(ground, 'real', {
    HealthCheckPath: '/healthz?x',
    Matcher: { HttpCode: '200,204-206' },
  });
  await createRule(ground, listenerArn, 1, 'a.localhost', forward(group));
  const real = { id: 'i-1', port: tiny.port };
  ground.elb.register(group, real);
  await eventually(() => asked.length >= 3);
  expect(ground.elb.health(group, real)).toBe('initial');
  status = 205;
  await eventually(() => ground.elb.health(group, real) === 'healthy');
  expect(new Set(asked)).toEqual(new Set(['/healthz?x']));
  await tiny.close();
});
