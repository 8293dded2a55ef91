import * as sdk from '@aws-sdk/client-ecs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  balanced,
  createService,
  describeService,
  type EcsGround,
  groupArn,
  refusal,
  register,
  serviceInput,
  startManualEcs,
  updateService,
} from './ecs-ground.ts';

let ground: EcsGround;
let definition: string;
beforeEach(async () => {
  ground = await startManualEcs();
  definition = await register(ground);
});
afterEach(() => ground.close());

const registration = { family: 'f', containerDefinitions: [{ name: 'a', image: 'i', memory: 64 }] };
const two = (first: sdk.ContainerDefinition, second: sdk.ContainerDefinition) => ({
  family: 'f',
  containerDefinitions: [
    { name: 'a', image: 'i', memory: 64, ...first },
    { name: 'b', image: 'i', memory: 64, ...second },
  ],
});
const efs = (transitEncryption: 'ENABLED' | 'DISABLED') => ({
  ...registration,
  volumes: [
    {
      name: 'home',
      efsVolumeConfiguration: {
        fileSystemId: 'fs-1',
        transitEncryption,
        authorizationConfig: { accessPointId: 'fsap-1' },
      },
    },
  ],
});

describe('RegisterTaskDefinition', () => {
  const refused: [string, sdk.RegisterTaskDefinitionCommandInput, string | RegExp][] = [
    ['without containers', { family: 'f', containerDefinitions: [] }, 'Container list cannot be empty.'],
    ['with an odd family', { ...registration, family: 'a b' }, /^Invalid family/],
    ['without memory', { family: 'f', containerDefinitions: [{ name: 'a', image: 'i' }] }, /At least one of 'memory'/],
    ['with one name twice', two({}, { name: 'a' }), 'Container name should be unique.'],
    ['without anything essential', two({ essential: false }, { essential: false }), /at least one essential container/],
    [
      'with an unknown volume',
      two({ mountPoints: [{ sourceVolume: 'x', containerPath: '/x' }] }, {}),
      "Unknown volume 'x'.",
    ],
    [
      'waiting for nobody',
      two({ dependsOn: [{ containerName: 'c', condition: 'START' }] }, {}),
      /is not in the task definition/,
    ],
    [
      'waiting for health without a check',
      two({ dependsOn: [{ containerName: 'b', condition: 'HEALTHY' }] }, {}),
      /has no health check/,
    ],
    [
      'waiting in a circle',
      two(
        { dependsOn: [{ containerName: 'b', condition: 'START' }] },
        { dependsOn: [{ containerName: 'a', condition: 'START' }] },
      ),
      'There is a cycle in the container dependencies.',
    ],
    ['with a check that is no command', two({ healthCheck: { command: ['true'] } }, {}), /must start with CMD/],
    ['with an access point and no encryption', efs('DISABLED'), /^Transit encryption must be enabled/],
    [
      'above 64 KiB',
      { ...registration, containerDefinitions: [{ name: 'a', image: 'i', memory: 64, command: ['x'.repeat(70_000)] }] },
      /64 KiB/,
    ],
  ];
  test.each(refused)('refuses a definition %s', async (_, input, message) => {
    const refused = await refusal(ground.client.send(new sdk.RegisterTaskDefinitionCommand(input)));
    expect(refused).toEqual({ name: 'ClientException', message: expect.stringMatching(message) });
  });

  test('numbers revisions and never uses a number again', async () => {
    await ground.client.send(new sdk.DeregisterTaskDefinitionCommand({ taskDefinition: 'w-1:1' }));
    await ground.client.send(new sdk.DeleteTaskDefinitionsCommand({ taskDefinitions: ['w-1:1'] }));
    await ground.clock.advance(120_000);
    expect(await register(ground)).toMatch(/task-definition\/w-1:2$/);
    const gone = refusal(ground.client.send(new sdk.DescribeTaskDefinitionCommand({ taskDefinition: 'w-1:1' })));
    expect(await gone).toMatchObject({ name: 'ClientException' });
  });

  test('is described by family, revision or ARN, with tags only when asked', async () => {
    const tags = [{ key: 'armada:id', value: '1' }];
    await ground.client.send(new sdk.RegisterTaskDefinitionCommand({ ...efs('ENABLED'), tags }));
    const plain = await ground.client.send(new sdk.DescribeTaskDefinitionCommand({ taskDefinition: 'f' }));
    const full = await ground.client.send(
      new sdk.DescribeTaskDefinitionCommand({ taskDefinition: 'f:1', include: ['TAGS'] }),
    );
    expect(plain.tags ?? []).toEqual([]);
    expect(full.tags).toEqual(tags);
    expect(full.taskDefinition).toMatchObject({
      family: 'f',
      revision: 1,
      status: 'ACTIVE',
      volumes: efs('ENABLED').volumes,
    });
  });

  test('stays DELETE_IN_PROGRESS while a service uses it', async () => {
    await createService(ground, definition);
    await ground.client.send(new sdk.DeregisterTaskDefinitionCommand({ taskDefinition: 'w-1:1' }));
    const asked = await ground.client.send(
      new sdk.DeleteTaskDefinitionsCommand({ taskDefinitions: ['w-1:1', 'w-1:9'] }),
    );
    expect(asked.taskDefinitions).toMatchObject([{ status: 'DELETE_IN_PROGRESS' }]);
    expect(asked.failures).toMatchObject([{ arn: 'w-1:9', reason: 'MISSING' }]);
    await ground.clock.advance(300_000);
    const found = await ground.client.send(new sdk.DescribeTaskDefinitionCommand({ taskDefinition: 'w-1:1' }));
    expect(found.taskDefinition?.status).toBe('DELETE_IN_PROGRESS');
  });

  test('is not deleted while ACTIVE', async () => {
    const answer = await ground.client.send(new sdk.DeleteTaskDefinitionsCommand({ taskDefinitions: ['w-1:1'] }));
    expect(answer.failures).toMatchObject([{ reason: 'INVALID' }]);
  });
});

