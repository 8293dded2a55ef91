import path from 'node:path';
import type { ContainerCreateOptions, ContainerInspectInfo, NetworkCreateOptions } from 'dockerode';
import type { ContainerExit, DriverContainer } from '../driver.ts';

/** What all containers of one installation share. */
export interface Engine {
  readonly installation: string;
  /** Environment of containers that publish ports. */
  readonly publishing: Readonly<Record<string, string>>;
}

/** Far above what an editor and its tools start, far below what a machine bears. */
const pids = 1024;
const mebibyte = 2 ** 20;

/** Name of a container, or of a task's own volume, in the engine. */
export function nameOf({ installation }: Engine, taskId: string, part: string): string {
  return `${installation}-${taskId.slice(0, 12)}-${part}`;
}

/** A bridge on which containers don't reach each other. */
export function networkOptions({ installation }: Engine): NetworkCreateOptions {
  return {
    Name: `${installation}-tasks`,
    Driver: 'bridge',
    Options: { 'com.docker.network.bridge.enable_icc': 'false' },
    Labels: { 'armada.local': installation },
  };
}

/**
 * A container of a task definition as the engine makes it: with the limits that ECS gives it, and fewer rights. Who
 * publishes a port is in this machine's network and listens on the host port itself.
 */
export function containerOptions(
  engine: Engine,
  taskId: string,
  { definition, ports }: DriverContainer,
  volumes: ReadonlyMap<string, string>,
): ContainerCreateOptions & { readonly name: string } {
  const publishes = ports.length > 0;
  const own = Object.fromEntries((definition.environment ?? []).map(({ name = '', value = '' }) => [name, value]));
  const port = ports.find(({ containerPort }) => String(containerPort) === own['PORT']);
  const environment = {
    ...own,
    ...(publishes ? engine.publishing : {}),
    ...(port ? { PORT: String(port.hostPort) } : {}),
  };
  return {
    name: nameOf(engine, taskId, definition.name ?? ''),
    Image: definition.image ?? '',
    Env: Object.entries(environment).map(pair => pair.join('=')),
    Labels: { 'armada.local': engine.installation, 'armada.task': taskId },
    ...(definition.command ? { Cmd: [...definition.command] } : {}),
    ...(definition.entryPoint ? { Entrypoint: [...definition.entryPoint] } : {}),
    ...(definition.user ? { User: definition.user } : {}),
    ...(definition.workingDirectory ? { WorkingDir: definition.workingDirectory } : {}),
    HostConfig: {
      Binds: (definition.mountPoints ?? []).map(
        ({ sourceVolume = '', containerPath = '', readOnly }) =>
          `${volumes.get(sourceVolume) ?? path.sep}:${containerPath}${readOnly ? ':ro' : ''}`,
      ),
      ...(definition.memory ? { Memory: definition.memory * mebibyte, MemorySwap: definition.memory * mebibyte } : {}),
      ...(definition.memoryReservation ? { MemoryReservation: definition.memoryReservation * mebibyte } : {}),
      ...(definition.cpu ? { CpuShares: definition.cpu } : {}),
      PidsLimit: pids,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Init: definition.linuxParameters?.initProcessEnabled ?? false,
      NetworkMode: publishes ? 'host' : networkOptions(engine).Name,
    },
  };
}

/** How a container ended, in AWS's words. */
export function exitOf({ State }: ContainerInspectInfo): ContainerExit {
  const { ExitCode: exitCode, OOMKilled } = State;
  return OOMKilled ? { exitCode, reason: 'OutOfMemoryError: Container killed due to memory usage' } : { exitCode };
}

/** HTTP status with which the engine refused something. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : undefined;
}
