import type { ContainerDefinition, Volume } from '@aws-sdk/client-ecs';
import type { PortBinding } from './records.ts';

/** A task as a driver is told of it. */
export interface DriverTask {
  readonly id: string;
  readonly volumes: readonly Volume[];
}

/** One container of it, with the host ports that it was given. */
export interface DriverContainer {
  readonly definition: ContainerDefinition;
  readonly ports: readonly PortBinding[];
}

/** How a container ended. `reason` in AWS's words where there is one, such as `OutOfMemoryError: …`. */
export interface ContainerExit {
  readonly exitCode: number;
  readonly reason?: string;
}

/** `unchanging`: healthy, and the driver knows that asking again gives nothing new. */
export type CheckAnswer = 'healthy' | 'unhealthy' | 'unchanging';

/**
 * Runs containers. The scheduler decides what runs where; a driver only starts and stops, and reports ends by calling
 * `exited` exactly once per started container. What `pull`, `prepare` and `run` throw carries AWS's reason as its
 * message (`CannotPullContainerError: …`).
 */
export interface Driver {
  /** Ends what an earlier life left behind; called once, before anything else. */
  start(): Promise<void>;
  /** Ends every container, with little patience; resolves when all are gone. */
  stop(): Promise<void>;
  /** A host port that nobody else has until it is given back. */
  takePort(wanted: number): Promise<number>;
  givePort(port: number): void;
  /** Resolves once the image can be run. */
  pull(image: string): Promise<void>;
  /** Makes or mounts the task's volumes. */
  prepare(task: DriverTask): Promise<void>;
  run(taskId: string, container: DriverContainer, exited: (exit: ContainerExit) => void): Promise<void>;
  /** Answers a container's health check (`CMD …` or `CMD-SHELL …`). */
  check(taskId: string, container: string, command: readonly string[], timeoutSeconds: number): Promise<CheckAnswer>;
  /** How long to wait between checks before the first success, in milliseconds. */
  checkPace(command: readonly string[]): number;
  /** SIGTERM, then SIGKILL; resolves when the container is gone. */
  halt(taskId: string, container: string, graceSeconds: number): Promise<void>;
  /** Removes the task's own volumes. */
  release(taskId: string): Promise<void>;
  /** Forgets a stopped task's logs. */
  forget(taskId: string): void;
  /** The last lines that a container wrote, oldest first. */
  logs(taskId: string, container: string, lines: number): Promise<string[]>;
}
