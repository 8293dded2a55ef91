import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, chown, copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type * as sdk from '@aws-sdk/client-ecs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { realClock } from '../../../../infra/local/aws/clock.ts';
import type { ContainerExit, Driver } from '../../../../infra/local/aws/ecs/driver.ts';
import { HostPorts } from '../../../../infra/local/aws/ecs/drivers/ports.ts';
import { createProcessDriver, type LocalImage } from '../../../../infra/local/aws/ecs/drivers/process.ts';
import { eventually } from '../../../support/eventually.ts';
import { createService, type EcsGround, eventsOf, register, startEcs, tasksOf, updateService } from './ecs-ground.ts';

const linux = process.platform === 'linux';
const root = linux && process.getuid?.() === 0;
const uid = 10_321;
const taskId = '0123456789abcdef0123456789abcdef';
const home = '/home/coder';
const run = '/run/armada';

let folder: string;
let homeFolder: string;
/** A Node that other uids reach and that isolation shows, wherever this clone lies. */
let programs: string;
let node: string;
beforeAll(async () => {
  programs = await mkdtemp(path.join(tmpdir(), 'armada-node-'));
  await chmod(programs, 0o755);
  node = path.join(programs, 'node');
  await copyFile(process.execPath, node);
  await chmod(node, 0o755);
});
afterAll(() => rm(programs, { recursive: true, force: true }));
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'armada-process-'));
  await chmod(folder, 0o711);
  homeFolder = path.join(folder, 'homes', 'one');
  await mkdir(homeFolder, { recursive: true });
  if (root) await chown(homeFolder, uid, uid);
  await mkdir(path.join(folder, 'programs'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The images that these tests run: `sh` takes a script as its command. */
function images(more: Record<string, LocalImage> = {}) {
  return new Map<string, LocalImage>([
    ['sh', { entryPoint: ['/bin/sh', '-c'], folders: [path.join(folder, 'programs')] }],
    ['node', { entryPoint: [node], folders: [programs] }],
    ...Object.entries(more),
  ]);
}

function makeDriver(isolated: boolean, more: Record<string, LocalImage> = {}): Driver {
  return createProcessDriver({
    fileSystems: {
      async mount(fileSystemId, accessPointId) {
        if (accessPointId !== 'fsap-1') throw new Error(`${fileSystemId} has no access point ${accessPointId}`);
        return homeFolder;
      },
    },
    images: images(more),
    directory: path.join(folder, 'tasks'),
    logsDirectory: path.join(folder, 'logs'),
    isolated,
  });
}

const volumes: sdk.Volume[] = [
  { name: 'home', efsVolumeConfiguration: { fileSystemId: 'fs-1', authorizationConfig: { accessPointId: 'fsap-1' } } },
  { name: 'run' },
];
/** Scripts say `$AT` and `$RUN`: in a plain process only whole values of the environment are rewritten. */
const paths = [
  { name: 'AT', value: home },
  { name: 'RUN', value: run },
];
const mountPoints: sdk.MountPoint[] = [
  { sourceVolume: 'home', containerPath: home },
  { sourceVolume: 'run', containerPath: run },
];

/** How many of this machine's processes have exactly this command line. */
function processesOf(command: string): number {
  const all = readdirSync('/proc').filter(name => /^\d+$/.test(name));
  return all.filter(pid => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8') === `${command.replaceAll(' ', '\0')}\0`;
    } catch {
      return false;
    }
  }).length;
}

const modes: [string, boolean][] = [
  ['a plain process', false],
  ...(root ? ([['an isolated process', true]] as [string, boolean][]) : []),
];

