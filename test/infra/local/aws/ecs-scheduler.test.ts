import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as sdk from '@aws-sdk/client-ecs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { State } from '../../../../infra/local/aws/state.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import {
  balanced,
  createService,
  describeService,
  type EcsGround,
  eventsOf,
  groupArn,
  idOf,
  register,
  startManualEcs,
  tasksOf,
  updateService,
} from './ecs-ground.ts';

let ground: EcsGround;
beforeEach(async () => {
  ground = await startManualEcs();
});
afterEach(() => ground.close());

const statuses = async () => (await tasksOf(ground)).map(({ lastStatus }) => lastStatus);

describe('a start', () => {
  test('goes through pull, start and registration to a steady state', async () => {
    ground.driver.images.set('app', { pullMilliseconds: 2_000, startMilliseconds: 500 });
    ground.targetGroups.firstState = 'initial';
    await createService(ground, await register(ground), balanced);
    await ground.clock.settle();
    const [pulling] = await tasksOf(ground);
    expect(pulling).toMatchObject({ lastStatus: 'PENDING', pullStartedAt: expect.any(Date), group: 'service:w-1' });
    expect(pulling?.pullStoppedAt).toBeUndefined();
    await ground.clock.advance(2_500);
    const [running] = await tasksOf(ground);
    expect(running).toMatchObject({
      lastStatus: 'RUNNING',
      pullStoppedAt: expect.any(Date),
      startedAt: expect.any(Date),
    });
    expect(running?.containers?.[0]?.networkBindings).toMatchObject([
      { containerPort: 8080, hostPort: expect.any(Number) },
    ]);
    expect([...ground.targetGroups.registered.keys()]).toEqual([
      expect.stringMatching(
        new RegExp(`^${groupArn} i-[0-9a-f]{17} ${running?.containers?.[0]?.networkBindings?.[0]?.hostPort}$`),
      ),
    ]);
    expect((await describeService(ground)).deployments).toMatchObject([
      { rolloutState: 'IN_PROGRESS', runningCount: 1 },
    ]);
    ground.targetGroups.become('healthy');
    await ground.clock.settle();
    expect(await describeService(ground)).toMatchObject({
      runningCount: 1,
      deployments: [{ rolloutState: 'COMPLETED', failedTasks: 0 }],
    });
    expect(await eventsOf(ground)).toEqual([
      '(service w-1) has reached a steady state.',
      '(service w-1) (deployment ecs-svc/…) deployment completed.',
      `(service w-1) registered 1 targets in (target-group ${groupArn})`,
      '(service w-1) has started 1 tasks: (task …).',
    ]);
  });

  test('of containers follows dependsOn, and waits for health', async () => {
    ground.driver.images.set('setup', { exits: { afterMilliseconds: 1_000, exitCode: 0 } });
    const definition = await register(
      ground,
      {},
      {
        containerDefinitions: [
          { name: 'ide', image: 'app', memory: 64, dependsOn: [{ containerName: 'gate', condition: 'HEALTHY' }] },
          {
            name: 'gate',
            image: 'gate',
            memory: 64,
            dependsOn: [{ containerName: 'setup', condition: 'SUCCESS' }],
            healthCheck: { command: ['CMD-SHELL', 'test -e /run/armada/gate-ready'] },
          },
          { name: 'setup', image: 'setup', memory: 64, essential: false },
        ],
      },
    );
    await createService(ground, definition);
    await ground.clock.settle();
    const state = async () =>
      Object.fromEntries((await tasksOf(ground))[0]!.containers!.map(({ name, lastStatus }) => [name, lastStatus]));
    expect(await state()).toEqual({ setup: 'RUNNING', gate: 'PENDING', ide: 'PENDING' });
    await ground.clock.advance(1_000);
    expect(await state()).toEqual({ setup: 'STOPPED', gate: 'RUNNING', ide: 'RUNNING' });
    expect((await tasksOf(ground))[0]).toMatchObject({ lastStatus: 'RUNNING', healthStatus: 'HEALTHY' });
  });

  test('of an image that is not there ends as CannotPullContainerError', async () => {
    ground.driver.images.set('app', { pullError: 'CannotPullContainerError: no such image' });
    await createService(ground, await register(ground));
    await ground.clock.advance(10_000);
    expect((await tasksOf(ground))[0]).toMatchObject({
      lastStatus: 'STOPPED',
      stopCode: 'TaskFailedToStart',
      stoppedReason: 'CannotPullContainerError: no such image',
      containers: [{ reason: 'CannotPullContainerError: no such image' }],
    });
  });

  test('with a failing init container ends the task before the others start', async () => {
    ground.driver.images.set('setup', { exits: { afterMilliseconds: 10, exitCode: 3 } });
    const definition = await register(
      ground,
      {},
      {
        containerDefinitions: [
          { name: 'web', image: 'app', memory: 64, dependsOn: [{ containerName: 'setup', condition: 'SUCCESS' }] },
          { name: 'setup', image: 'setup', memory: 64, essential: false },
        ],
      },
    );
    await createService(ground, definition);
    await ground.clock.advance(50);
    expect((await tasksOf(ground))[0]).toMatchObject({
      stopCode: 'TaskFailedToStart',
      containers: [{ name: 'web' }, { name: 'setup', exitCode: 3 }],
    });
  });
});

