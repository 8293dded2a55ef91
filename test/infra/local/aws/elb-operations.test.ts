import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as sdk from '@aws-sdk/client-elastic-load-balancing-v2';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { realClock } from '../../../../infra/local/aws/clock.ts';
import { defaultQuotas } from '../../../../infra/local/aws/elb/quotas.ts';
import { State } from '../../../../infra/local/aws/state.ts';
import {
  ask,
  createGroup,
  createListener,
  createRule,
  type ElbGround,
  fixed,
  forward,
  refusal,
  startElb,
  startTiny,
} from './elb-ground.ts';

let ground: ElbGround;
beforeEach(async () => {
  ground = await startElb();
});
afterEach(() => ground.close());

const madeUp = 'arn:aws:elasticloadbalancing:us-east-1:000000000000';
const noGroup = `${madeUp}:targetgroup/none/0123456789abcdef`;
const noLoadBalancer = `${madeUp}:loadbalancer/app/none/0123456789abcdef`;
const noListener = `${madeUp}:listener/app/none/0123456789abcdef/0123456789abcdef`;
const noRule = `${madeUp}:listener-rule/app/none/0123456789abcdef/0123456789abcdef/0123456789abcdef`;

/** Calls that name things that are not there, or are not of the form, with AWS's wire codes. */
const unknown: [string, (client: sdk.ElasticLoadBalancingV2Client) => Promise<unknown>, string][] = [
  [
    'DescribeLoadBalancers by name',
    c => c.send(new sdk.DescribeLoadBalancersCommand({ Names: ['none'] })),
    'LoadBalancerNotFound',
  ],
  [
    'DescribeLoadBalancers by ARN',
    c => c.send(new sdk.DescribeLoadBalancersCommand({ LoadBalancerArns: [noLoadBalancer] })),
    'LoadBalancerNotFound',
  ],
  [
    'DescribeLoadBalancerAttributes',
    c => c.send(new sdk.DescribeLoadBalancerAttributesCommand({ LoadBalancerArn: noLoadBalancer })),
    'LoadBalancerNotFound',
  ],
  [
    'CreateListener',
    c =>
      c.send(
        new sdk.CreateListenerCommand({
          LoadBalancerArn: noLoadBalancer,
          Protocol: 'HTTP',
          Port: 80,
          DefaultActions: [fixed('x')],
        }),
      ),
    'LoadBalancerNotFound',
  ],
  [
    'DescribeListeners by ARN',
    c => c.send(new sdk.DescribeListenersCommand({ ListenerArns: [noListener] })),
    'ListenerNotFound',
  ],
  [
    'DescribeListeners of a load balancer',
    c => c.send(new sdk.DescribeListenersCommand({ LoadBalancerArn: noLoadBalancer })),
    'LoadBalancerNotFound',
  ],
  ['ModifyListener', c => c.send(new sdk.ModifyListenerCommand({ ListenerArn: noListener })), 'ListenerNotFound'],
  ['DeleteListener', c => c.send(new sdk.DeleteListenerCommand({ ListenerArn: noListener })), 'ListenerNotFound'],
  [
    'CreateRule',
    c =>
      c.send(
        new sdk.CreateRuleCommand({
          ListenerArn: noListener,
          Priority: 1,
          Conditions: [{ Field: 'path-pattern', Values: ['/'] }],
          Actions: [fixed('x')],
        }),
      ),
    'ListenerNotFound',
  ],
  ['DescribeRules by ARN', c => c.send(new sdk.DescribeRulesCommand({ RuleArns: [noRule] })), 'RuleNotFound'],
  [
    'DescribeRules of a listener',
    c => c.send(new sdk.DescribeRulesCommand({ ListenerArn: noListener })),
    'ListenerNotFound',
  ],
  ['DescribeRules of nothing', c => c.send(new sdk.DescribeRulesCommand({})), 'ValidationError'],
  ['DeleteRule', c => c.send(new sdk.DeleteRuleCommand({ RuleArn: noRule })), 'RuleNotFound'],
  [
    'DescribeTargetGroups by name',
    c => c.send(new sdk.DescribeTargetGroupsCommand({ Names: ['none'] })),
    'TargetGroupNotFound',
  ],
  [
    'DescribeTargetGroups by ARN',
    c => c.send(new sdk.DescribeTargetGroupsCommand({ TargetGroupArns: [noGroup] })),
    'TargetGroupNotFound',
  ],
  [
    'DescribeTargetGroups by a bad ARN',
    c => c.send(new sdk.DescribeTargetGroupsCommand({ TargetGroupArns: ['x'] })),
    'ValidationError',
  ],
  [
    'ModifyTargetGroup',
    c => c.send(new sdk.ModifyTargetGroupCommand({ TargetGroupArn: noGroup })),
    'TargetGroupNotFound',
  ],
  [
    'ModifyTargetGroupAttributes',
    c => c.send(new sdk.ModifyTargetGroupAttributesCommand({ TargetGroupArn: noGroup, Attributes: [] })),
    'TargetGroupNotFound',
  ],
  [
    'RegisterTargets',
    c => c.send(new sdk.RegisterTargetsCommand({ TargetGroupArn: noGroup, Targets: [{ Id: 'i-1' }] })),
    'TargetGroupNotFound',
  ],
  [
    'DeregisterTargets',
    c => c.send(new sdk.DeregisterTargetsCommand({ TargetGroupArn: noGroup, Targets: [{ Id: 'i-1' }] })),
    'TargetGroupNotFound',
  ],
  [
    'DescribeTargetHealth',
    c => c.send(new sdk.DescribeTargetHealthCommand({ TargetGroupArn: noGroup })),
    'TargetGroupNotFound',
  ],
  ['DescribeTags', c => c.send(new sdk.DescribeTagsCommand({ ResourceArns: [noRule] })), 'RuleNotFound'],
  [
    'DescribeTags of too many',
    c => c.send(new sdk.DescribeTagsCommand({ ResourceArns: Array(21).fill(noRule) })),
    'ValidationError',
  ],
];

