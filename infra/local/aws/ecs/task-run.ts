import type { ContainerDefinition } from '@aws-sdk/client-ecs';
import type { Clock } from '../clock.ts';
import type { TargetGroups } from '../ports.ts';
import { mayRestart, mayStart, stopLayers } from './container-order.ts';
import type { ContainerExit, Driver } from './driver.ts';
import { HealthWatch } from './health.ts';
import type { ContainerRecord, TaskDefinitionRecord, TaskRecord, TaskTarget } from './records.ts';

/** Why a task ends. `failure`: it counts against its deployment and its service's patience. */
export interface StopCause {
  readonly code: NonNullable<TaskRecord['stopCode']>;
  readonly reason: string;
  readonly failure: boolean;
}

/** What a run needs of the world; `write` stores a change of the task's record and tells the scheduler. */
export interface RunContext {
  readonly clock: Clock;
  readonly driver: Driver;
  readonly targetGroups: TargetGroups;
  readonly definition: TaskDefinitionRecord;
  /** Where the service wants the task registered. */
  readonly groups: readonly { readonly groupArn: string; readonly container: string; readonly port: number }[];
  readonly ec2InstanceId: string;
  task(): TaskRecord;
  write(change: Partial<TaskRecord>): void;
  /** Called once, when the task begins to stop. */
  stopping(cause: StopCause): void;
  registered(targets: readonly TaskTarget[]): void;
  deregistering(targets: readonly TaskTarget[]): void;
  stopped(): void;
}

const defaultStopTimeout = 30;
/** One task's life, from PROVISIONING to STOPPED: the container agent's part. */
export class TaskRun {
  readonly #context: RunContext;
  readonly #containers: readonly ContainerDefinition[];
  readonly #watches = new Map<string, HealthWatch>();
  readonly #starting = new Map<string, Promise<void>>();
  readonly #ports: number[] = [];
  #cause: StopCause | undefined;
  #deregistered: Promise<unknown> = Promise.resolve();

  constructor(context: RunContext) {
    this.#context = context;
    this.#containers = context.definition.input.containerDefinitions ?? [];
  }

