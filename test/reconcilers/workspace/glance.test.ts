import { DeleteRuleCommand, DescribeRulesCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { workspaceRow } from '../rows.ts';
import { startWorld, type World } from '../world.ts';

const id = 'aaaabbbbccccdddd';
let world: World;
let rows: ReturnType<World['workspaceRows']>;
let at: number;

/** A start whose IDE never becomes healthy by itself: everything stands, and its task is waited for. */
beforeEach(async () => {
  world = await startWorld({ lagMilliseconds: 0 });
  rows = world.workspaceRows();
  rows.rows.set(id, workspaceRow(id));
  await rows.settle(id);
  world.driver.images.set('armada/gate:1', { neverHealthy: true });
  at = Date.now();
  rows.now = () => new Date(at);
  rows.ask(id, { spec: { running: true, restarts: 0 } });
  expect(await rows.pass(id)).toMatchObject({ verdict: 'wait' });
  world.calls.reset();
});
afterEach(() => world.close());

const surroundings = ['DescribeAccessPoints', 'DescribeTargetGroups', 'DescribeRules'];
const asked = () => Object.keys(world.calls.counts());
const rules = async () =>
  (await world.clients.elb.send(new DescribeRulesCommand({ ListenerArn: world.ground.listenerArn }))).Rules?.filter(
    rule => !rule.IsDefault,
  ) ?? [];

describe('a look while a task comes up', () => {
  test('asks for the service and its task alone, for three seconds', async () => {
    at += 2_900;
    expect(await rows.pass(id)).toMatchObject({ verdict: 'wait' });
    expect(asked()).toContain('DescribeServices');
    expect(asked().filter(operation => surroundings.includes(operation))).toEqual([]);
    at += 200;
    expect(await rows.pass(id)).toMatchObject({ verdict: 'wait' });
    expect(asked()).toEqual(expect.arrayContaining(surroundings));
  });

  test('sees everything when something else is asked for', async () => {
    rows.ask(id, { spec: { running: true, restarts: 1 } });
    await rows.pass(id);
    expect(asked()).toEqual(expect.arrayContaining(surroundings));
  });

  test('sees what a hand took away as soon as it is old', async () => {
    const [rule] = await rules();
    await world.clients.elb.send(new DeleteRuleCommand({ RuleArn: rule?.RuleArn }));
    await rows.pass(id);
    expect(await rules()).toEqual([]);
    at += 3_100;
    await rows.pass(id);
    expect(await rules()).toHaveLength(1);
  });
});