describe('refusals', () => {
  const unassociated = groupArn.replace('a-1', 'a-2');
  const balancer = { targetGroupArn: groupArn, containerName: 'web', containerPort: 8080 };
  const creations: [string, Partial<sdk.CreateServiceCommandInput>, string, string | RegExp][] = [
    ['in no cluster', { cluster: 'none' }, 'ClusterNotFoundException', 'Cluster not found.'],
    ['of an unknown definition', { taskDefinition: 'w-1:9' }, 'ClientException', 'TaskDefinition not found.'],
    ['with a token too long', { clientToken: 'x'.repeat(37) }, 'InvalidParameterException', /clientToken/],
    ['with an odd name', { serviceName: 'a b' }, 'InvalidParameterException', /^Invalid service name/],
    [
      'with an unknown capacity provider',
      { capacityProviderStrategy: [{ capacityProvider: 'x' }] },
      'InvalidParameterException',
      /'x' was not found/,
    ],
    [
      'with grace and no balancer',
      { healthCheckGracePeriodSeconds: 1 },
      'InvalidParameterException',
      /only valid for services configured to use load balancers/,
    ],
    [
      'with a group that no rule names',
      { loadBalancers: [{ ...balancer, targetGroupArn: unassociated }] },
      'InvalidParameterException',
      `The target group with targetGroupArn ${unassociated} does not have an associated load balancer.`,
    ],
    [
      'with an unknown group',
      { loadBalancers: [{ ...balancer, targetGroupArn: `${groupArn}0` }] },
      'InvalidParameterException',
      /does not exist/,
    ],
    [
      'with an unknown container',
      { loadBalancers: [{ ...balancer, containerName: 'x' }] },
      'InvalidParameterException',
      'The container x does not exist in the task definition.',
    ],
    [
      'with an unknown port',
      { loadBalancers: [{ ...balancer, containerPort: 1 }] },
      'InvalidParameterException',
      /did not have a container port 1 defined/,
    ],
    [
      'with zones balanced at 100 %',
      { availabilityZoneRebalancing: undefined },
      'InvalidParameterException',
      /availabilityZoneRebalancing/,
    ],
    [
      'that could never deploy',
      { deploymentConfiguration: { minimumHealthyPercent: 100, maximumPercent: 100 } },
      'InvalidParameterException',
      /will block deployments/,
    ],
    [
      'with too many tags',
      { tags: Array.from({ length: 51 }, (_, i) => ({ key: `k${i}` })) },
      'InvalidParameterException',
      /Too many tags/,
    ],
  ];
  test.each(creations)('CreateService %s', async (_, more, name, message) => {
    ground.targetGroups.groups.set(unassociated, { associated: false });
    const refused = await refusal(createService(ground, definition, more));
    expect(refused).toEqual({ name, message: expect.stringMatching(message) });
    expect(ground.state.table('ecs.service').size).toBe(0);
  });

  const others: [string, sdk.ECSServiceException['name'], (client: sdk.ECSClient) => Promise<unknown>][] = [
    [
      'UpdateService of nobody',
      'ServiceNotFoundException',
      c => c.send(new sdk.UpdateServiceCommand({ cluster: 'armada', service: 'x' })),
    ],
    [
      'DeleteService of nobody',
      'ServiceNotFoundException',
      c => c.send(new sdk.DeleteServiceCommand({ cluster: 'armada', service: 'x' })),
    ],
    [
      'ListTasks of nobody',
      'ServiceNotFoundException',
      c => c.send(new sdk.ListTasksCommand({ cluster: 'armada', serviceName: 'x' })),
    ],
    [
      'ListServices in no cluster',
      'ClusterNotFoundException',
      c => c.send(new sdk.ListServicesCommand({ cluster: 'x' })),
    ],
    [
      'StopTask of nobody',
      'InvalidParameterException',
      c => c.send(new sdk.StopTaskCommand({ cluster: 'armada', task: 'x' })),
    ],
    [
      'DescribeServices of eleven',
      'InvalidParameterException',
      c => c.send(new sdk.DescribeServicesCommand({ cluster: 'armada', services: Array.from({ length: 11 }, String) })),
    ],
    [
      'ListServices with a token of its own',
      'InvalidParameterException',
      c => c.send(new sdk.ListServicesCommand({ cluster: 'armada', nextToken: 'x' })),
    ],
    [
      'DeregisterTaskDefinition of nobody',
      'ClientException',
      c => c.send(new sdk.DeregisterTaskDefinitionCommand({ taskDefinition: 'x:1' })),
    ],
    [
      'RunTask with a client token of spaces',
      'InvalidParameterException',
      c => c.send(new sdk.RunTaskCommand({ cluster: 'armada', taskDefinition: 'w-1', clientToken: 'a token' })),
    ],
    [
      'RunTask with a client token that said something else',
      'ConflictException',
      async c => {
        const asked = { cluster: 'armada', taskDefinition: 'w-1', clientToken: 'k-1' };
        const [first, again] = [
          await c.send(new sdk.RunTaskCommand(asked)),
          await c.send(new sdk.RunTaskCommand(asked)),
        ];
        expect(again.tasks?.map(({ taskArn }) => taskArn)).toEqual(first.tasks?.map(({ taskArn }) => taskArn));
        return c.send(new sdk.RunTaskCommand({ ...asked, count: 2 }));
      },
    ],
    [
      'RunTask of nobody',
      'ClientException',
      c => c.send(new sdk.RunTaskCommand({ cluster: 'armada', taskDefinition: 'x' })),
    ],
    [
      'TagResource of nobody',
      'InvalidParameterException',
      c =>
        c.send(
          new sdk.TagResourceCommand({ resourceArn: 'arn:aws:ecs:us-east-1:000000000000:service/armada/x', tags: [] }),
        ),
    ],
  ];
  test.each(others)('%s', async (_, name, call) => {
    expect(await refusal(call(ground.client))).toMatchObject({ name });
  });
});

