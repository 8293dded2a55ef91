import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import {
  CreateAccessPointCommand,
  CreateFileSystemCommand,
  DescribeFileSystemsCommand,
  EFSClient,
} from '@aws-sdk/client-efs';
import { gateEnvironment, taskPaths } from '../../api/resources/entrance.ts';
import { keysOf } from '../../api/resources/keys.ts';
import type { Driver } from '../../infra/local/aws/ecs/driver.ts';
import { createProcessDriver } from '../../infra/local/aws/ecs/drivers/process.ts';
import { type LocalAws, startLocalAws } from '../../infra/local/aws/local-aws.ts';
import { type DataFolder, openDataFolder } from '../../infra/local/data-folder.ts';
import { localImages } from '../../infra/local/images.ts';
import { eventually } from '../support/eventually.ts';
import { anyPort, temporaryDataFolder } from '../support/product.ts';

/** One student's running task: the real gate, and a program in place of the IDE that serves port 3000. */
export interface StudentTask {
  readonly id: string;
  readonly uid: number;
  readonly gateUid: number;
  readonly home: string;
  /** Below the data folder. */
  readonly folder: string;
  /** The gate's port on this machine. */
  readonly port: number;
  /** This machine's number of the IDE's process. */
  readonly pid: number;
  readonly gatePid: number;
  /** The task's address. */
  readonly address: string;
}

/** A local AWS with the process driver over a data folder as `npm start` makes it, with two students' tasks. */
export interface Machine {
  readonly data: DataFolder;
  readonly aws: LocalAws;
  readonly node: string;
  readonly ada: StudentTask;
  readonly bob: StudentTask;
  /** This machine's address on its link to the tasks' router. */
  readonly address: string;
  /** Port of the API: whatever reaches it is answered. */
  readonly apiPort: number;
  /** Workspace ids whose heartbeats have arrived. */
  readonly beats: ReadonlySet<string>;
  /** Runs a script in one container of a task; true if it ends with 0. */
  inside(task: StudentTask, container: 'gate' | 'ide', script: string): Promise<boolean>;
  close(): Promise<void>;
}

const region = 'us-east-1';
const gateUidOffset = 100_000;
const keys = keysOf('a secret of more than thirty-two characters');

