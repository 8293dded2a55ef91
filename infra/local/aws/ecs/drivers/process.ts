import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { chmod, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { ContainerDefinition } from '@aws-sdk/client-ecs';
import type { FileSystems } from '../../ports.ts';
import type { CheckAnswer, ContainerExit, Driver, DriverContainer, DriverTask } from '../driver.ts';
import { Container } from './container.ts';
import { environmentOf, homeOf } from './environment.ts';
import { fileAsked } from './file-check.ts';
import { type ImageTable, pullImage } from './images.ts';
import { commandInside, findTools, hostMountPoint, isolatedCommand, type Tools } from './isolation.ts';
import { type Launch, type Mount, plainCommand, realPath } from './launch.ts';
import { endLeftovers } from './leftovers.ts';
import { ControlGroups } from './limits.ts';
import { LogFile, lastLines } from './log-file.ts';
import { Networks } from './network.ts';
import { loopbackPorts } from './network-rules.ts';
import { HostPorts } from './ports.ts';
import { ownerBehind } from './reading.ts';

export type { ImageTable, LocalImage } from './images.ts';

export interface ProcessDriverOptions {
  readonly fileSystems: FileSystems;
  readonly images: ImageTable;
  /** Tasks' folders: emptied at start, so nothing else may be in it. */
  readonly directory: string;
  readonly logsDirectory: string;
  /** Folders of this machine that containers see empty, besides the two above; only as root. */
  readonly hidden?: readonly string[];
  /** False: without namespaces and users of their own even where they could be had. */
  readonly isolated?: boolean;
}

/** What a start may take longer than when everything must go at once. */
const shutdownSeconds = 5;
/** Looking at a file costs nothing; a command is a process. */
const filePace = 50;
const commandPace = 1_000;

/** Makes a driver whose containers are processes of this machine. */
export function createProcessDriver(options: ProcessDriverOptions): Driver {
  return new ProcessDriver(options);
}

class ProcessDriver implements Driver {
  readonly #options: ProcessDriverOptions;
  readonly #tools: Tools | undefined;
  readonly #ports = new HostPorts();
  readonly #volumes = new Map<string, ReadonlyMap<string, string>>();
  readonly #containers = new Map<string, Container>();
  #networks: Networks | undefined;
  #groups: ControlGroups | undefined;
  #ended = false;

  constructor(options: ProcessDriverOptions) {
    this.#options = options;
    this.#tools = options.isolated === false ? undefined : findTools();
    // An image that can't be had is the matter of the tasks that want it; if none does, it is nobody's.
    for (const { ready } of options.images.values()) if (ready instanceof Promise) ready.catch(() => {});
  }

  async start(): Promise<void> {
    const { directory, logsDirectory } = this.#options;
    for (const folder of [directory, logsDirectory]) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      chmodSync(folder, 0o700);
    }
    if (this.#tools) mkdirSync(hostMountPoint, { recursive: true });
    await endLeftovers(directory);
    if (this.#tools) this.#groups = ControlGroups.open(directory);
    if (this.#tools) this.#networks = await Networks.open(directory);
  }

  async stop(): Promise<void> {
    this.#ended = true;
    await Promise.all([...this.#containers.values()].map(container => container.end(shutdownSeconds)));
    await this.#networks?.close();
    this.#groups?.close();
  }

  takePort(wanted: number): Promise<number> {
    return this.#ports.take(wanted);
  }

  givePort(port: number): void {
    this.#ports.give(port);
  }

  pull(image: string): Promise<void> {
    return pullImage(this.#options.images, image);
  }

  async prepare({ id, volumes }: DriverTask): Promise<void> {
    await mkdir(this.#folder(id), { recursive: true, mode: 0o700 });
    const found = new Map<string, string>();
    for (const volume of volumes) found.set(volume.name ?? '', await this.#volume(id, volume));
    this.#volumes.set(id, found);
    await this.#networks?.join(id);
  }

  async run(
    taskId: string,
    { definition, ports }: DriverContainer,
    exited: (exit: ContainerExit) => void,
  ): Promise<void> {
    const name = definition.name ?? '';
    const image = this.#options.images.get(definition.image ?? '');
    if (!image || this.#ended) throw new Error('CannotStartContainerError: the image is gone');
    const temporary = path.join(this.#folder(taskId), `tmp-${name}`);
    await mkdir(temporary, { recursive: true });
    await chmod(temporary, 0o1777);
    const mounts = this.#mounts(taskId, definition);
    const launch: Launch = {
      argv: [...(definition.entryPoint ?? image.entryPoint), ...(definition.command ?? [])],
      environment: environmentOf(definition, image, mounts, ports),
      mounts,
      workingDirectory: definition.workingDirectory ?? homeOf(mounts),
      user: definition.user,
      temporary,
      imageFolders: image.folders ?? [],
      initProcess: definition.linuxParameters?.initProcessEnabled ?? false,
      processes: definition.ulimits?.find(limit => limit.name === 'nproc')?.hardLimit,
      groups: this.#groups?.make(groupOf(taskId, name), definition),
      reads: ownerBehind(mounts, this.#folder(taskId), definition.user),
    };
    const network = await this.#networks?.join(taskId);
    // Who publishes a port, the gate, is who may reach what its environment names on this machine.
    await this.#networks?.publish(taskId, {
      uid: Number(launch.user?.split(':')[0] ?? 0),
      ports: ports.map(({ hostPort }) => hostPort),
      reaches: ports.length > 0 ? loopbackPorts(launch.environment) : [],
    });
    const command = this.#tools ? isolatedCommand(this.#tools, launch, this.#hidden(), network) : plainCommand(launch);
    const container = new Container({
      name,
      folder: this.#folder(taskId),
      launch,
      command,
      isolated: this.#tools !== undefined,
      log: new LogFile(this.#logFile(taskId, name)),
    });
    this.#containers.set(keyOf(taskId, name), container);
    container.exited.then(
      exit => {
        if (this.#containers.get(keyOf(taskId, name)) === container) this.#containers.delete(keyOf(taskId, name));
        this.#groups?.remove(groupOf(taskId, name));
        exited(exit);
      },
      () => this.#containers.delete(keyOf(taskId, name)),
    );
    await container.started;
  }

  async check(taskId: string, name: string, command: readonly string[], timeoutSeconds: number): Promise<CheckAnswer> {
    const container = this.#containers.get(keyOf(taskId, name));
    if (!container) return 'unhealthy';
    const file = fileAsked(command);
    // lstat: a link that a student leaves there must not lead our look elsewhere.
    if (file)
      return lstatSync(realPath(container.launch.mounts, file), { throwIfNoEntry: false }) ? 'healthy' : 'unhealthy';
    const argv = command[0] === 'CMD-SHELL' ? ['/bin/sh', '-c', command[1] ?? ''] : command.slice(1);
    const pid = container.innerPid();
    if (this.#tools && pid === undefined) return 'unhealthy';
    const { launch } = container;
    const inside =
      this.#tools && pid !== undefined
        ? commandInside(this.#tools, launch, pid, argv)
        : plainCommand({ ...launch, argv });
    return (await container.ask(inside, timeoutSeconds)) ? 'healthy' : 'unhealthy';
  }

  checkPace(command: readonly string[]): number {
    return fileAsked(command) ? filePace : commandPace;
  }

  async halt(taskId: string, name: string, graceSeconds: number): Promise<void> {
    await this.#containers.get(keyOf(taskId, name))?.end(graceSeconds);
  }

  async release(taskId: string): Promise<void> {
    this.#volumes.delete(taskId);
    await this.#networks?.leave(taskId);
    await rm(this.#folder(taskId), { recursive: true, force: true });
  }

  forget(taskId: string): void {
    rmSync(path.dirname(this.#logFile(taskId, '')), { recursive: true, force: true });
  }

  logs(taskId: string, container: string, lines: number): Promise<string[]> {
    return lastLines(this.#logFile(taskId, container), lines);
  }

  async #volume(id: string, volume: NonNullable<DriverTask['volumes'][number]>): Promise<string> {
    const { efsVolumeConfiguration: efs } = volume;
    if (efs) {
      try {
        return await this.#options.fileSystems.mount(
          efs.fileSystemId ?? '',
          efs.authorizationConfig?.accessPointId ?? '',
        );
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new Error(
          `ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: ${why}`,
        );
      }
    }
    if (volume.host?.sourcePath) throw new Error('CannotCreateVolumeError: host folders are not available here');
    const folder = path.join(this.#folder(id), volume.name ?? '');
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o1777);
    return folder;
  }

  #mounts(taskId: string, definition: ContainerDefinition): Mount[] {
    const volumes = this.#volumes.get(taskId);
    return (definition.mountPoints ?? []).map(({ sourceVolume = '', containerPath = '', readOnly = false }) => ({
      source: volumes?.get(sourceVolume) ?? '',
      path: containerPath.replace(/\/+$/, ''),
      readOnly,
    }));
  }

  #hidden(): string[] {
    return [this.#options.directory, this.#options.logsDirectory, ...(this.#options.hidden ?? [])];
  }

  /** Short, for unix sockets in a volume must fit into about 100 characters. */
  #folder(taskId: string): string {
    return path.join(this.#options.directory, taskId.slice(0, 12));
  }

  #logFile(taskId: string, container: string): string {
    return path.join(this.#options.logsDirectory, taskId, `${container}.log`);
  }
}

function groupOf(taskId: string, container: string): string {
  return `${taskId.slice(0, 12)}-${container}`;
}

function keyOf(taskId: string, container: string): string {
  return `${taskId}/${container}`;
}