describe('CreateService', () => {
  test('repeated with the same parameters answers with the service there is', async () => {
    const first = await createService(ground, definition, balanced);
    const again = await createService(ground, definition, balanced);
    expect(again.service?.createdAt).toEqual(first.service?.createdAt);
  });

  test('repeated with other parameters is refused', async () => {
    await createService(ground, definition);
    const refused = await refusal(createService(ground, definition, { desiredCount: 2 }));
    expect(refused).toEqual({ name: 'InvalidParameterException', message: 'Creation of service was not idempotent.' });
  });

  test('repeated after an update is refused, unless it is the very same request', async () => {
    await createService(ground, definition, { clientToken: 'one' });
    await updateService(ground, { desiredCount: 0 });
    expect((await createService(ground, definition, { clientToken: 'one' })).service?.desiredCount).toBe(0);
    expect(await refusal(createService(ground, definition, { clientToken: 'two' }))).toMatchObject({
      message: 'Creation of service was not idempotent.',
    });
  });

  test('waits for a draining name and takes an inactive one', async () => {
    ground.targetGroups.drains = [];
    await createService(ground, definition, balanced);
    await ground.clock.settle();
    const gone = await ground.client.send(
      new sdk.DeleteServiceCommand({ cluster: 'armada', service: 'w-1', force: true }),
    );
    expect(gone.service?.status).toBe('DRAINING');
    await ground.clock.settle();
    expect(await refusal(createService(ground, definition, balanced))).toEqual({
      name: 'InvalidParameterException',
      message: 'Unable to Start a service that is still Draining.',
    });
    for (const drained of ground.targetGroups.drains) drained();
    await ground.clock.settle();
    expect(await describeService(ground)).toMatchObject({ status: 'INACTIVE', runningCount: 0, desiredCount: 0 });
    expect((await createService(ground, definition, balanced)).service?.status).toBe('ACTIVE');
  });
});

