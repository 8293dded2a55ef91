import type { Tag } from '@aws-sdk/client-ecs';
import type { Target, TargetGroups, TargetState } from '../ports.ts';
import { newContainers } from './container-order.ts';
import type { Driver } from './driver.ts';
import type { Instances } from './instances.ts';
import { arnOf, newTaskId } from './names.ts';
import {
  type ClusterRecord,
  type InstanceRecord,
  reservedBy,
  type TaskDefinitionRecord,
  type TaskRecord,
  type TaskTarget,
} from './records.ts';
import type { Store } from './store.ts';
import { type StopCause, TaskRun } from './task-run.ts';

/** What the scheduler is told of tasks. */
export interface TaskListener {
  changed(task: TaskRecord): void;
  /** The task begins to stop. */
  stopping(task: TaskRecord, cause: StopCause): void;
  stopped(task: TaskRecord): void;
  registered(task: TaskRecord, targets: readonly TaskTarget[]): void;
  deregistering(task: TaskRecord, targets: readonly TaskTarget[]): void;
}

export interface Launch {
  readonly cluster: ClusterRecord;
  readonly definition: TaskDefinitionRecord;
  readonly instance: InstanceRecord;
  readonly service?: TaskRecord['service'];
  readonly group: string;
  readonly startedBy: string | undefined;
  readonly token?: TaskRecord['token'];
  readonly groups: readonly { readonly groupArn: string; readonly container: string; readonly port: number }[];
  readonly tags: readonly Tag[];
}

/** All tasks: their records, and the runs that move them. */
export class Tasks {
  readonly #store: Store;
  readonly #instances: Instances;
  readonly #driver: Driver;
  readonly #targetGroups: TargetGroups;
  readonly #listener: TaskListener;
  readonly #runs = new Map<string, TaskRun>();
  readonly #byTarget = new Map<string, string>();
  #abandoned = false;

  constructor(store: Store, instances: Instances, driver: Driver, targetGroups: TargetGroups, listener: TaskListener) {
    this.#store = store;
    this.#instances = instances;
    this.#driver = driver;
    this.#targetGroups = targetGroups;
    this.#listener = listener;
  }

  /** Starts a task on an instance that has room for it. */
  launch({ cluster, definition, instance, ...rest }: Launch): TaskRecord {
    const id = newTaskId();
    const task = this.#store.putTask({
      id,
      arn: arnOf(this.#store.place, `task/${cluster.name}/${id}`),
      cluster: cluster.name,
      version: 1,
      ...(rest.service ? { service: rest.service } : {}),
      group: rest.group,
      startedBy: rest.startedBy,
      ...(rest.token ? { token: rest.token } : {}),
      definition: definition.arn,
      instance: instance.id,
      reserved: reservedBy(definition),
      lastStatus: 'PROVISIONING',
      desiredStatus: 'RUNNING',
      containers: newContainers(definition),
      targets: [],
      served: false,
      createdAt: this.#store.clock.now(),
      tags: rest.tags,
    });
    this.#instances.reserve(instance.id, task.reserved);
    const run = new TaskRun({
      clock: this.#store.clock,
      driver: this.#driver,
      targetGroups: this.#targetGroups,
      definition,
      groups: rest.groups,
      ec2InstanceId: instance.ec2InstanceId,
      task: () => this.#store.task(id) ?? task,
      write: change => this.#write(id, change),
      stopping: cause => this.#listener.stopping(this.#store.task(id) ?? task, cause),
      registered: targets => this.#registered(id, instance, targets),
      deregistering: targets => this.#listener.deregistering(this.#store.task(id) ?? task, targets),
      stopped: () => this.#stopped(id, instance),
    });
    this.#runs.set(id, run);
    void run.start();
    return task;
  }

  stop(id: string, cause: StopCause): void {
    this.#runs.get(id)?.stop(cause);
  }

  /** Leaves all records as they are from here on: a next start closes the books. */
  abandon(): void {
    this.#abandoned = true;
    for (const run of this.#runs.values()) run.abandon();
  }

  /** Notes that a task has passed all its checks for the first time. */
  markServed(id: string): void {
    const task = this.#store.task(id);
    if (task && !task.served) this.#store.putTask({ ...task, served: true });
  }

  /** Notes what a balancer says of a target. */
  targetChanged(groupArn: string, target: Target, state: TargetState): void {
    const id = this.#byTarget.get(targetKey(groupArn, target));
    const task = id === undefined ? undefined : this.#store.task(id);
    if (!id || !task || task.lastStatus !== 'RUNNING') return;
    const targets = task.targets.map(own =>
      own.groupArn === groupArn && own.hostPort === target.port ? { ...own, state } : own,
    );
    this.#write(id, { targets });
  }

  /** Closes the books over tasks that an earlier life left behind: their processes are gone. */
  endLeftovers(): void {
    for (const task of this.#store.allTasks()) {
      if (task.lastStatus === 'STOPPED') continue;
      const id = this.#store.instances.get(task.instance)?.ec2InstanceId ?? '';
      for (const { groupArn, hostPort } of task.targets) void this.#leaveGroup(groupArn, { id, port: hostPort });
      this.#store.putTask({
        ...task,
        version: task.version + 1,
        lastStatus: 'STOPPED',
        desiredStatus: 'STOPPED',
        containers: task.containers.map(container => ({ ...container, lastStatus: 'STOPPED' })),
        targets: [],
        stopCode: task.stopCode ?? 'InfrastructureHealth',
        stoppedReason: task.stoppedReason ?? `Host EC2 (instance ${id}) stopped.`,
        stoppedAt: this.#store.clock.now(),
      });
    }
  }

  /** Forgets tasks that stopped before a time; answers whether stopped ones remain. */
  forget(before: number): boolean {
    let remain = false;
    for (const task of this.#store.allTasks()) {
      if (task.stoppedAt === undefined) continue;
      if (task.stoppedAt > before) remain = true;
      else {
        this.#store.deleteTask(task);
        this.#driver.forget(task.id);
      }
    }
    return remain;
  }

  /** A group that is gone needs no leaving. */
  async #leaveGroup(groupArn: string, target: Target): Promise<void> {
    try {
      await this.#targetGroups.deregister(groupArn, target);
    } catch {}
  }

  #write(id: string, change: Partial<TaskRecord>): void {
    const task = this.#store.task(id);
    if (!task || this.#abandoned) return;
    this.#listener.changed(this.#store.putTask({ ...task, ...change, version: task.version + 1 }));
  }

  #registered(id: string, instance: InstanceRecord, targets: readonly TaskTarget[]): void {
    for (const { groupArn, hostPort } of targets)
      this.#byTarget.set(targetKey(groupArn, { id: instance.ec2InstanceId, port: hostPort }), id);
    const task = this.#store.task(id);
    if (task) this.#listener.registered(task, targets);
  }

  #stopped(id: string, instance: InstanceRecord): void {
    this.#runs.delete(id);
    const task = this.#store.task(id);
    if (!task || this.#abandoned) return;
    for (const { groupArn, hostPort } of task.targets)
      this.#byTarget.delete(targetKey(groupArn, { id: instance.ec2InstanceId, port: hostPort }));
    this.#instances.free(instance.id, task.reserved);
    this.#listener.stopped(task);
  }
}

function targetKey(groupArn: string, { id, port }: Target): string {
  return `${groupArn} ${id}:${port}`;
}