describe.each(modes)('%s', (_, isolated) => {
  let driver: Driver;
  beforeEach(async () => {
    driver = makeDriver(isolated);
    await driver.start();
    await driver.prepare({ id: taskId, volumes });
  });
  afterEach(() => driver.stop());

  const start = async (script: string, definition: Partial<sdk.ContainerDefinition> = {}, ports: number[] = []) => {
    const end: { exit?: ContainerExit } = {};
    await driver.run(
      taskId,
      {
        definition: {
          name: 'c',
          image: 'sh',
          command: [script],
          mountPoints,
          user: `${uid}:${uid}`,
          environment: paths,
          ...definition,
        },
        ports: ports.map(hostPort => ({ containerPort: 8080, hostPort })),
      },
      exit => Object.assign(end, { exit }),
    );
    return end;
  };
  const ended = (end: { exit?: ContainerExit }) => eventually(() => end.exit ?? null);

  test('tells its exit code', async () => {
    expect(await ended(await start('exit 7'))).toEqual({ exitCode: 7 });
  });

  test('has the environment of image and definition, and nothing of ours', async () => {
    const environment = [...paths, { name: 'PORT', value: '8080' }, { name: 'OTHER', value: '8080' }];
    await ended(await start('env > $AT/env', { environment }, [23_456]));
    const lines = (await readFile(path.join(homeFolder, 'env'), 'utf8')).trim().split('\n');
    const found = Object.fromEntries(lines.map(line => line.split('=')));
    const { PWD, SHLVL, OLDPWD, _, TMPDIR, HOME, AT, RUN, ...rest } = found;
    expect([AT, RUN?.endsWith('/run') || RUN]).toEqual(isolated ? [home, run] : [homeFolder, true]);
    expect(rest).toEqual({
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOSTNAME: 'c',
      LANG: 'C.UTF-8',
      TERM: 'xterm-256color',
      PORT: '23456',
      OTHER: '8080',
    });
    expect(HOME).toBe(isolated ? home : homeFolder);
  });

  test('finds its volumes through paths in environment and arguments, shared with its task', async () => {
    const writer = {
      name: 'writer',
      command: [`echo hello > "$WHERE/said"`],
      environment: [{ name: 'WHERE', value: run }],
    };
    await ended(await start('', writer));
    const reader = { name: 'reader', image: 'copy', command: [`${run}/said`, `--to=${home}/heard`] };
    driver = makeDriver(isolated, {
      copy: { entryPoint: ['/bin/sh', '-c', 'cp "$0" "$' + '{1#--to=}"'] },
    });
    // The same folders: a second driver that does not begin anew.
    await driver.prepare({ id: taskId, volumes });
    expect(await ended(await start('', reader))).toEqual({ exitCode: 0 });
    expect(await readFile(path.join(homeFolder, 'heard'), 'utf8')).toBe('hello\n');
  });

  test('ends by SIGTERM where it listens, by SIGKILL where it does not', async () => {
    const polite = await start(`trap 'exit 5' TERM; touch $AT/ready; while :; do sleep 0.05; done`);
    await eventually(() => existsSync(path.join(homeFolder, 'ready')));
    await driver.halt(taskId, 'c', 30);
    expect(await ended(polite)).toEqual({ exitCode: 5 });
    const deaf = await start(`trap '' TERM; touch $AT/deaf; while :; do sleep 0.05; done`);
    await eventually(() => existsSync(path.join(homeFolder, 'deaf')));
    await driver.halt(taskId, 'c', 0.2);
    expect(await ended(deaf)).toEqual({ exitCode: 137 });
  });

  test.runIf(linux)('takes everything it started along', async () => {
    const mark = `4${process.pid}.${Date.now() % 1000}1`;
    const end = await start(`sleep ${mark} & while [ ! -e $AT/go ]; do sleep 0.05; done; exit 0`);
    await eventually(() => processesOf(`sleep ${mark}`) === 1);
    await writeFile(path.join(homeFolder, 'go'), '');
    await ended(end);
    await eventually(() => processesOf(`sleep ${mark}`) === 0);
  });

  test('answers health checks by file and by command', async () => {
    await start(`trap 'exit' TERM; while :; do sleep 0.05; done`);
    const check = (...command: string[]) => driver.check(taskId, 'c', command, 30);
    expect(await check('CMD-SHELL', `test -e ${run}/ready`)).toBe('unhealthy');
    expect(await check('CMD', '[', '-e', `${run}/ready`, ']')).toBe('unhealthy');
    await start('touch $RUN/ready', { name: 'other' });
    await eventually(async () => (await check('CMD-SHELL', `test -e ${run}/ready || exit 1`)) === 'healthy');
    expect(await check('CMD', 'test', '-e', `${run}/ready`)).toBe('healthy');
    await eventually(async () => (await check('CMD-SHELL', `[ "$HOSTNAME" = c ] && true`)) === 'healthy');
    expect(await check('CMD', '/bin/false')).toBe('unhealthy');
    expect(await driver.check(taskId, 'nobody', ['CMD', 'true'], 5)).toBe('unhealthy');
  });

  test('keeps what it said last', async () => {
    await ended(await start(`i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); done; echo oops >&2`));
    await eventually(async () => {
      expect(await driver.logs(taskId, 'c', 2)).toEqual(['line 299', 'oops']);
    });
    driver.forget(taskId);
    expect(await driver.logs(taskId, 'c', 2)).toEqual([]);
  });

  test('is refused with AWS’s words where it can’t be had', async () => {
    await expect(driver.pull('nobody/nothing')).rejects.toThrow(/^CannotPullContainerError: .*nobody\/nothing/);
    await expect(start('', { entryPoint: ['/none/such'] })).rejects.toThrow(/^CannotStartContainerError: /);
    const wrong = [{ name: 'home', efsVolumeConfiguration: { fileSystemId: 'fs-1' } }];
    await expect(driver.prepare({ id: taskId, volumes: wrong })).rejects.toThrow(
      /^ResourceInitializationError: failed to invoke EFS utils/,
    );
  });

  test.runIf(linux)('does not outlive a driver that was killed', async () => {
    const mark = `5${process.pid}.${Date.now() % 1000}1`;
    const program = path.join(folder, 'programs', 'holder.ts');
    const module = path.resolve(import.meta.dirname, '../../../../infra/local/aws/ecs/drivers/process.ts');
    await writeFile(
      program,
      `import { createProcessDriver } from ${JSON.stringify(module)};
      const driver = createProcessDriver({
        fileSystems: { mount: async () => '' }, isolated: ${isolated},
        images: new Map([['sh', { entryPoint: ['/bin/sh', '-c'] }]]),
        directory: ${JSON.stringify(path.join(folder, 'tasks-2'))}, logsDirectory: ${JSON.stringify(path.join(folder, 'logs-2'))},
      });
      await driver.start();
      await driver.prepare({ id: '${taskId}', volumes: [] });
      await driver.run('${taskId}', { definition: { name: 'c', image: 'sh', command: ['sleep ${mark} & sleep ${mark}; exit'] }, ports: [] }, () => {});
      setInterval(() => {}, 1000);`,
    );
    const holder: ChildProcess = spawn(process.execPath, [program], { stdio: 'inherit' });
    await eventually(() => processesOf(`sleep ${mark}`) === 2);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    if (!isolated) {
      const next = createProcessDriver({
        fileSystems: { mount: async () => '' },
        images: images(),
        directory: path.join(folder, 'tasks-2'),
        logsDirectory: path.join(folder, 'logs-2'),
        isolated,
      });
      await next.start();
      expect(readdirSync(path.join(folder, 'tasks-2'))).toEqual([]);
    }
    await eventually(() => processesOf(`sleep ${mark}`) === 0);
  });

  test.runIf(isolated)('is its own user, alone, without rights, and sees only what is its own', async () => {
    await writeFile(path.join(folder, 'programs', 'tool'), 'of the image');
    const script = `exec > ${home}/seen
      id -u; id -g; id -G
      cat /proc/self/status | grep -E '^(CapEff|CapBnd|NoNewPrivs)'
      ls /home; ls /tmp | wc -l; ls ${path.join(folder, 'tasks')} 2>/dev/null | wc -l
      touch /tmp/mine && echo tmp; touch /home/other 2>/dev/null || echo closed
      cat ${path.join(folder, 'programs', 'tool')}; echo
      ls -d /proc/[0-9]* | wc -l; pwd
      ls -a ${run} | wc -l; touch ${run}/shared && echo run`;
    await ended(await start(script));
    const seen = (await readFile(path.join(homeFolder, 'seen'), 'utf8')).replaceAll('\t', ' ').split('\n');
    expect(seen.slice(0, 6)).toEqual([
      `${uid}`,
      `${uid}`,
      `${uid}`,
      'CapEff: 0000000000000000',
      'CapBnd: 0000000000000000',
      'NoNewPrivs: 1',
    ]);
    // The image's folder is in /tmp here, so /tmp holds the way to it.
    expect(seen.slice(6, 12)).toEqual(['coder', '1', '0', 'tmp', 'closed', 'of the image']);
    expect(Number(seen[12])).toBeLessThanOrEqual(3);
    expect(seen.slice(13, 16)).toEqual([home, '2', 'run']);
    expect(await stat(path.join(homeFolder, 'seen'))).toMatchObject({ uid, gid: uid });
    expect(existsSync('/tmp/mine')).toBe(false);
    expect(existsSync('/run/armada/shared')).toBe(false);
  });

  test.runIf(isolated).each([true, false])(
    'reads what its home’s owner closed, as behind an access point, and nobody else’s (init: %s)',
    async initProcessEnabled => {
      const other = path.join(folder, 'programs', 'of-another');
      for (const [file, owner] of [
        [path.join(homeFolder, 'closed'), uid],
        [path.join(homeFolder, 'of-another'), uid + 7],
        [other, uid + 7],
      ] as const) {
        await writeFile(file, 'x');
        await chown(file, owner, owner);
        await chmod(file, 0o600);
      }
      await chmod(homeFolder, 0o770);
      const tries = {
        own: 'cat $AT/closed',
        another: 'cat $AT/of-another',
        outside: `cat ${other}`,
        machine: 'cat /etc/shadow',
        written: ': >> $AT/closed',
      };
      const script = Object.entries(tries).map(
        ([name, attempt]) => `(${attempt}) 2>/dev/null && echo ${name} >> $RUN/got`,
      );
      const end = await start(`${script.join('\n')}\ncat $RUN/got > $AT/got; id -u > $AT/who; exit 0`, {
        user: `${uid + 100_000}:${uid}`,
        linuxParameters: { initProcessEnabled },
      });
      expect(await ended(end)).toEqual({ exitCode: 0 });
      expect(await readFile(path.join(homeFolder, 'got'), 'utf8')).toBe('own\n');
      expect((await readFile(path.join(homeFolder, 'who'), 'utf8')).trim()).toBe(String(uid + 100_000));
    },
  );

  test.runIf(isolated)('lets no variable reach a program that still is root', async () => {
    // The loader complains on stderr about a preload that it can't open, in every program that sees the variable.
    const environment = [
      ...paths,
      { name: 'LD_PRELOAD', value: '/none/such.so' },
      { name: 'QUOTED', value: "it's $HOME\n`id`" },
    ];
    await ended(await start('printf %s "$QUOTED" > $AT/quoted; id -u', { environment, name: 'preload' }));
    expect(await readFile(path.join(homeFolder, 'quoted'), 'utf8')).toBe("it's $HOME\n`id`");
    await eventually(async () => {
      const said = await driver.logs(taskId, 'preload', 100);
      expect(said.at(-1)).toBe(`${uid}`);
      // The program itself, and `id`.
      expect(said.filter(line => line.includes('/none/such.so'))).toHaveLength(2);
    });
  });

  test.runIf(isolated)('passes SIGTERM on through an init, where the definition asks for one', async () => {
    // Process 1 of a namespace ignores SIGTERM unless it asks for it.
    const program = `const fs = require('node:fs'); fs.writeFileSync('${home}/up', ''); setInterval(() => {}, 1000)`;
    const end = await start('', {
      image: 'node',
      entryPoint: [node, '-e', program],
      command: [],
      linuxParameters: { initProcessEnabled: true },
    });
    await eventually(() => existsSync(path.join(homeFolder, 'up')));
    await driver.halt(taskId, 'c', 30);
    expect(await ended(end)).toEqual({ exitCode: 143 });
  });
});