test.each(unknown)('%s of what is not there is refused', async (_name, call, code) => {
  expect(await refusal(call(ground.client))).toBe(code);
});

test('deleting a load balancer or target group that is gone succeeds, as at AWS', async () => {
  await ground.client.send(new sdk.DeleteLoadBalancerCommand({ LoadBalancerArn: noLoadBalancer }));
  await ground.client.send(new sdk.DeleteTargetGroupCommand({ TargetGroupArn: noGroup }));
});

describe('target groups', () => {
  test('are made once for equal settings, and refused for others of the same name', async () => {
    const first = await createGroup(ground, 'same');
    expect(await createGroup(ground, 'same')).toBe(first);
    expect(await refusal(createGroup(ground, 'same', { HealthCheckPath: '/other' }))).toBe('DuplicateTargetGroupName');
  });

  test.each<[string, Partial<sdk.CreateTargetGroupInput>]>([
    ['a name too long', { Name: 'a'.repeat(33) }],
    ['a name with a hyphen at its end', { Name: 'a-' }],
    ['a name with an underscore', { Name: 'a_b' }],
    ['an interval below 5 s', { HealthCheckIntervalSeconds: 4 }],
    ['a timeout not below the interval', { HealthCheckIntervalSeconds: 5, HealthCheckTimeoutSeconds: 5 }],
    ['a threshold of 1', { HealthyThresholdCount: 1 }],
    ['a path without its slash', { HealthCheckPath: 'healthz' }],
    ['a matcher of words', { Matcher: { HttpCode: 'ok' } }],
    ['no VPC', { VpcId: undefined }],
    ['health checks switched off', { HealthCheckEnabled: false }],
  ])('are refused with %s', async (_name, change) => {
    expect(await refusal(createGroup(ground, 'tried', change))).toBe('ValidationError');
  });

  test('have AWS’s default attributes, and refuse unknown ones', async () => {
    const TargetGroupArn = await createGroup(ground, 'group');
    const read = await ground.client.send(new sdk.DescribeTargetGroupAttributesCommand({ TargetGroupArn }));
    const delay = 'deregistration_delay.timeout_seconds';
    expect(read.Attributes).toContainEqual({ Key: delay, Value: '300' });
    const change = (Key: string, Value: string) =>
      ground.client.send(new sdk.ModifyTargetGroupAttributesCommand({ TargetGroupArn, Attributes: [{ Key, Value }] }));
    expect((await change(delay, '5')).Attributes).toContainEqual({ Key: delay, Value: '5' });
    expect(await refusal(change(delay, '3601'))).toBe('ValidationError');
    expect(await refusal(change('made.up', '1'))).toBe('ValidationError');
  });

  test('can’t be deleted while a rule names them, nor be shared by two load balancers', async () => {
    const one = await createListener(ground, 'one');
    const two = await createListener(ground, 'two');
    const group = await createGroup(ground, 'group');
    const rule = await createRule(ground, one.listenerArn, 1, 'a.localhost', forward(group));
    const remove = () => ground.client.send(new sdk.DeleteTargetGroupCommand({ TargetGroupArn: group }));
    expect(await refusal(remove())).toBe('ResourceInUse');
    expect(await refusal(createRule(ground, two.listenerArn, 1, 'a.localhost', forward(group)))).toBe(
      'TargetGroupAssociationLimit',
    );
    const read = await ground.client.send(
      new sdk.DescribeTargetGroupsCommand({ LoadBalancerArn: one.loadBalancerArn }),
    );
    expect(read.TargetGroups?.map(found => found.LoadBalancerArns)).toEqual([[one.loadBalancerArn]]);
    await ground.client.send(new sdk.DeleteRuleCommand({ RuleArn: rule }));
    await remove();
    expect(await refusal(createRule(ground, two.listenerArn, 1, 'a.localhost', forward(group)))).toBe(
      'TargetGroupNotFound',
    );
  });

  test('take instances and loopback addresses only, and say what was never registered', async () => {
    const TargetGroupArn = await createGroup(ground, 'group');
    const register = (Id: string) =>
      ground.client.send(new sdk.RegisterTargetsCommand({ TargetGroupArn, Targets: [{ Id, Port: 1 }] }));
    expect(await refusal(register('10.0.0.1'))).toBe('InvalidTarget');
    await register('i-0a');
    await ground.client.send(
      new sdk.DeregisterTargetsCommand({ TargetGroupArn, Targets: [{ Id: 'i-none', Port: 1 }] }),
    );
    const read = await ground.client.send(
      new sdk.DescribeTargetHealthCommand({
        TargetGroupArn,
        Targets: [
          { Id: 'i-0a', Port: 1 },
          { Id: 'i-0b', Port: 1 },
        ],
      }),
    );
    expect(read.TargetHealthDescriptions?.map(found => found.TargetHealth)).toEqual([
      { State: 'unused', Reason: 'Target.NotInUse' },
      { State: 'unused', Reason: 'Target.NotRegistered' },
    ]);
  });
});

