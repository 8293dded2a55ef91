import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import Docker from 'dockerode';
import type { FileSystems } from '../../ports.ts';
import type { CheckAnswer, ContainerExit, Driver, DriverContainer, DriverTask } from '../driver.ts';
import { containerOptions, type Engine, exitOf, nameOf, networkOptions, statusOf } from './docker-options.ts';
import { LogFile, lastLines } from './log-file.ts';
import { HostPorts } from './ports.ts';

export interface DockerDriverOptions {
  readonly fileSystems: FileSystems;
  /** Tells this installation's containers from others of the engine: what carries it is ended at start. */
  readonly installation: string;
  readonly logsDirectory: string;
  /** For containers that publish ports: they are in this machine's own network, for they report to its loopback. */
  readonly publishing?: Readonly<Record<string, string>>;
}

const shutdownSeconds = 5;
/** A command in a container is a process, and a round trip to the engine. */
const commandPace = 500;
const askEvery = 50;

/** The engine that DOCKER_HOST names, or the usual socket. Rejects with what to do when none answers. */
export async function findEngine(): Promise<Docker> {
  const docker = new Docker();
  const where = process.env['DOCKER_HOST'] || '/var/run/docker.sock';
  await docker.ping().catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`No container engine answers at ${where} (${why}). Start Docker, or leave --driver out.`, {
      cause,
    });
  });
  return docker;
}

/** Makes a driver whose containers are an engine's. */
export function createDockerDriver(docker: Docker, options: DockerDriverOptions): Driver {
  return new DockerDriver(docker, options);
}

class DockerDriver implements Driver {
  readonly #docker: Docker;
  readonly #options: DockerDriverOptions;
  readonly #engine: Engine;
  readonly #ports = new HostPorts();
  /** Where each volume of a task is: a folder of this machine, or a volume of the engine. */
  readonly #volumes = new Map<string, ReadonlyMap<string, string>>();
  readonly #running = new Map<string, Promise<unknown>>();
  #ended = false;

  constructor(docker: Docker, options: DockerDriverOptions) {
    this.#docker = docker;
    this.#options = options;
    this.#engine = { installation: options.installation, publishing: options.publishing ?? {} };
  }