test('a host port has one owner, and is free to listen on', async () => {
  const ports = new HostPorts();
  const taken = await Promise.all(Array.from({ length: 50 }, () => ports.take(0)));
  expect(new Set(taken).size).toBe(50);
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  await expect(ports.take(port)).rejects.toThrow(/port is already allocated/);
  await expect(ports.take(taken[0]!)).rejects.toThrow(/port is already allocated/);
  ports.give(taken[0]!);
  expect(await ports.take(taken[0]!)).toBe(taken[0]);
  server.close();
});

describe('a service of processes', () => {
  let ground: EcsGround<typeof realClock, Driver>;
  afterEach(() => ground.close());

  const server = `require('node:http').createServer((_, answer) => answer.end(String(process.pid)))
    .listen(process.env.PORT, '127.0.0.1', () => require('node:fs').writeFileSync('${run}/ready', ''));
    process.on('SIGTERM', () => process.exit())`;
  const definition = {
    image: 'node',
    command: ['-e', server.replace(`'${run}/ready'`, 'process.env.READY')],
    environment: [
      { name: 'PORT', value: '8080' },
      { name: 'READY', value: `${run}/ready` },
    ],
    mountPoints: [mountPoints[1]!],
    user: `${uid}:${uid}`,
    healthCheck: { command: ['CMD-SHELL', `test -e ${run}/ready`], interval: 5 },
    stopTimeout: 2,
  };
  const healthy = () =>
    eventually(async () => {
      const tasks = await tasksOf(ground);
      const found = tasks.find(task => task.healthStatus === 'HEALTHY' && task.desiredStatus === 'RUNNING');
      if (!found) throw new Error('no healthy task');
      return found;
    });
  const portOf = (task: sdk.Task) => task.containers![0]!.networkBindings![0]!.hostPort!;

  test('runs, is replaced when it dies, and stops', async () => {
    ground = await startEcs({ clock: realClock, driver: makeDriver(root) });
    await createService(ground, await register(ground, definition, { volumes: [volumes[1]!] }));
    const first = await healthy();
    const answer = await fetch(`http://127.0.0.1:${portOf(first)}`);
    expect(await answer.text()).toMatch(/^\d+$/);
    await ground.driver.halt(first.taskArn!.split('/').at(-1)!, 'web', 0);
    const second = await healthy();
    expect(second.taskArn).not.toBe(first.taskArn);
    expect(portOf(second)).not.toBe(portOf(first));
    await updateService(ground, { desiredCount: 0 });
    await eventually(async () => {
      const tasks = await tasksOf(ground);
      expect(tasks.map(({ lastStatus }) => lastStatus)).toEqual(['STOPPED', 'STOPPED']);
    });
    await expect(fetch(`http://127.0.0.1:${portOf(second)}`)).rejects.toThrow();
  });

  test('waits while its image is being made ready', async () => {
    const image = Promise.withResolvers<void>();
    const driver = makeDriver(root, { node: { entryPoint: [node], folders: [programs], ready: image.promise } });
    ground = await startEcs({ clock: realClock, driver });
    await createService(ground, await register(ground, definition, { volumes: [volumes[1]!] }));
    const [waiting] = await eventually(async () => {
      const tasks = await tasksOf(ground);
      expect(tasks[0]?.pullStartedAt).toBeDefined();
      return tasks;
    });
    expect(waiting).toMatchObject({ lastStatus: 'PENDING' });
    expect(waiting?.pullStoppedAt).toBeUndefined();
    image.resolve();
    expect(await healthy()).toMatchObject({ pullStoppedAt: expect.any(Date) });
  });

  test('of an unknown image fails its deployment', async () => {
    ground = await startEcs({ clock: realClock, driver: makeDriver(root) });
    await createService(ground, await register(ground, { image: 'nobody/nothing' }));
    await eventually(async () => {
      expect((await eventsOf(ground))[0]).toMatch(/deployment failed: tasks failed to start/);
    });
    expect((await tasksOf(ground))[0]?.stoppedReason).toMatch(/^CannotPullContainerError: /);
  });
});