describe('rules', () => {
  test('are made anew by every call, once for each priority', async () => {
    const { listenerArn } = await createListener(ground);
    await createRule(ground, listenerArn, 1, 'a.localhost', fixed('x'));
    expect(await refusal(createRule(ground, listenerArn, 1, 'a.localhost', fixed('x')))).toBe('PriorityInUse');
    await createRule(ground, listenerArn, 2, 'a.localhost', fixed('x'));
    const read = await ground.client.send(new sdk.DescribeRulesCommand({ ListenerArn: listenerArn }));
    expect(read.Rules?.map(rule => rule.Priority).sort()).toEqual(['1', '2', 'default']);
  });

  test('are read spelt out in both of AWS’s forms', async () => {
    const { listenerArn } = await createListener(ground);
    const group = await createGroup(ground, 'group');
    const arn = await createRule(ground, listenerArn, 1, 'a.localhost', forward(group));
    const read = await ground.client.send(new sdk.DescribeRulesCommand({ RuleArns: [arn] }));
    expect(read.Rules).toEqual([
      {
        RuleArn: arn,
        Priority: '1',
        IsDefault: false,
        Transforms: [],
        Conditions: [{ Field: 'host-header', Values: ['a.localhost'], HostHeaderConfig: { Values: ['a.localhost'] } }],
        Actions: [
          {
            Type: 'forward',
            TargetGroupArn: group,
            ForwardConfig: {
              TargetGroups: [{ TargetGroupArn: group, Weight: 1 }],
              TargetGroupStickinessConfig: { Enabled: false },
            },
          },
        ],
      },
    ]);
  });

  const host = (...Values: string[]): sdk.RuleCondition => ({ Field: 'host-header', Values });
  const path = (...Values: string[]): sdk.RuleCondition => ({ Field: 'path-pattern', Values });
  test.each<[string, Partial<sdk.CreateRuleInput>, string]>([
    ['a priority of 0', { Priority: 0 }, 'ValidationError'],
    ['a priority above 50000', { Priority: 50_001 }, 'ValidationError'],
    ['no condition', { Conditions: [] }, 'ValidationError'],
    ['a made-up field', { Conditions: [{ Field: 'cookie', Values: ['x'] }] }, 'ValidationError'],
    ['two host conditions', { Conditions: [host('a.b'), host('c.d')] }, 'ValidationError'],
    ['six values', { Conditions: [host('a.b', 'b.b', 'c.b'), path('/a', '/b', '/c')] }, 'ValidationError'],
    ['six wildcards', { Conditions: [host('*a*.b', '*b*.b'), path('/*?')] }, 'ValidationError'],
    ['a host of 129 characters', { Conditions: [host(`${'a'.repeat(125)}.com`)] }, 'ValidationError'],
    ['a host with a slash', { Conditions: [host('a/b.com')] }, 'ValidationError'],
    ['a host without a dot', { Conditions: [host('localhost')] }, 'ValidationError'],
    ['no action', { Actions: [] }, 'ValidationError'],
    ['an action AWS asks HTTPS for', { Actions: [{ Type: 'authenticate-cognito' }] }, 'InvalidLoadBalancerAction'],
    ['two actions', { Actions: [fixed('a'), fixed('b')] }, 'TooManyActions'],
    ['a target group that is not there', { Actions: [forward(noGroup)] }, 'TargetGroupNotFound'],
    [
      'a fixed response of 302',
      { Actions: [{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '302' } }] },
      'ValidationError',
    ],
    [
      'a redirect to itself',
      { Actions: [{ Type: 'redirect', RedirectConfig: { StatusCode: 'HTTP_301' } }] },
      'ValidationError',
    ],
    [
      'a tag key twice',
      {
        Tags: [
          { Key: 'a', Value: '1' },
          { Key: 'a', Value: '2' },
        ],
      },
      'DuplicateTagKeys',
    ],
    ['51 tags', { Tags: Array.from({ length: 51 }, (_, index) => ({ Key: `k${index}`, Value: '' })) }, 'TooManyTags'],
  ])('are refused with %s', async (_name, change, code) => {
    const { listenerArn } = await createListener(ground);
    const good = { ListenerArn: listenerArn, Priority: 1, Conditions: [host('a.localhost')], Actions: [fixed('x')] };
    expect(await refusal(ground.client.send(new sdk.CreateRuleCommand({ ...good, ...change })))).toBe(code);
    await ground.client.send(new sdk.CreateRuleCommand(good));
  });

  test('keep what a change leaves out', async () => {
    const { listenerArn } = await createListener(ground);
    const RuleArn = await createRule(ground, listenerArn, 7, 'a.localhost', fixed('before'));
    const changed = await ground.client.send(new sdk.ModifyRuleCommand({ RuleArn, Actions: [fixed('after')] }));
    expect(changed.Rules?.[0]).toMatchObject({ Priority: '7', Conditions: [{ Values: ['a.localhost'] }] });
    expect(changed.Rules?.[0]?.Actions?.[0]?.FixedResponseConfig?.MessageBody).toBe('after');
  });

  test('swap priorities in one call, and take none that another has', async () => {
    const { listenerArn } = await createListener(ground);
    const [a, b, c] = await Promise.all(
      [1, 2, 3].map(priority => createRule(ground, listenerArn, priority, 'a.localhost', fixed(String(priority)))),
    );
    const set = (...pairs: [string | undefined, number][]) =>
      ground.client.send(
        new sdk.SetRulePrioritiesCommand({
          RulePriorities: pairs.map(([RuleArn, Priority]) => ({ RuleArn, Priority })),
        }),
      );
    const swapped = await set([a, 2], [b, 1]);
    expect(swapped.Rules?.map(rule => rule.Priority)).toEqual(['2', '1']);
    expect(await refusal(set([a, 9], [b, 3]))).toBe('PriorityInUse');
    expect(
      (await ground.client.send(new sdk.DescribeRulesCommand({ RuleArns: [a!, b!, c!] }))).Rules?.map(r => r.Priority),
    ).toEqual(['2', '1', '3']);
  });

  test('leave the default one alone', async () => {
    const { listenerArn } = await createListener(ground);
    const read = await ground.client.send(new sdk.DescribeRulesCommand({ ListenerArn: listenerArn }));
    const RuleArn = read.Rules![0]!.RuleArn;
    expect(await refusal(ground.client.send(new sdk.DeleteRuleCommand({ RuleArn })))).toBe('OperationNotPermitted');
    const modify = new sdk.ModifyRuleCommand({ RuleArn, Actions: [fixed('x')] });
    expect(await refusal(ground.client.send(modify))).toBe('OperationNotPermitted');
  });
});