describe('DeleteService', () => {
  test('is refused above 0 unless forced', async () => {
    await createService(ground, definition);
    const asked = { cluster: 'armada', service: 'w-1' };
    expect(await refusal(ground.client.send(new sdk.DeleteServiceCommand(asked)))).toEqual({
      name: 'InvalidParameterException',
      message: 'The service cannot be stopped while it is scaled above 0.',
    });
    await ground.client.send(new sdk.DeleteServiceCommand({ ...asked, force: true }));
    await ground.clock.settle();
    expect(await describeService(ground)).toMatchObject({ status: 'INACTIVE' });
    expect(await refusal(updateService(ground, { desiredCount: 1 }))).toMatchObject({
      name: 'ServiceNotActiveException',
    });
  });

  test('leaves an INACTIVE service to be described for an hour, then it is MISSING', async () => {
    await createService(ground, definition, { desiredCount: 0 });
    await ground.client.send(new sdk.DeleteServiceCommand({ cluster: 'armada', service: 'w-1' }));
    await ground.clock.advance(50 * 60_000);
    expect(await describeService(ground)).toMatchObject({ status: 'INACTIVE' });
    await ground.clock.advance(90 * 60_000);
    const found = await ground.client.send(new sdk.DescribeServicesCommand({ cluster: 'armada', services: ['w-1'] }));
    expect(found.services).toEqual([]);
    expect(found.failures).toMatchObject([{ reason: 'MISSING', arn: expect.stringMatching(/service\/armada\/w-1$/) }]);
  });
});

describe('reading', () => {
  test('ListServices walks every page and hides what drains', async () => {
    for (let index = 0; index < 25; index++)
      await ground.client.send(
        new sdk.CreateServiceCommand(serviceInput(definition, { serviceName: `w-${index}`, desiredCount: 0 })),
      );
    await ground.client.send(new sdk.DeleteServiceCommand({ cluster: 'armada', service: 'w-7' }));
    ground.state.consistency.shuffled = true;
    const seen: string[] = [];
    for await (const page of sdk.paginateListServices({ client: ground.client, pageSize: 10 }, { cluster: 'armada' })) {
      expect(page.serviceArns!.length).toBeLessThanOrEqual(10);
      seen.push(...page.serviceArns!);
    }
    expect(seen).toHaveLength(24);
    expect(new Set(seen).size).toBe(24);
  });

  test('reads lag behind while refusals go by the truth', async () => {
    ground.state.consistency.lagMilliseconds = 1_000;
    await createService(ground, definition);
    expect(await describeService(ground)).toBeUndefined();
    expect(await refusal(createService(ground, definition, { desiredCount: 3 }))).toMatchObject({
      message: 'Creation of service was not idempotent.',
    });
    await ground.clock.advance(1_000);
    expect(await describeService(ground)).toMatchObject({ status: 'ACTIVE' });
  });

  test('tags are added, replaced and taken', async () => {
    await createService(ground, definition, { tags: [{ key: 'a', value: '1' }] });
    const { serviceArn: resourceArn } = await describeService(ground);
    await ground.client.send(
      new sdk.TagResourceCommand({
        resourceArn,
        tags: [
          { key: 'a', value: '2' },
          { key: 'b', value: '3' },
        ],
      }),
    );
    await ground.client.send(new sdk.UntagResourceCommand({ resourceArn, tagKeys: ['b'] }));
    const listed = await ground.client.send(new sdk.ListTagsForResourceCommand({ resourceArn }));
    expect(listed.tags).toEqual([{ key: 'a', value: '2' }]);
    expect((await describeService(ground)).tags).toEqual(listed.tags);
  });

  test('cluster and capacity provider are made and found', async () => {
    const made = await ground.client.send(
      new sdk.CreateCapacityProviderCommand({
        name: 'hosts',
        autoScalingGroupProvider: { autoScalingGroupArn: 'arn:g' },
      }),
    );
    await ground.client.send(
      new sdk.PutClusterCapacityProvidersCommand({
        cluster: 'armada',
        capacityProviders: ['hosts'],
        defaultCapacityProviderStrategy: [{ capacityProvider: 'hosts', weight: 1 }],
      }),
    );
    await createService(ground, definition);
    const found = await ground.client.send(new sdk.DescribeClustersCommand({ clusters: ['armada', 'x'] }));
    expect(made.capacityProvider).toMatchObject({ name: 'hosts', status: 'ACTIVE' });
    expect(found.clusters).toMatchObject([
      { status: 'ACTIVE', capacityProviders: ['hosts'], activeServicesCount: 1, registeredContainerInstancesCount: 1 },
    ]);
    expect(found.failures).toMatchObject([{ reason: 'MISSING' }]);
    expect((await describeService(ground)).capacityProviderStrategy).toMatchObject([{ capacityProvider: 'hosts' }]);
  });
});