describe('replacement', () => {
  test('of a task that ends comes at once, and its reason stays to be read for an hour', async () => {
    await createService(ground, await register(ground), balanced);
    await ground.clock.advance(120_000);
    ground.driver.exit(await idOf(ground), 'web', {
      exitCode: 137,
      reason: 'OutOfMemoryError: Container killed due to memory usage',
    });
    await ground.clock.settle();
    const [dead, alive] = await tasksOf(ground);
    expect(dead).toMatchObject({
      lastStatus: 'STOPPED',
      stopCode: 'EssentialContainerExited',
      stoppedReason: 'Essential container in task exited',
      containers: [{ exitCode: 137, reason: expect.stringMatching(/^OutOfMemoryError/) }],
    });
    expect(alive).toMatchObject({ lastStatus: 'RUNNING' });
    expect(ground.targetGroups.registered.size).toBe(1);
    await ground.clock.advance(2 * 3_600_000);
    expect(await statuses()).toEqual(['RUNNING']);
  });

  test('slows down when tasks keep failing, and says so', async () => {
    ground.driver.images.set('app', { exits: { afterMilliseconds: 100, exitCode: 1 } });
    await createService(ground, await register(ground), {
      deploymentConfiguration: { minimumHealthyPercent: 0, maximumPercent: 100 },
    });
    await ground.clock.advance(1_000);
    expect(await statuses()).toEqual(['STOPPED', 'STOPPED']);
    await ground.clock.advance(60_000);
    const made = (await tasksOf(ground)).length;
    expect(made).toBeGreaterThan(3);
    expect(made).toBeLessThan(9);
    expect(await eventsOf(ground)).toContainEqual(
      expect.stringMatching(/unable to consistently start tasks successfully/),
    );
  });

  test('of a task whose target is unwell waits for the grace period', async () => {
    await createService(ground, await register(ground), balanced);
    await ground.clock.settle();
    ground.targetGroups.become('unhealthy');
    await ground.clock.advance(119_000);
    expect(await statuses()).toEqual(['RUNNING']);
    await ground.clock.advance(1_000);
    const [sick, next] = await tasksOf(ground);
    expect(sick).toMatchObject({
      stopCode: 'ServiceSchedulerInitiated',
      stoppedReason: `Task failed ELB health checks in (target-group ${groupArn})`,
    });
    expect(next).toMatchObject({ lastStatus: 'RUNNING' });
  });

  test('follows StopTask, which counts as nobody’s failure', async () => {
    await createService(ground, await register(ground));
    await ground.clock.settle();
    const task = await idOf(ground);
    await ground.client.send(new sdk.StopTaskCommand({ cluster: 'armada', task, reason: 'a test' }));
    await ground.clock.settle();
    const [stopped, next] = await tasksOf(ground);
    expect(stopped).toMatchObject({ stopCode: 'UserInitiated', stoppedReason: 'a test' });
    expect(next).toMatchObject({ lastStatus: 'RUNNING' });
  });
});

