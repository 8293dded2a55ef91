import { DescribeTaskDefinitionCommand } from '@aws-sdk/client-ecs';
import { DescribeRulesCommand, ModifyRuleCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { workspaceRow } from '../rows.ts';
import { startWorld, type World } from '../world.ts';

/** Workspaces that share one host and are told apart by path. */

const [ada, bob] = ['aaaabbbbccccdddd', 'bbbbccccddddeeee'];
let world: World;
let rows: ReturnType<World['workspaceRows']>;

beforeEach(async () => {
  world = await startWorld({ path: true });
  world.aws.state.consistency.lagMilliseconds = 0;
  rows = world.workspaceRows();
  for (const id of [ada, bob]) {
    rows.rows.set(id, { ...workspaceRow(id), spec: { ...workspaceRow(id).spec, running: true } });
    await rows.settle(id);
  }
});
afterEach(() => world.close());

async function rules() {
  const { Rules = [] } = await world.clients.elb.send(
    new DescribeRulesCommand({ ListenerArn: world.ground.listenerArn }),
  );
  return Rules.filter(rule => !rule.IsDefault).toSorted((a, b) => Number(a.Priority) - Number(b.Priority));
}

function conditionsOf(id: string) {
  const path = `/w/${rows.get(id).slug}`;
  return [
    { Field: 'host-header', HostHeaderConfig: { Values: ['shared.localhost'] } },
    { Field: 'path-pattern', PathPatternConfig: { Values: [path, `${path}/*`] } },
  ];
}

test('each has a rule for its own paths, and settles there', async () => {
  expect(await rules()).toMatchObject([{ Conditions: conditionsOf(ada) }, { Conditions: conditionsOf(bob) }]);
  world.calls.reset();
  for (const id of [ada, bob]) expect((await rows.pass(id)).verdict).toBe('settled');
  expect(world.writes()).toBe(0);
});

test('a rule that somebody widened is narrowed again', async () => {
  const [first] = await rules();
  for (const Conditions of [
    [{ Field: 'host-header', HostHeaderConfig: { Values: ['shared.localhost'] } }],
    [{ Field: 'path-pattern', PathPatternConfig: { Values: ['/w/*'] } }],
    [...conditionsOf(ada), { Field: 'source-ip', SourceIpConfig: { Values: ['10.0.0.0/8'] } }],
  ]) {
    await world.clients.elb.send(new ModifyRuleCommand({ RuleArn: first?.RuleArn, Conditions }));
    await rows.settle(ada);
    expect((await rules())[0]).toMatchObject({ RuleArn: first?.RuleArn, Conditions: conditionsOf(ada) });
    expect((await rules())[0]?.Conditions).toHaveLength(2);
  }
});

test('the gate is told its address with the path', async () => {
  const input = { taskDefinition: `armada-school-${ada}` };
  const { taskDefinition } = await world.clients.ecs.send(new DescribeTaskDefinitionCommand(input));
  const gate = taskDefinition?.containerDefinitions?.find(({ name }) => name === 'gate');
  expect(gate?.environment).toContainEqual({
    name: 'ARMADA_ORIGINS',
    value: expect.stringMatching(new RegExp(`//shared\\.localhost(:\\d+)?/w/${rows.get(ada).slug}$`)),
  });
});