  async start(): Promise<void> {
    mkdirSync(this.#options.logsDirectory, { recursive: true, mode: 0o700 });
    const filters = { label: [`armada.local=${this.#options.installation}`] };
    for (const { Id } of await this.#docker.listContainers({ all: true, filters }))
      await this.#docker.getContainer(Id).remove({ force: true }).catch(unlessGone);
    for (const { Name } of (await this.#docker.listVolumes({ filters })).Volumes)
      await this.#docker.getVolume(Name).remove().catch(unlessGone);
    const network = networkOptions(this.#engine);
    const known = await this.#docker.listNetworks({ filters: { name: [network.Name] } });
    if (!known.some(({ Name }) => Name === network.Name)) await this.#docker.createNetwork(network);
  }

  async stop(): Promise<void> {
    this.#ended = true;
    await Promise.all([...this.#running.keys()].map(name => this.#end(name, shutdownSeconds)));
    await Promise.all(this.#running.values());
    await this.#docker.getNetwork(networkOptions(this.#engine).Name).remove().catch(unlessGone);
  }

  takePort(wanted: number): Promise<number> {
    return this.#ports.take(wanted);
  }

  givePort(port: number): void {
    this.#ports.give(port);
  }

  async pull(image: string): Promise<void> {
    const there = await this.#docker
      .getImage(image)
      .inspect()
      .catch((error: unknown) => (statusOf(error) === 404 ? undefined : Promise.reject(error)));
    if (there) return;
    try {
      const progress = await this.#docker.pull(image);
      await new Promise<void>((resolve, reject) => {
        this.#docker.modem.followProgress(progress, error => (error ? reject(error) : resolve()));
      });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`CannotPullContainerError: Error response from daemon: ${why}`, { cause: error });
    }
  }

  async prepare({ id, volumes }: DriverTask): Promise<void> {
    const found = new Map<string, string>();
    for (const volume of volumes) found.set(volume.name ?? '', await this.#volume(id, volume));
    this.#volumes.set(id, found);
  }

  async run(taskId: string, given: DriverContainer, exited: (exit: ContainerExit) => void): Promise<void> {
    if (this.#ended) throw new Error('CannotStartContainerError: this machine is stopping');
    const options = containerOptions(this.#engine, taskId, given, this.#volumes.get(taskId) ?? new Map());
    const container = await this.#docker.createContainer(options).catch((cause: unknown) => {
      throw new Error(`CannotCreateContainerError: ${cause instanceof Error ? cause.message : cause}`, { cause });
    });
    const log = new LogFile(this.#logFile(taskId, given.definition.name ?? ''));
    try {
      await this.#follow(container, log);
      // Asked before the start, so that no end is missed.
      const ended = container.wait({ condition: 'next-exit' });
      ended.catch(() => undefined);
      await container.start();
      const over = ended.then(
        () => this.#buried(container),
        () => ({ exitCode: 137 }),
      );
      this.#running.set(options.name, over);
      void over.then(exit => {
        this.#running.delete(options.name);
        log.close();
        exited(exit);
      });
    } catch (cause) {
      log.close();
      await container.remove({ force: true }).catch(unlessGone);
      throw new Error(`CannotStartContainerError: ${cause instanceof Error ? cause.message : cause}`, { cause });
    }
  }

  async check(taskId: string, name: string, command: readonly string[], timeoutSeconds: number): Promise<CheckAnswer> {
    const Cmd = command[0] === 'CMD-SHELL' ? ['/bin/sh', '-c', command[1] ?? ''] : command.slice(1);
    const until = performance.now() + timeoutSeconds * 1000;
    try {
      const exec = await this.#docker.getContainer(nameOf(this.#engine, taskId, name)).exec({ Cmd });
      await exec.start({ Detach: true });
      while (performance.now() < until) {
        const { Running, ExitCode } = await exec.inspect();
        if (!Running) return ExitCode === 0 ? 'healthy' : 'unhealthy';
        await delay(askEvery);
      }
    } catch {
      // It ended meanwhile, or the engine did.
    }
    return 'unhealthy';
  }

  checkPace(): number {
    return commandPace;
  }

  async halt(taskId: string, container: string, graceSeconds: number): Promise<void> {
    const name = nameOf(this.#engine, taskId, container);
    await this.#end(name, graceSeconds);
    await this.#running.get(name);
  }

  async release(taskId: string): Promise<void> {
    const volumes = [...(this.#volumes.get(taskId)?.values() ?? [])].filter(each => !path.isAbsolute(each));
    this.#volumes.delete(taskId);
    for (const volume of volumes) await this.#docker.getVolume(volume).remove().catch(unlessGone);
  }

  forget(taskId: string): void {
    rmSync(path.dirname(this.#logFile(taskId, '')), { recursive: true, force: true });
  }

  logs(taskId: string, container: string, lines: number): Promise<string[]> {
    return lastLines(this.#logFile(taskId, container), lines);
  }

  async #volume(id: string, volume: DriverTask['volumes'][number]): Promise<string> {
    const { efsVolumeConfiguration: efs, name = '' } = volume;
    if (volume.host?.sourcePath) throw new Error('CannotCreateVolumeError: host folders are not available here');
    if (!efs) {
      const Name = nameOf(this.#engine, id, name);
      await this.#docker.createVolume({ Name, Labels: { 'armada.local': this.#options.installation } });
      return Name;
    }
    const accessPoint = efs.authorizationConfig?.accessPointId ?? '';
    return this.#options.fileSystems.mount(efs.fileSystemId ?? '', accessPoint).catch((cause: unknown) => {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: ${why}`);
    });
  }

  async #follow(container: Docker.Container, log: LogFile): Promise<void> {
    const both = await container.attach({ stream: true, stdout: true, stderr: true });
    const [out, err] = [new PassThrough(), new PassThrough()];
    this.#docker.modem.demuxStream(both, out, err);
    both.once('end', () => {
      out.end();
      err.end();
    });
    log.follow(out);
    log.follow(err);
  }

  async #end(name: string, graceSeconds: number): Promise<void> {
    await this.#docker.getContainer(name).stop({ t: graceSeconds }).catch(unlessGone);
  }

  /** How it ended; then nothing of it is left. */
  async #buried(container: Docker.Container): Promise<ContainerExit> {
    const exit = await container.inspect().then(exitOf, () => ({ exitCode: 137 }));
    await container.remove({ force: true }).catch(unlessGone);
    return exit;
  }

  #logFile(taskId: string, container: string): string {
    return path.join(this.#options.logsDirectory, taskId, `${container}.log`);
  }
}

/** Not there, stopped already, or being removed: what was wanted. */
function unlessGone(error: unknown): void {
  if (![304, 404, 409].includes(statusOf(error) ?? 0)) throw error;
}
