import {
  CreateServiceCommand,
  DescribeServicesCommand,
  ListServicesCommand,
  ListTaskDefinitionsCommand,
  RegisterTaskDefinitionCommand,
} from '@aws-sdk/client-ecs';
import { CreateAccessPointCommand, DescribeAccessPointsCommand } from '@aws-sdk/client-efs';
import {
  CreateRuleCommand,
  CreateTargetGroupCommand,
  DescribeRulesCommand,
  DescribeTargetGroupsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AwsError } from '../../../infra/local/aws/protocol.ts';
import { leave } from '../../../infra/operate/leave.ts';
import type { Clients } from '../../../reconcilers/aws/clients.ts';
import { eventually } from '../../support/eventually.ts';
import { startTestAws, type TestAws } from '../../support/local-aws.ts';
import { clientsOf, deploymentOf } from './operator.ts';

let aws: TestAws;
let clients: Clients;
let said: string[];
let priority: number;

beforeEach(async () => {
  aws = await startTestAws();
  clients = clientsOf(aws);
  said = [];
  priority = 0;
});
afterEach(async () => {
  clients.destroy();
  await aws.close();
});

/** What the controller makes for one workspace, under these tags. */
async function make(id: string, deployment: string, tagged = true) {
  const { ecs, efs, elb, ground } = { ...aws.clients, ground: aws.ground };
  const pairs = [
    ['armada:deployment', deployment],
    ['armada:kind', 'workspace'],
    ['armada:id', id],
  ] as const;
  const upper = tagged ? pairs.map(([Key, Value]) => ({ Key, Value })) : [{ Key: 'team', Value: 'physics' }];
  const tags = upper.map(({ Key, Value }) => ({ key: Key, value: Value }));
  const taskDefinition = `armada-armada-${id}`;
  for (let revision = 0; revision < 2; revision += 1)
    await ecs.send(
      new RegisterTaskDefinitionCommand({
        family: taskDefinition,
        containerDefinitions: [{ name: 'gate', image: 'gate', memory: 128, portMappings: [{ containerPort: 8080 }] }],
        tags,
      }),
    );
  const group = await elb.send(
    new CreateTargetGroupCommand({
      Name: `a-armada-${id}`,
      Protocol: 'HTTP',
      Port: 80,
      VpcId: ground.vpcId,
      Tags: upper,
    }),
  );
  const targetGroupArn = group.TargetGroups![0]!.TargetGroupArn!;
  await elb.send(
    new CreateRuleCommand({
      ListenerArn: ground.listenerArn,
      Priority: ++priority,
      Conditions: [{ Field: 'host-header', HostHeaderConfig: { Values: [`${id}.localhost`] } }],
      Actions: [{ Type: 'forward', TargetGroupArn: targetGroupArn }],
      Tags: upper,
    }),
  );
  await ecs.send(
    new CreateServiceCommand({
      cluster: ground.cluster,
      serviceName: `ws-armada-${id}`,
      taskDefinition,
      desiredCount: 1,
      loadBalancers: [{ targetGroupArn, containerName: 'gate', containerPort: 8080 }],
      tags,
    }),
  );
  const point = { FileSystemId: ground.fileSystemId, ClientToken: `token-${id}`, Tags: upper };
  await eventually(() => efs.send(new CreateAccessPointCommand(point)));
}

/** Names of everything there is, once reads have caught up. */
async function left() {
  const { ecs, efs, elb } = aws.clients;
  const { cluster, fileSystemId: FileSystemId, listenerArn: ListenerArn } = aws.ground;
  const { serviceArns = [] } = await ecs.send(new ListServicesCommand({ cluster }));
  const { Rules = [] } = await elb.send(new DescribeRulesCommand({ ListenerArn }));
  const { TargetGroups = [] } = await elb.send(new DescribeTargetGroupsCommand({}));
  const definitions = await Promise.all(
    (['ACTIVE', 'INACTIVE'] as const).map(status => ecs.send(new ListTaskDefinitionsCommand({ status }))),
  );
  const { AccessPoints = [] } = await efs.send(new DescribeAccessPointsCommand({ FileSystemId }));
  return {
    services: serviceArns.map(arn => arn.split('/').at(-1)).sort(),
    rules: Rules.filter(({ IsDefault }) => !IsDefault)
      .map(({ Priority }) => Priority)
      .sort(),
    targetGroups: TargetGroups.map(({ TargetGroupName }) => TargetGroupName).sort(),
    definitions: definitions
      .flatMap(page => page.taskDefinitionArns ?? [])
      .map(arn => arn.split('/').at(-1))
      .sort(),
    accessPoints: AccessPoints.map(({ ClientToken }) => ClientToken).sort(),
  };
}

