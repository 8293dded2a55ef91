import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ContainerDefinition } from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ContainerExit, Driver } from '../../infra/local/aws/ecs/driver.ts';
import { ControlGroups } from '../../infra/local/aws/ecs/drivers/limits.ts';
import { createProcessDriver } from '../../infra/local/aws/ecs/drivers/process.ts';
import { renderBlueprint } from '../../reconcilers/workspace/blueprint.ts';
import { settings, workspaceRow } from '../reconcilers/rows.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryDataFolder } from '../support/product.ts';

const root = process.platform === 'linux' && process.getuid?.() === 0;
const probe = root ? ControlGroups.open(`probe ${process.pid}`) : undefined;
probe?.close();
if (!probe) console.log('no control groups can be made here: tests of memory and CPU limits are skipped');

const processes = 60;
const megabytes = 64;
let driver: Driver;
let folder: Awaited<ReturnType<typeof temporaryDataFolder>>;
const exits = new Map<string, ContainerExit>();

/** Starts a container that waits; its limits are `more`. */
async function start(id: string, uid: number, more: Partial<ContainerDefinition>): Promise<void> {
  await driver.prepare({ id, volumes: [{ name: 'run' }] });
  const definition: ContainerDefinition = {
    name: 'ide',
    image: 'ide',
    user: `${uid}:${uid}`,
    command: ['-c', 'echo up > /tmp/up; while :; do sleep 1; done'],
    mountPoints: [{ sourceVolume: 'run', containerPath: '/run/armada' }],
    linuxParameters: { initProcessEnabled: true },
    ...more,
  };
  await driver.run(id, { definition, ports: [] }, exit => exits.set(id, exit));
  await eventually(async () => await inside(id, 'test -s /tmp/up'));
}
const inside = async (id: string, script: string) =>
  (await driver.check(id, 'ide', ['CMD-SHELL', script], 60)) === 'healthy';

/** As many as it says at once, or failure. */
const forks = (count: number) => `for i in $(seq ${count}); do sleep 5 & done; kill $(jobs -p); exit 0`;
const hog = (count: number) => `perl -e '$x = "a" x (${count} << 20); exit(length $x == ${count} << 20 ? 0 : 1)'`;
const free = { id: 'free'.padEnd(32, '0'), uid: 21_201 };
const ada = { id: 'ada'.padEnd(32, '0'), uid: 21_202 };
const bob = { id: 'bob'.padEnd(32, '0'), uid: 21_203 };

describe.skipIf(!root)('T11: one who takes all that there is', () => {
  beforeAll(async () => {
    folder = await temporaryDataFolder();
    const images = new Map([['ide', { entryPoint: ['/bin/sh'] }]]);
    const [directory, logsDirectory] = ['tasks', 'logs'].map(name => path.join(folder.path, name)) as [string, string];
    const mount = () => Promise.reject(new Error('no file system here'));
    driver = createProcessDriver({ fileSystems: { mount } as never, images, directory, logsDirectory });
    await driver.start?.();
    await start(free.id, free.uid, {});
    const limits = {
      memory: megabytes,
      cpu: 256,
      ulimits: [{ name: 'nproc', softLimit: processes, hardLimit: processes }] as const,
    };
    await start(ada.id, ada.uid, { ...limits, ulimits: [...limits.ulimits] });
    await start(bob.id, bob.uid, { ...limits, ulimits: [...limits.ulimits] });
  });
  afterAll(async () => {
    await driver?.stop?.();
    await folder?.remove();
  });

  test('finds an end to processes, and a neighbour’s shell answers meanwhile', async () => {
    expect(await inside(free.id, forks(2 * processes)), 'without the limit').toBe(true);
    expect(await inside(ada.id, forks(2 * processes)), 'with the limit').toBe(false);
    // A bomb that goes on while others look.
    const bomb = inside(ada.id, 'bomb() { bomb | bomb & }; bomb; sleep 3');
    const answers: boolean[] = [];
    for (let count = 0; count < 5; count += 1) answers.push(await inside(bob.id, 'echo here | grep -q here'));
    await bomb;
    expect(answers).toEqual([true, true, true, true, true]);
    expect(exits.has(bob.id)).toBe(false);
  });

  test.skipIf(!probe)('finds an end to memory, and a neighbour’s program goes on', async () => {
    expect(await inside(free.id, hog(2 * megabytes)), 'without the limit').toBe(true);
    expect(await inside(ada.id, hog(2 * megabytes)), 'with the limit').toBe(false);
    expect(await inside(bob.id, hog(megabytes / 8))).toBe(true);
    expect(exits.has(bob.id)).toBe(false);
  });

  test.skipIf(!probe)('has a share of the processors, and can’t change its limits', async () => {
    expect(await inside(ada.id, `ulimit -Hn > /tmp/x; prlimit --nproc=${10 * processes}:${10 * processes} true`)).toBe(
      false,
    );
    const own = await readGroups(ada.id);
    expect(own.length).toBeGreaterThan(0);
    // A quarter of a processor's 1024 shares when others want it too: by the older and the newer kind of groups.
    const shares = [
      ['cpu.shares', '256'],
      ['cpu.weight', '10'],
    ] as const;
    const told = own.flatMap(file =>
      shares.flatMap(([name, value]) => {
        const share = path.join(path.dirname(file), name);
        return existsSync(share) ? [{ name, value, is: readFileSync(share, 'utf8').trim() }] : [];
      }),
    );
    expect(told.length).toBeGreaterThan(0);
    for (const { name, value, is } of told) expect(is, name).toBe(value);
    for (const file of own) {
      expect(existsSync(file)).toBe(true);
      expect(
        await inside(ada.id, `echo 0 > ${path.join(path.dirname(path.dirname(file)), 'cgroup.procs')}`),
        file,
      ).toBe(false);
      expect(await inside(ada.id, `echo -1 > ${path.join(path.dirname(file), 'memory.limit_in_bytes')}`), file).toBe(
        false,
      );
    }
  });
});

/** The files of the groups that a container's processes are in. */
async function readGroups(id: string): Promise<string[]> {
  const [outer = ''] = (await readFile(path.join(folder.path, 'tasks', id.slice(0, 12), 'ide.pid'), 'utf8')).split(' ');
  const [inner] = (await readFile(`/proc/${outer}/task/${outer}/children`, 'utf8')).split(' ');
  const lines = (await readFile(`/proc/${inner}/cgroup`, 'utf8'))
    .split('\n')
    .filter(line => line.includes(`${id.slice(0, 12)}-ide`));
  return lines.map(line => {
    const [, controllers = '', place = ''] = line.split(':');
    return path.join('/sys/fs/cgroup', controllers, place, 'cgroup.procs');
  });
}

test('T11: every workspace’s task has hard limits of memory and processes, and a share of the processors', () => {
  const { definition } = renderBlueprint(workspaceRow(), 'fsap-1', settings);
  for (const { name, memory } of definition.containerDefinitions ?? []) expect(memory, name).toBeGreaterThan(0);
  const ide = definition.containerDefinitions?.find(({ name }) => name === 'ide');
  expect(ide?.cpu).toBeGreaterThan(0);
  expect(ide?.ulimits?.find(({ name }) => name === 'nproc')?.hardLimit).toBeLessThanOrEqual(4096);
});
