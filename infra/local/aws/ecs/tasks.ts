import type {
  DescribeTasksRequest,
  DescribeTasksResponse,
  ListTasksRequest,
  ListTasksResponse,
  RunTaskRequest,
  RunTaskResponse,
  StopTaskRequest,
  StopTaskResponse,
  Tag,
  Task,
} from '@aws-sdk/client-ecs';
import type { Target, TargetGroups, TargetState } from '../ports.ts';
import { AwsError } from '../protocol.ts';
import type { Driver } from './driver.ts';
import type { Instances } from './instances.ts';
import { arnOf, lastPart, newTaskId, pageOf } from './names.ts';
import {
  type ClusterRecord,
  type InstanceRecord,
  reservedBy,
  type TaskDefinitionRecord,
  type TaskRecord,
  type TaskTarget,
} from './records.ts';
import type { Store } from './store.ts';
import { checkTags } from './tags.ts';
import { newContainers, type StopCause, TaskRun } from './task-run.ts';
import { showTask } from './task-view.ts';

/** Source: the SDK's comments on DescribeTasks, ListTasks and RunTask. */
const perCall = 100;
const runsPerCall = 10;

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
  readonly groups: readonly { readonly groupArn: string; readonly container: string; readonly port: number }[];
  readonly tags: readonly Tag[];
}

/** All tasks: their records, the runs that move them, and the operations about them. */
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
      for (const { groupArn, hostPort } of task.targets)
        void this.#targetGroups.deregister(groupArn, { id, port: hostPort });
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

  list(input: ListTasksRequest): ListTasksResponse {
    const cluster = this.#store.cluster(input.cluster);
    const wanted = input.desiredStatus ?? 'RUNNING';
    const key = this.#store.serviceKey(cluster, input.serviceName);
    if (input.serviceName && !this.#store.services.get(key))
      throw new AwsError('ServiceNotFoundException', 'Service not found.');
    const found = (input.serviceName ? this.#store.tasksOfSeen(key) : this.#store.tasksSeen()).filter(
      task =>
        task.cluster === cluster.name &&
        (wanted === 'STOPPED' ? task.desiredStatus === 'STOPPED' : task.desiredStatus === 'RUNNING') &&
        (!input.family || this.#store.definition(task.definition)?.family === input.family) &&
        (!input.startedBy || task.startedBy === input.startedBy) &&
        (!input.containerInstance || task.instance === lastPart(input.containerInstance)),
    );
    const { items, nextToken } = pageOf(
      found,
      ({ id }) => id,
      Math.min(input.maxResults ?? perCall, perCall),
      input.nextToken,
    );
    return { taskArns: items.map(({ arn }) => arn), nextToken };
  }

  describe(input: DescribeTasksRequest): DescribeTasksResponse {
    const cluster = this.#store.cluster(input.cluster);
    const references = input.tasks ?? [];
    if (references.length === 0) throw new AwsError('InvalidParameterException', 'Tasks cannot be empty.');
    if (references.length > perCall)
      throw new AwsError('InvalidParameterException', 'Tasks cannot have more than 100 elements.');
    const tasks: Task[] = [];
    const failures: { arn: string; reason: string }[] = [];
    for (const reference of references) {
      const found = this.#store.taskSeen(lastPart(reference));
      if (found?.cluster === cluster.name)
        tasks.push(showTask(this.#store, found, input.include?.includes('TAGS') ?? false));
      else
        failures.push({
          arn: arnOf(this.#store.place, `task/${cluster.name}/${lastPart(reference)}`),
          reason: 'MISSING',
        });
    }
    return { tasks, failures };
  }

  stopTask(input: StopTaskRequest): StopTaskResponse {
    const cluster = this.#store.cluster(input.cluster);
    const task = this.#store.task(lastPart(input.task ?? ''));
    if (!task || task.cluster !== cluster.name)
      throw new AwsError('InvalidParameterException', 'The referenced task was not found.');
    this.stop(task.id, { code: 'UserInitiated', reason: input.reason ?? 'Task stopped by user', failure: false });
    return { task: showTask(this.#store, this.#store.task(task.id) ?? task, true) };
  }

  run(input: RunTaskRequest): RunTaskResponse {
    const cluster = this.#store.cluster(input.cluster);
    const count = input.count ?? 1;
    if (count < 1 || count > runsPerCall)
      throw new AwsError('InvalidParameterException', 'count must be between 1 and 10.');
    checkTags(input.tags ?? []);
    const definition = this.#store.definition(input.taskDefinition ?? '');
    if (!definition) throw new AwsError('ClientException', 'TaskDefinition not found.');
    if (definition.status !== 'ACTIVE') throw new AwsError('ClientException', 'TaskDefinition is inactive');
    const tasks: Task[] = [];
    const failures: { arn: string; reason: string }[] = [];
    for (let made = 0; made < count; made++) {
      const placement = this.#instances.place(cluster.name, reservedBy(definition));
      if ('refusal' in placement) {
        failures.push({ arn: cluster.arn, reason: 'RESOURCE:MEMORY' });
        continue;
      }
      const { instance } = placement;
      const group = input.group ?? `family:${definition.family}`;
      const task = this.launch({
        cluster,
        definition,
        instance,
        group,
        startedBy: input.startedBy,
        groups: [],
        tags: input.tags ?? [],
      });
      tasks.push(showTask(this.#store, task, true));
    }
    return { tasks, failures };
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