function go(more: { act?: boolean; homes?: boolean; signal?: AbortSignal } = {}) {
  return leave({
    clients,
    deployment: deploymentOf(aws),
    act: true,
    homes: false,
    report: line => said.push(line),
    wait: () => new Promise(resolve => setTimeout(resolve, 20)),
    signal: new AbortController().signal,
    ...more,
  });
}

const others = {
  services: ['ws-armada-physics', 'ws-armada-twin'],
  rules: ['3', '4'],
  targetGroups: ['a-armada-physics', 'a-armada-twin', 'armada-app'],
  definitions: ['armada-armada-physics:1', 'armada-armada-physics:2', 'armada-armada-twin:1', 'armada-armada-twin:2'],
};

describe('leave', () => {
  beforeEach(async () => {
    await make('one', 'armada');
    await make('two', 'armada');
    // Names like ours decide nothing: another deployment's, and somebody's without our tags.
    await make('twin', 'other');
    await make('physics', '', false);
  });

  it('changes nothing without --yes, and says what would go', async () => {
    const before = await eventually(async () => {
      const now = await left();
      // What is made last, and what is read first.
      expect([now.accessPoints.length, now.services.length]).toEqual([4, 4]);
      return now;
    });
    aws.aws.endpoint.calls.reset();
    await go({ act: false });
    expect(Object.keys(aws.aws.endpoint.calls.counts()).filter(name => !/^(Describe|List)/.test(name))).toEqual([]);
    expect(await left()).toEqual(before);
    expect(said).toContain('services: 2 to go');
    expect(said.at(-1)).toMatch(/--yes/);
  });

  it('takes away what is ours and nothing else; homes stay', async () => {
    await eventually(async () => expect((await left()).services).toHaveLength(4));
    const removed: string[] = [];
    const off = aws.aws.endpoint.calls.listen(({ operation }) => {
      if (/^De(lete|reg)/.test(operation)) removed.push(operation);
    });
    await go();
    off();
    // What names another thing goes before it: AWS refuses the other way round.
    expect([...new Set(removed)]).toEqual([
      ...['DeleteService', 'DeleteRule', 'DeleteTargetGroup', 'DeregisterTaskDefinition', 'DeleteTaskDefinitions'],
    ]);
    await eventually(async () => {
      expect(await left()).toEqual({
        ...others,
        accessPoints: ['token-one', 'token-physics', 'token-twin', 'token-two'],
      });
    });
    const twin = new DescribeServicesCommand({ cluster: aws.ground.cluster, services: ['ws-armada-twin'] });
    expect((await aws.clients.ecs.send(twin)).services?.[0]?.desiredCount).toBe(1);
  });

  it('takes the ways into homes with --homes, and is done when there is nothing', async () => {
    await eventually(async () => expect((await left()).services).toHaveLength(4));
    await go({ homes: true });
    await eventually(async () =>
      expect(await left()).toEqual({ ...others, accessPoints: ['token-physics', 'token-twin'] }),
    );
    await go({ homes: true });
    expect(said.at(-1)).toMatch(/stack can be deleted/);
  });

  it('goes on after an interruption', async () => {
    await eventually(async () => expect((await left()).services).toHaveLength(4));
    const off = aws.aws.endpoint.faults.add((_, operation) =>
      operation === 'DeleteTargetGroup'
        ? {
            before: () => {
              throw new AwsError('InternalFailure', 'for a test', 400);
            },
          }
        : undefined,
    );
    await expect(go()).rejects.toThrow(/Run leave again/);
    off();
    await go();
    await eventually(async () => expect(await left()).toMatchObject(others));
  });

  it('refuses while the controller runs', async () => {
    const { ecs } = aws.clients;
    const { cluster } = aws.ground;
    await ecs.send(
      new RegisterTaskDefinitionCommand({
        family: 'Controller',
        containerDefinitions: [{ name: 'app', image: 'app', memory: 128, command: ['node', 'controller/main.ts'] }],
      }),
    );
    await ecs.send(
      new CreateServiceCommand({ cluster, serviceName: 'Controller', taskDefinition: 'Controller', desiredCount: 1 }),
    );
    await eventually(async () => expect((await left()).services).toHaveLength(5));
    await expect(go()).rejects.toThrow(/--service Controller --desired-count 0/);
    expect((await left()).services).toHaveLength(5);
  });
});