  /** Fetches images, makes volumes and starts the first containers. Never rejects: what fails ends the task. */
  async start(): Promise<void> {
    const { clock, driver, definition } = this.#context;
    this.#context.write({ lastStatus: 'PENDING', pullStartedAt: clock.now() });
    const images = new Set(this.#containers.map(({ image }) => image ?? ''));
    try {
      await Promise.all([...images].map(image => this.#pull(image)));
      if (this.#cause) return;
      this.#context.write({ pullStoppedAt: clock.now() });
      await driver.prepare({ id: this.#context.task().id, volumes: definition.input.volumes ?? [] });
      this.#advance();
    } catch (error) {
      this.stop({ code: 'TaskFailedToStart', reason: messageOf(error), failure: true });
    }
  }

  /** Begins the end; later calls change nothing. */
  stop(cause: StopCause): void {
    if (this.#cause) return;
    this.#cause = cause;
    this.#context.write({
      desiredStatus: 'STOPPED',
      stopCode: cause.code,
      stoppedReason: cause.reason,
      stoppingAt: this.#context.clock.now(),
    });
    this.#context.stopping(cause);
    void this.#end();
  }

  /** Watches nothing any more. */
  abandon(): void {
    for (const watch of this.#watches.values()) watch.stop();
  }

  async #pull(image: string): Promise<void> {
    try {
      await this.#context.driver.pull(image);
    } catch (error) {
      for (const { name, image: own } of this.#containers)
        if (own === image && name) this.#change(name, { reason: messageOf(error) });
      throw error;
    }
  }

  /** Starts what may start by now; RUNNING once everything was started. */
  #advance(): void {
    if (this.#cause || this.#context.task().lastStatus !== 'PENDING') return;
    for (const definition of this.#containers) {
      const name = definition.name ?? '';
      if (this.#starting.has(name) || !mayStart(definition, this.#context.task().containers)) continue;
      this.#starting.set(name, this.#startContainer(definition));
    }
    const records = this.#context.task().containers;
    if (records.some(({ lastStatus }) => lastStatus === 'PENDING')) return;
    try {
      this.#activate();
    } catch (error) {
      // The target group was deleted meanwhile.
      this.stop({
        code: 'TaskFailedToStart',
        reason: `unable to register targets: ${messageOf(error)}`,
        failure: true,
      });
    }
  }

  async #startContainer(definition: ContainerDefinition): Promise<void> {
    const name = definition.name ?? '';
    const { driver } = this.#context;
    try {
      const ports = this.#record(name)?.ports ?? [];
      if (ports.length === 0)
        for (const { containerPort = 0, hostPort = 0 } of definition.portMappings ?? []) {
          const taken = await driver.takePort(hostPort);
          this.#ports.push(taken);
          this.#change(name, { ports: [...(this.#record(name)?.ports ?? []), { containerPort, hostPort: taken }] });
        }
      if (this.#cause) return;
      const container = { definition, ports: this.#record(name)?.ports ?? [] };
      await driver.run(this.#context.task().id, container, exit => this.#exited(definition, exit));
      if (this.#record(name)?.lastStatus !== 'PENDING') return;
      this.#change(name, { lastStatus: 'RUNNING', startedAt: this.#context.clock.now() });
      this.#watch(definition);
      this.#advance();
    } catch (error) {
      this.#change(name, { lastStatus: 'STOPPED', reason: messageOf(error) });
      this.stop({ code: 'TaskFailedToStart', reason: 'Task failed to start', failure: true });
    }
  }

  #watch({ name = '', healthCheck }: ContainerDefinition): void {
    if (!healthCheck || healthCheck.command?.[0] === 'NONE' || this.#cause) return;
    const { clock, driver } = this.#context;
    const id = this.#context.task().id;
    const watch = new HealthWatch({
      clock,
      check: healthCheck,
      pace: driver.checkPace(healthCheck.command ?? []),
      ask: (command, timeout) => driver.check(id, name, command, timeout),
      changed: healthStatus => this.#healthChanged(name, healthStatus),
    });
    this.#watches.set(name, watch);
  }

  #healthChanged(name: string, healthStatus: 'HEALTHY' | 'UNHEALTHY'): void {
    this.#change(name, { healthStatus });
    if (healthStatus === 'UNHEALTHY' && this.#isAwaited(name, 'HEALTHY')) {
      const reason = `Task failed to start: container ${name} that others depend on did not become healthy`;
      this.stop({ code: 'TaskFailedToStart', reason, failure: true });
    } else this.#advance();
  }

  #exited(definition: ContainerDefinition, exit: ContainerExit): void {
    const name = definition.name ?? '';
    const record = this.#record(name);
    this.#watches.get(name)?.stop();
    if (!this.#cause && record && mayRestart(definition, record, exit, this.#context.clock.now())) {
      this.#change(name, { lastStatus: 'PENDING', healthStatus: 'UNKNOWN' });
      this.#starting.set(name, this.#startContainer(definition));
      return;
    }
    this.#change(name, {
      lastStatus: 'STOPPED',
      exitCode: exit.exitCode,
      ...(exit.reason ? { reason: exit.reason } : {}),
    });
    if (definition.essential !== false)
      this.stop({ code: 'EssentialContainerExited', reason: 'Essential container in task exited', failure: true });
    else if (exit.exitCode !== 0 && this.#isAwaited(name, 'SUCCESS')) {
      const reason = `Task failed to start: container ${name} that others depend on did not succeed`;
      this.stop({ code: 'TaskFailedToStart', reason, failure: true });
    } else this.#advance();
  }

  /** Whether a container that has not been started waits for this of another. */
  #isAwaited(name: string, condition: 'HEALTHY' | 'SUCCESS'): boolean {
    const left = this.#containers.filter(container => !this.#starting.has(container.name ?? ''));
    return left.some(({ dependsOn }) => dependsOn?.some(d => d.containerName === name && d.condition === condition));
  }

  #activate(): void {
    const { groups, targetGroups, clock } = this.#context;
    if (groups.length > 0) this.#context.write({ lastStatus: 'ACTIVATING' });
    const targets = groups.map(({ groupArn, container, port }): TaskTarget => {
      const hostPort =
        this.#record(container)?.ports.find(({ containerPort }) => containerPort === port)?.hostPort ?? 0;
      targetGroups.register(groupArn, this.#address(hostPort));
      return { groupArn, hostPort, state: targetGroups.health(groupArn, this.#address(hostPort)) ?? 'initial' };
    });
    this.#context.write({ lastStatus: 'RUNNING', startedAt: clock.now(), targets });
    if (targets.length > 0) this.#context.registered(targets);
  }

  async #end(): Promise<void> {
    const task = this.#context.task();
    if (task.targets.length > 0) {
      this.#context.write({ lastStatus: 'DEACTIVATING' });
      this.#context.deregistering(task.targets);
      // async: a group that is gone must not keep the task from ending.
      const gone = task.targets.map(async ({ groupArn, hostPort }) =>
        this.#context.targetGroups.deregister(groupArn, this.#address(hostPort)),
      );
      this.#deregistered = Promise.allSettled(gone);
      // A task that ended by itself has nothing left to drain.
      if (this.#cause?.code !== 'EssentialContainerExited') await this.#deregistered;
    }
    this.#context.write({ lastStatus: 'STOPPING' });
    await this.#stopContainers();
    for (const watch of this.#watches.values()) watch.stop();
    this.#context.write({ lastStatus: 'DEPROVISIONING' });
    await this.#context.driver.release(task.id).catch(() => {});
    // A port goes to the next task only when no balancer sends this one's visitors there.
    void this.#deregistered.then(() => {
      for (const port of this.#ports) this.#context.driver.givePort(port);
    });
    const containers = this.#context
      .task()
      .containers.map(container => ({ ...container, lastStatus: 'STOPPED' as const }));
    this.#context.write({ lastStatus: 'STOPPED', stoppedAt: this.#context.clock.now(), containers });
    this.#context.stopped();
  }

  /** Dependants first, then what they depend on. */
  async #stopContainers(): Promise<void> {
    const { driver } = this.#context;
    const id = this.#context.task().id;
    for (const layer of stopLayers(this.#containers))
      await Promise.all(
        layer.map(async ({ name = '', stopTimeout }) => {
          await this.#starting.get(name);
          if (this.#starting.has(name)) await driver.halt(id, name, stopTimeout ?? defaultStopTimeout);
        }),
      );
  }

  #address(port: number): { readonly id: string; readonly port: number } {
    return { id: this.#context.ec2InstanceId, port };
  }

  #record(name: string): ContainerRecord | undefined {
    return this.#context.task().containers.find(container => container.name === name);
  }

  #change(name: string, change: Partial<ContainerRecord>): void {
    const containers = this.#context.task().containers.map(own => (own.name === name ? { ...own, ...change } : own));
    this.#context.write({ containers });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