describe('what lasts', () => {
  test('a container with a restart policy is started again in its task, once it ran long enough', async () => {
    const restartPolicy = { enabled: true, restartAttemptPeriod: 60 };
    await createService(ground, await register(ground, { restartPolicy }));
    await ground.clock.advance(60_000);
    const task = await idOf(ground);
    ground.driver.exit(task, 'web', { exitCode: 1 });
    await ground.clock.settle();
    expect(await tasksOf(ground)).toMatchObject([{ lastStatus: 'RUNNING', containers: [{ lastStatus: 'RUNNING' }] }]);
    ground.driver.exit(task, 'web', { exitCode: 1 });
    await ground.clock.settle();
    expect(await statuses()).toEqual(['STOPPED', 'RUNNING']);
  });

  test('a target group that is gone keeps neither a task from ending nor the machine from going on', async () => {
    const groups = ground.targetGroups;
    await createService(ground, await register(ground), balanced);
    await ground.clock.settle();
    groups.deregister = async () => {
      throw new Error('gone');
    };
    groups.register = () => {
      throw new Error('gone');
    };
    await updateService(ground, { forceNewDeployment: true });
    await ground.clock.advance(60_000);
    const [old, failed] = await tasksOf(ground);
    expect(old).toMatchObject({ lastStatus: 'STOPPED', stopCode: 'ServiceSchedulerInitiated' });
    expect(failed).toMatchObject({ lastStatus: 'STOPPED', stoppedReason: 'unable to register targets: gone' });
    expect((await describeService(ground)).deployments).toMatchObject([{ rolloutState: 'FAILED' }]);
  });

  test('tasks are found by family as by service', async () => {
    await createService(ground, await register(ground));
    await createService(ground, await register(ground, {}, { family: 'w-2' }), { serviceName: 'w-2' });
    await ground.clock.settle();
    const found = await ground.client.send(new sdk.ListTasksCommand({ cluster: 'armada', family: 'w-2' }));
    expect(found.taskArns).toEqual([(await tasksOf(ground, 'w-2'))[0]?.taskArn]);
  });
});

describe('a deployment', () => {
  test('fails when two tasks in a row end at their start, and starts no third', async () => {
    const checked = { healthCheck: { command: ['CMD-SHELL', 'curl localhost'], interval: 5 } };
    ground.driver.images.set('app', { neverHealthy: true, exits: { afterMilliseconds: 100, exitCode: 1 } });
    await createService(ground, await register(ground, checked));
    await ground.clock.advance(600_000);
    expect((await describeService(ground)).deployments).toMatchObject([
      {
        rolloutState: 'FAILED',
        failedTasks: 2,
        rolloutStateReason: 'ECS deployment circuit breaker: tasks failed to start.',
      },
    ]);
    expect(await statuses()).toEqual(['STOPPED', 'STOPPED']);
    expect((await eventsOf(ground))[0]).toBe(
      '(service w-1) (deployment ecs-svc/…) deployment failed: tasks failed to start.',
    );
    ground.driver.images.delete('app');
    await updateService(ground, { forceNewDeployment: true });
    await ground.clock.settle();
    expect((await describeService(ground)).deployments).toMatchObject([{ rolloutState: 'COMPLETED', failedTasks: 0 }]);
  });

  test('counts a container that never becomes healthy', async () => {
    ground.driver.images.set('app', { neverHealthy: true });
    const checked = { healthCheck: { command: ['CMD', 'check'], interval: 5, retries: 2, startPeriod: 10 } };
    await createService(ground, await register(ground, checked));
    await ground.clock.advance(19_000);
    expect(await statuses()).toEqual(['RUNNING']);
    await ground.clock.advance(2_000);
    expect((await tasksOf(ground))[0]).toMatchObject({
      healthStatus: 'UNHEALTHY',
      stoppedReason: 'Task failed container health checks',
    });
    await ground.clock.advance(30_000);
    expect((await describeService(ground)).deployments).toMatchObject([{ rolloutState: 'FAILED' }]);
  });

  test('at 0 and 100 % stops the old task first', async () => {
    ground.targetGroups.drains = [];
    await createService(ground, await register(ground), balanced);
    await ground.clock.settle();
    await updateService(ground, { taskDefinition: await register(ground), forceNewDeployment: true });
    await ground.clock.settle();
    expect(await statuses()).toEqual(['DEACTIVATING']);
    expect((await describeService(ground)).deployments).toMatchObject([{ status: 'PRIMARY' }, { status: 'ACTIVE' }]);
    for (const drained of ground.targetGroups.drains) drained();
    await ground.clock.settle();
    expect(await statuses()).toEqual(['STOPPED', 'RUNNING']);
    expect((await describeService(ground)).deployments).toMatchObject([
      { status: 'PRIMARY', rolloutState: 'COMPLETED' },
    ]);
  });

  test('at 100 and 200 % starts the new task first', async () => {
    const deploymentConfiguration = { minimumHealthyPercent: 100, maximumPercent: 200 };
    await createService(ground, await register(ground), { deploymentConfiguration });
    await ground.clock.advance(1);
    ground.driver.images.set('app', { startMilliseconds: 1_000 });
    await updateService(ground, { forceNewDeployment: true });
    await ground.clock.settle();
    expect(await statuses()).toEqual(['RUNNING', 'PENDING']);
    await ground.clock.advance(1_000);
    expect(await statuses()).toEqual(['STOPPED', 'RUNNING']);
  });

  test('is not begun by a changed count, nor by an equal definition', async () => {
    const taskDefinition = await register(ground);
    await createService(ground, taskDefinition);
    await ground.clock.settle();
    const [before] = (await describeService(ground)).deployments!;
    await updateService(ground, { taskDefinition, desiredCount: 0 });
    await ground.clock.settle();
    const after = await describeService(ground);
    expect(after).toMatchObject({ runningCount: 0, desiredCount: 0 });
    expect(after.deployments).toMatchObject([{ id: before?.id }]);
    expect(await statuses()).toEqual(['STOPPED']);
  });
});