export async function startMachine(): Promise<Machine> {
  const folder = await temporaryDataFolder();
  const data = openDataFolder(folder.path);
  const beats = new Set<string>();
  const api = http.createServer((request, response) => {
    const known = ['wsp-ada', 'wsp-bob'].find(
      id => request.headers.authorization === `Bearer ${keys.heartbeatToken(id)}`,
    );
    if (known && request.url === '/v1/heartbeats') beats.add(known);
    response.end(JSON.stringify({ mayMark: true, revoked: [] }));
  });
  await new Promise<void>(resolve => api.listen(0, '127.0.0.1', resolve));
  const apiPort = (api.address() as AddressInfo).port;
  const images = await localImages({
    node: process.execPath,
    stageDirectory: data.stage,
    ide: { entry: Promise.resolve(path.join(data.stage, 'entry.js')) },
  });
  const node = path.join(data.stage, 'node');
  const table = new Map([...images, ['ide', { entryPoint: [node], folders: [data.stage] }]]);
  const credentials = { accessKeyId: data.secrets.awsAccessKeyId, secretAccessKey: data.secrets.awsSecretAccessKey };
  const drivers: Driver[] = [];
  const aws = await startLocalAws({
    stateFile: data.awsState,
    homes: data.homes,
    credentials,
    driver: fileSystems => {
      const driver = createProcessDriver({
        fileSystems,
        images: table,
        directory: data.tasks,
        logsDirectory: path.join(data.logs, 'tasks'),
      });
      drivers.push(driver);
      return driver;
    },
    instances: { memory: 4096, cpu: 4096, min: 1, max: 1 },
    port: 0,
    listenerPort: () => 0,
  });
  const driver = drivers[0]!;
  const efs = new EFSClient({ endpoint: aws.url, region, credentials, maxAttempts: 1 });
  const { FileSystemId = '' } = await efs.send(new CreateFileSystemCommand({ CreationToken: 'homes' }));
  await eventually(async () => {
    const found = await efs.send(new DescribeFileSystemsCommand({ FileSystemId }));
    return found.FileSystems?.[0]?.LifeCycleState === 'available';
  });

  async function startTask(name: string, uid: number): Promise<StudentTask> {
    const id = `${name}${'0'.repeat(32)}`.slice(0, 32);
    const gateUid = uid + gateUidOffset;
    const { AccessPointId = '' } = await efs.send(
      new CreateAccessPointCommand({
        FileSystemId,
        ClientToken: name,
        PosixUser: { Uid: uid, Gid: uid },
        RootDirectory: { Path: `/${name}`, CreationInfo: { OwnerUid: uid, OwnerGid: uid, Permissions: '0770' } },
      }),
    );
    const volumes = [
      {
        name: 'home',
        efsVolumeConfiguration: { fileSystemId: FileSystemId, authorizationConfig: { accessPointId: AccessPointId } },
      },
      { name: 'run' },
    ];
    await eventually(() => driver.prepare({ id, volumes }).then(() => true));
    const mountPoints = [
      { sourceVolume: 'home', containerPath: taskPaths.home },
      { sourceVolume: 'run', containerPath: taskPaths.run },
    ];
    const port = await driver.takePort(0);
    const environment = {
      [gateEnvironment.port]: '8080',
      [gateEnvironment.workspaceId]: `wsp-${name}`,
      [gateEnvironment.slug]: name,
      [gateEnvironment.homeId]: AccessPointId,
      [gateEnvironment.origins]: `http://${name}.localhost:8080`,
      [gateEnvironment.portalUrl]: 'http://localhost:8080',
      [gateEnvironment.heartbeatUrl]: `http://127.0.0.1:${apiPort}`,
      [gateEnvironment.heartbeatToken]: keys.heartbeatToken(`wsp-${name}`),
      [gateEnvironment.ticketKeys]: JSON.stringify(keys.publicKeys),
    };
    await driver.run(
      id,
      {
        definition: {
          name: 'gate',
          image: 'armada/gate:local',
          user: `${gateUid}:${uid}`,
          mountPoints,
          environment: Object.entries(environment).map(([key, value]) => ({ name: key, value })),
        },
        ports: [{ containerPort: 8080, hostPort: port }],
      },
      () => {},
    );
    const program = `require('node:http').createServer((_, answer) => answer.end('${name}')).listen(3000);
      require('node:net').createServer().listen('${taskPaths.ideSocket}');`;
    await driver.run(
      id,
      {
        definition: {
          name: 'ide',
          image: 'ide',
          user: `${uid}:${uid}`,
          command: ['-e', program],
          mountPoints,
          linuxParameters: { initProcessEnabled: true },
        },
        ports: [],
      },
      () => {},
    );
    const taskFolder = path.join(data.tasks, id.slice(0, 12));
    const started = { id, uid, gateUid, folder: taskFolder, home: path.join(data.homes, FileSystemId, name), port };
    const isUp = (container: string, script: string) => driver.check(id, container, ['CMD-SHELL', script], 30);
    await eventually(
      async () =>
        (await isUp(
          'ide',
          `${node} -e 'require("net").connect(3000, "127.0.0.1").on("error", () => process.exit(1)).on("connect", () => process.exit(0))'`,
        )) === 'healthy',
    );
    const [pid, gatePid] = await Promise.all([pidOf(taskFolder, 'ide'), pidOf(taskFolder, 'gate')]);
    return { ...started, pid, gatePid, address: await addressOf(pid) };
  }

  const ada = await startTask('ada', 21_001);
  const bob = await startTask('bob', 21_002);
  await writeFile(path.join(bob.home, 'secret.txt'), 'of bob');
  await eventually(() => beats.size === 2);
  return {
    ...{ data, aws, node, ada, bob, apiPort, beats },
    address: await addressTowards(ada.address),
    async inside(task, container, script) {
      return (await driver.check(task.id, container, ['CMD-SHELL', script], 60)) === 'healthy';
    },
    async close() {
      await Promise.all([ada, bob].flatMap(task => ['gate', 'ide'].map(name => driver.halt(task.id, name, 1))));
      await aws.close();
      efs.destroy();
      api.close();
      data.release();
      await folder.remove();
    },
  };
}

/** The container's first process as this machine numbers it. */
async function pidOf(folder: string, container: string): Promise<number> {
  const [outer = ''] = (await readFile(path.join(folder, `${container}.pid`), 'utf8')).split(' ');
  const children = await readFile(`/proc/${outer}/task/${outer}/children`, 'utf8');
  return Number(children.trim().split(' ')[0]);
}

/** Its address where it has a network of its own. */
async function addressOf(pid: number): Promise<string> {
  const seen = await runAsRoot(`nsenter --net=/proc/${pid}/ns/net ip -4 -o addr show`);
  return /inet (10\.[\d.]+)\//.exec(seen.output)?.[1] ?? '127.0.0.1';
}

/** The address from which this machine reaches another. */
async function addressTowards(address: string): Promise<string> {
  const { output } = await runAsRoot(`ip -o route get ${address}`);
  return /src ([\d.]+)/.exec(output)?.[1] ?? '127.0.0.1';
}

/** Runs a script on the machine itself: as root, without any wall but a mount namespace that keeps it from lasting. */
export function runAsRoot(script: string): Promise<{ ok: boolean; output: string }> {
  return new Promise(resolve => {
    const args = ['--mount', '/bin/sh', '-c', script];
    execFile('unshare', args, { timeout: 60_000, env: { ...process.env, HOME: '/tmp' } }, (error, stdout, stderr) =>
      resolve({ ok: error === null, output: stdout + stderr }),
    );
  });
}

/** A port of this machine's loopback, or of every address, with something on it that says so. */
export async function startService(address: string): Promise<{ port: number; close(): void }> {
  const port = await anyPort();
  const server = http.createServer((_, response) => response.end('here'));
  await new Promise<void>(resolve => server.listen(port, address, resolve));
  return { port, close: () => server.close() };
}