describe('load balancers and listeners', () => {
  test('are made once for equal settings', async () => {
    const { loadBalancerArn, listenerArn } = await createListener(ground);
    const again = await createListener(ground);
    expect([again.loadBalancerArn, again.listenerArn]).toEqual([loadBalancerArn, listenerArn]);
    const other = new sdk.CreateLoadBalancerCommand({ Name: 'main', Subnets: ['subnet-1', 'subnet-3'] });
    expect(await refusal(ground.client.send(other))).toBe('DuplicateLoadBalancerName');
    const listener = {
      LoadBalancerArn: loadBalancerArn,
      Protocol: 'HTTP' as const,
      Port: 80,
      DefaultActions: [fixed('x')],
    };
    expect(await refusal(ground.client.send(new sdk.CreateListenerCommand(listener)))).toBe('DuplicateListener');
    const https = new sdk.CreateListenerCommand({ ...listener, Port: 443, Protocol: 'HTTPS' });
    expect(await refusal(ground.client.send(https))).toBe('ValidationError');
  });

  test('a listener’s default action can be changed', async () => {
    const { listenerArn, port } = await createListener(ground);
    await ground.client.send(
      new sdk.ModifyListenerCommand({ ListenerArn: listenerArn, DefaultActions: [fixed('new')] }),
    );
    expect((await ask(port, 'a.localhost')).body).toBe('new');
  });

  test('deletion protection keeps a load balancer; without it all of it goes, and the port is free', async () => {
    const { listenerArn, loadBalancerArn: LoadBalancerArn, port } = await createListener(ground);
    const protect = (Value: string) =>
      ground.client.send(
        new sdk.ModifyLoadBalancerAttributesCommand({
          LoadBalancerArn,
          Attributes: [{ Key: 'deletion_protection.enabled', Value }],
        }),
      );
    const remove = () => ground.client.send(new sdk.DeleteLoadBalancerCommand({ LoadBalancerArn }));
    await protect('true');
    expect(await refusal(remove())).toBe('OperationNotPermitted');
    await protect('false');
    await remove();
    const read = ground.client.send(new sdk.DescribeListenersCommand({ ListenerArns: [listenerArn] }));
    expect(await refusal(read)).toBe('ListenerNotFound');
    await expect(ask(port, 'a.localhost')).rejects.toThrow();
  });
});