describe('stopping', () => {
  test('drains the target, then ends dependants before what they depend on', async () => {
    ground.driver.images.set('app', { stopMilliseconds: 5_000 });
    ground.driver.images.set('gate', { stopMilliseconds: 1_000 });
    const definition = await register(
      ground,
      {},
      {
        containerDefinitions: [
          {
            name: 'web',
            image: 'app',
            memory: 64,
            stopTimeout: 3,
            portMappings: [{ containerPort: 8080 }],
            dependsOn: [{ containerName: 'gate', condition: 'START' }],
          },
          { name: 'gate', image: 'gate', memory: 64 },
        ],
      },
    );
    ground.targetGroups.drains = [];
    await createService(ground, definition, balanced);
    await ground.clock.settle();
    await updateService(ground, { desiredCount: 0 });
    await ground.clock.settle();
    expect(await statuses()).toEqual(['DEACTIVATING']);
    for (const drained of ground.targetGroups.drains) drained();
    await ground.clock.advance(2_900);
    const [stopping] = await tasksOf(ground);
    expect(stopping).toMatchObject({
      lastStatus: 'STOPPING',
      containers: [{ lastStatus: 'RUNNING' }, { lastStatus: 'RUNNING' }],
    });
    await ground.clock.advance(100);
    expect((await tasksOf(ground))[0]).toMatchObject({
      lastStatus: 'STOPPING',
      containers: [{ lastStatus: 'STOPPED' }, { lastStatus: 'RUNNING' }],
    });
    await ground.clock.advance(1_000);
    expect((await tasksOf(ground))[0]).toMatchObject({ lastStatus: 'STOPPED', stopCode: 'ServiceSchedulerInitiated' });
  });

  test('ends a task whose image is still being fetched', async () => {
    ground.driver.images.set('app', { pullMilliseconds: 3_600_000 });
    await createService(ground, await register(ground));
    await ground.clock.settle();
    await updateService(ground, { desiredCount: 0 });
    await ground.clock.settle();
    expect(await statuses()).toEqual(['STOPPED']);
  });
});

