import { existsSync, readFileSync, statSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ContainerDefinition, Volume } from '@aws-sdk/client-ecs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ContainerExit, Driver, DriverContainer } from '../../../../infra/local/aws/ecs/driver.ts';
import { createDockerDriver, findEngine } from '../../../../infra/local/aws/ecs/drivers/docker.ts';
import { containerOptions } from '../../../../infra/local/aws/ecs/drivers/docker-options.ts';
import { eventually } from '../../../support/eventually.ts';
import { engine, makeShellImage } from './engine.ts';

const image = 'armada-test-shell:1';
const installation = 'armada-test';
const taskId = '0123456789abcdef0123456789abcdef';
const uid = 20_321;
const volumes: Volume[] = [
  { name: 'home', efsVolumeConfiguration: { fileSystemId: 'fs-1', authorizationConfig: { accessPointId: 'fsap-1' } } },
  { name: 'run', dockerVolumeConfiguration: { scope: 'task', driver: 'local' } },
];
const mountPoints = [
  { sourceVolume: 'home', containerPath: '/home/coder' },
  { sourceVolume: 'run', containerPath: '/run/armada' },
];

function container(name: string, script: string, more: ContainerDefinition = {}): DriverContainer {
  const definition = { name, image, command: ['/bin/sh', '-c', script], mountPoints, memory: 64, cpu: 128, ...more };
  return { definition, ports: [] };
}

test('a machine without an engine is told so, and what to do', async () => {
  const before = process.env['DOCKER_HOST'];
  process.env['DOCKER_HOST'] = 'unix:///nowhere/docker.sock';
  try {
    await expect(findEngine()).rejects.toThrow(/No container engine answers at unix:\/\/\/nowhere.*Start Docker/);
  } finally {
    if (before === undefined) delete process.env['DOCKER_HOST'];
    else process.env['DOCKER_HOST'] = before;
  }
});

test('a container has the task definition’s limits, no capability, and no way to new ones', () => {
  const given = container('ide', 'true', { user: '20001:20001', memory: 1024, memoryReservation: 512, cpu: 256 });
  const engine = { installation, publishing: { ADDRESS: '127.0.0.1' } };
  expect(containerOptions(engine, taskId, given, new Map([['home', '/homes/1']]))).toMatchObject({
    User: '20001:20001',
    HostConfig: {
      ...{ Memory: 2 ** 30, MemorySwap: 2 ** 30, MemoryReservation: 2 ** 29, CpuShares: 256, PidsLimit: 1024 },
      ...{ CapDrop: ['ALL'], SecurityOpt: ['no-new-privileges'], NetworkMode: 'armada-test-tasks' },
      Binds: ['/homes/1:/home/coder', '/:/run/armada'],
    },
  });
  const ports = [{ containerPort: 8080, hostPort: 20123, protocol: 'tcp' as const, bindIP: '0.0.0.0' }];
  const publishing = {
    ...given,
    ports,
    definition: { ...given.definition, environment: [{ name: 'PORT', value: '8080' }] },
  };
  const made = containerOptions(engine, taskId, publishing, new Map());
  expect(made.Env).toEqual(['PORT=20123', 'ADDRESS=127.0.0.1']);
  expect(made.HostConfig?.NetworkMode).toBe('host');
});

describe.skipIf(!engine || process.getuid?.() !== 0)('a container of the engine', () => {
  let folder: string;
  let home: string;
  let driver: Driver;

  beforeAll(() => makeShellImage(engine!, image), 60_000);
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'armada-docker-'));
    await chmod(folder, 0o711);
    home = path.join(folder, 'home');
    await mkdir(home);
    await chown(home, uid, uid);
    driver = makeDriver();
    await driver.start();
    await driver.prepare({ id: taskId, volumes });
  });
  afterEach(async () => {
    await driver.stop();
    await driver.release(taskId);
    await rm(folder, { recursive: true, force: true });
  });

  const makeDriver = () =>
    createDockerDriver(engine!, {
      fileSystems: { mount: async () => home },
      installation,
      logsDirectory: path.join(folder, 'logs'),
    });

  async function run(given: DriverContainer): Promise<ContainerExit> {
    const exit = Promise.withResolvers<ContainerExit>();
    await driver.run(taskId, given, exit.resolve);
    return exit.promise;
  }
  const ours = () => engine!.listContainers({ all: true, filters: { label: [`armada.local=${installation}`] } });

  test('runs as its user on its home, shares the task’s volume, and tells its end and its words', async () => {
    const own = { user: `${uid}:${uid}` };
    const gate = { user: `${uid + 100_000}:${uid}` };
    expect(await run(container('gate', 'id -u > /run/armada/ready', gate))).toEqual({ exitCode: 0 });
    const script = 'cat /run/armada/ready; echo mine > /home/coder/file; exit 7';
    expect(await run(container('ide', script, own))).toEqual({ exitCode: 7 });
    expect(readFileSync(path.join(home, 'file'), 'utf8')).toBe('mine\n');
    expect(statSync(path.join(home, 'file')).uid).toBe(uid);
    expect(await driver.logs(taskId, 'ide', 5)).toEqual([String(uid + 100_000)]);
    expect(await ours()).toEqual([]);
  });

  test('has no capability, gains none, and is in the limits of its definition', async () => {
    await run(container('ide', 'cat /proc/self/status; cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/memory.max'));
    const said = (await driver.logs(taskId, 'ide', 200)).join('\n');
    expect(said).toMatch(/CapEff:\s+0{16}/);
    expect(said).toMatch(/NoNewPrivs:\s+1/);
    const { HostConfig } = containerOptions({ installation, publishing: {} }, taskId, container('x', ''), new Map());
    // Only where control groups are of version 2 does the container see them there.
    if (existsSync('/sys/fs/cgroup/cgroup.controllers'))
      expect(said).toMatch(new RegExp(`\\n${HostConfig?.PidsLimit}\\n${HostConfig?.Memory}$`));
  });

  test('ends for want of memory with AWS’s reason', async () => {
    const hungry = 'x=aaaaaaaaaaaaaaaa; while true; do x=$x$x; done';
    expect(await run(container('ide', hungry, { memory: 16 }))).toMatchObject({
      reason: 'OutOfMemoryError: Container killed due to memory usage',
    });
  });

  test('is checked by a command inside, and halted by force when it does not listen', async () => {
    const exit = Promise.withResolvers<ContainerExit>();
    await driver.run(
      taskId,
      container('ide', 'trap "" TERM; touch /run/armada/up; while true; do sleep 1; done'),
      exit.resolve,
    );
    await eventually(
      async () => (await driver.check(taskId, 'ide', ['CMD-SHELL', 'test -e /run/armada/up'], 5)) === 'healthy',
    );
    expect(await driver.check(taskId, 'ide', ['CMD', '/bin/sh', '-c', 'exit 1'], 5)).toBe('unhealthy');
    await driver.halt(taskId, 'ide', 1);
    expect((await exit.promise).exitCode).toBe(137);
    expect(await driver.check(taskId, 'ide', ['CMD', 'true'], 5)).toBe('unhealthy');
  });

  test('that an earlier life left is gone after the next start', async () => {
    await driver.run(taskId, container('ide', 'sleep 1000'), () => {});
    expect(await ours()).toHaveLength(1);
    const next = makeDriver();
    await next.start();
    expect(await ours()).toEqual([]);
  });

  test('of an image that nobody has is refused as ECS says it', async () => {
    await expect(driver.pull('127.0.0.1:9/nobody/nothing:1')).rejects.toThrow(/^CannotPullContainerError: /);
    await driver.pull(image);
  });
});