describe('quotas', () => {
  test('are AWS’s', () => {
    expect(defaultQuotas).toMatchObject({
      rulesPerLoadBalancer: 100,
      targetGroupsPerLoadBalancer: 100,
      targetGroups: 3_000,
    });
  });

  test('refuse one rule, group or target too many', async () => {
    await ground.close();
    const quotas = { rulesPerLoadBalancer: 3, targetGroupsPerLoadBalancer: 2, targetGroups: 3, targetsPerGroup: 1 };
    ground = await startElb({ quotas });
    const { listenerArn, loadBalancerArn } = await createListener(ground);
    const groups = [await createGroup(ground, 'a'), await createGroup(ground, 'b'), await createGroup(ground, 'c')];
    expect(await refusal(createGroup(ground, 'd'))).toBe('TooManyTargetGroups');
    await createRule(ground, listenerArn, 1, 'a.localhost', forward(groups[0]!));
    await createRule(ground, listenerArn, 2, 'b.localhost', forward(groups[1]!));
    const third = createRule(ground, listenerArn, 3, 'c.localhost', forward(groups[2]!));
    expect(await refusal(third)).toBe('TooManyUniqueTargetGroupsPerLoadBalancer');
    await createRule(ground, listenerArn, 3, 'c.localhost', forward(groups[1]!));
    expect(await refusal(createRule(ground, listenerArn, 4, 'd.localhost', fixed('x')))).toBe('TooManyRules');
    const targets = [
      { Id: 'i-1', Port: 1 },
      { Id: 'i-1', Port: 2 },
    ];
    const register = new sdk.RegisterTargetsCommand({ TargetGroupArn: groups[0]!, Targets: targets });
    expect(await refusal(ground.client.send(register))).toBe('TooManyTargets');
    const listener = { LoadBalancerArn: loadBalancerArn, Protocol: 'HTTP' as const, Port: 81 };
    const action = new sdk.CreateListenerCommand({ ...listener, DefaultActions: [forward(groups[2]!)] });
    expect(await refusal(ground.client.send(action))).toBe('TooManyUniqueTargetGroupsPerLoadBalancer');
  });
});