describe('placement', () => {
  const names = ['w-1', 'w-2', 'w-3', 'w-4'];
  const start = async (memory: number) => {
    const definition = await register(ground, { memory });
    for (const serviceName of names) await createService(ground, definition, { serviceName });
    await ground.clock.settle();
  };
  const running = async () =>
    (await Promise.all(names.map(name => describeService(ground, name)))).map(s => s.runningCount);

  test('without room starts nothing, says why, and goes on when room frees', async () => {
    await start(2048);
    expect(await running()).toEqual([1, 1, 0, 0]);
    expect((await eventsOf(ground, 'w-3'))[0]).toBe(
      '(service w-3) was unable to place a task because no container instance met all of its requirements. The closest matching (container-instance …) has insufficient memory available. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.',
    );
    expect(await tasksOf(ground, 'w-3')).toEqual([]);
    await updateService(ground, { desiredCount: 0 });
    await ground.clock.settle();
    expect(await running()).toEqual([0, 1, 1, 0]);
  });

  test('makes the cluster grow to its maximum, and shrink when hosts are empty', async () => {
    await ground.close();
    ground = await startManualEcs({ memory: 2048, cpu: 4096, min: 1, max: 3, bootMilliseconds: 60_000 });
    const count = async () => {
      const list = await ground.client.send(new sdk.ListContainerInstancesCommand({ cluster: 'armada' }));
      return list.containerInstanceArns!.length;
    };
    await start(2048);
    expect(await running()).toEqual([1, 0, 0, 0]);
    await ground.clock.advance(60_000);
    expect(await count()).toBe(3);
    expect(await running()).toEqual([1, 1, 1, 0]);
    for (const service of names) await updateService(ground, { service, desiredCount: 0 });
    await ground.clock.advance(20 * 60_000);
    expect(await count()).toBe(1);
  });

  test('fills the fullest host that has room', async () => {
    await ground.close();
    ground = await startManualEcs({ memory: 4096, cpu: 4096, min: 2, max: 2 });
    await start(1024);
    const instances = await Promise.all(
      names.map(async name => (await tasksOf(ground, name))[0]?.containerInstanceArn),
    );
    expect(new Set(instances).size).toBe(1);
    const found = await ground.client.send(
      new sdk.DescribeContainerInstancesCommand({ cluster: 'armada', containerInstances: [instances[0]!] }),
    );
    expect(found.containerInstances?.[0]).toMatchObject({ runningTasksCount: 4, agentConnected: true });
    expect(found.containerInstances?.[0]?.remainingResources).toContainEqual(
      expect.objectContaining({ name: 'MEMORY', integerValue: 0 }),
    );
  });
});

describe('over time', () => {
  test('a settled world waits for nothing', async () => {
    const healthCheck = { command: ['CMD-SHELL', 'true'] };
    const definition = await register(ground, { healthCheck, memory: 8 });
    for (let index = 0; index < 100; index++) await createService(ground, definition, { serviceName: `s-${index}` });
    await ground.clock.settle();
    await ground.clock.advance(600_000);
    expect(await describeService(ground, 's-99')).toMatchObject({ runningCount: 1 });
    expect(ground.clock.timers).toBe(0);
  });

  test('a restart over the same state ends old tasks and replaces them', async () => {
    const file = join(tmpdir(), `armada-ecs-${process.pid}.sqlite`);
    const clock = new ManualClock();
    const before = await startManualEcs(undefined, new State(file, clock), clock);
    await createService(before, await register(before), balanced);
    await clock.settle();
    const old = await idOf(before);
    await before.close();
    before.state.close();
    await ground.close();
    ground = await startManualEcs(undefined, new State(file, clock), clock);
    await clock.advance(1);
    const tasks = await tasksOf(ground);
    expect(tasks).toHaveLength(2);
    expect(tasks.find(({ taskArn }) => taskArn?.endsWith(old))).toMatchObject({
      lastStatus: 'STOPPED',
      stopCode: 'InfrastructureHealth',
    });
    expect(tasks.find(({ taskArn }) => !taskArn?.endsWith(old))).toMatchObject({ lastStatus: 'RUNNING' });
    expect(await describeService(ground)).toMatchObject({ runningCount: 1, deployments: [{ failedTasks: 0 }] });
    for (const suffix of ['', '-wal', '-shm']) await rm(file + suffix, { force: true });
  });
});