test('tags are given at making, added, taken away and read', async () => {
  const arn = await createGroup(ground, 'tagged', { Tags: [{ Key: 'a', Value: '1' }] });
  await ground.client.send(new sdk.AddTagsCommand({ ResourceArns: [arn], Tags: [{ Key: 'b', Value: '2' }] }));
  await ground.client.send(new sdk.RemoveTagsCommand({ ResourceArns: [arn], TagKeys: ['a'] }));
  const read = await ground.client.send(new sdk.DescribeTagsCommand({ ResourceArns: [arn] }));
  expect(read.TagDescriptions).toEqual([{ ResourceArn: arn, Tags: [{ Key: 'b', Value: '2' }] }]);
});

test('walks over pages are complete and without repeats, in whatever order', async () => {
  const { listenerArn } = await createListener(ground);
  const groups = [];
  for (let index = 0; index < 25; index++) groups.push(await createGroup(ground, `g${index}`));
  for (let index = 0; index < 25; index++)
    await createRule(ground, listenerArn, index + 1, `h${index}.localhost`, fixed('x'));
  ground.state.consistency.shuffled = true;
  const found: (string | undefined)[] = [];
  for await (const page of sdk.paginateDescribeTargetGroups({ client: ground.client }, { PageSize: 7 }))
    found.push(...(page.TargetGroups ?? []).map(group => group.TargetGroupArn));
  expect(found).not.toEqual([...found].sort());
  expect([...found].sort()).toEqual([...groups].sort());
  const rules: (string | undefined)[] = [];
  for await (const page of sdk.paginateDescribeRules(
    { client: ground.client },
    { ListenerArn: listenerArn, PageSize: 10 },
  ))
    rules.push(...(page.Rules ?? []).map(rule => rule.Priority));
  expect([rules.length, new Set(rules).size]).toEqual([26, 26]);
  const tooLarge = new sdk.DescribeTargetGroupsCommand({ PageSize: 401 });
  expect(await refusal(ground.client.send(tooLarge))).toBe('ValidationError');
});

test('reads may answer from the past while writes go by the truth', async () => {
  ground.state.consistency.lagMilliseconds = 60_000;
  const arn = await createGroup(ground, 'late');
  expect(await refusal(ground.client.send(new sdk.DescribeTargetGroupsCommand({ TargetGroupArns: [arn] })))).toBe(
    'TargetGroupNotFound',
  );
  expect(await createGroup(ground, 'late')).toBe(arn);
  ground.state.consistency.lagMilliseconds = 0;
  await ground.client.send(new sdk.DescribeTargetGroupsCommand({ TargetGroupArns: [arn] }));
});

test('listeners, rules, targets and attributes outlive the process', async () => {
  const file = join(tmpdir(), `elb-${process.pid}-${Date.now()}.sqlite`);
  const tiny = await startTiny('still');
  await ground.close();
  ground = await startElb({ state: new State(file, realClock) });
  const { listenerArn } = await createListener(ground);
  const group = await createGroup(ground, 'kept');
  await createRule(ground, listenerArn, 1, 'a.localhost', forward(group));
  ground.elb.register(group, { id: 'i-1', port: tiny.port });
  await ground.close();
  ground.state.close();
  ground = await startElb({ state: new State(file, realClock) });
  const port = (await ground.elb.portOf(listenerArn))!;
  expect((await ask(port, 'a.localhost')).body).toBe('still');
  expect((await ask(port, 'b.localhost')).body).toBe('default');
  expect(ground.elb.find(group)).toEqual({ associated: true });
  await ground.close();
  ground.state.close();
  await rm(file, { force: true });
  await tiny.close();
  ground = await startElb();
});
