import type { Clock } from '../clock.ts';
import { AwsError } from '../protocol.ts';
import type { State, Table, Watcher } from '../state.ts';
import { lastPart, type Place } from './names.ts';
import {
  type CapacityProviderRecord,
  type ClusterRecord,
  familyOf,
  type InstanceRecord,
  type ServiceRecord,
  type TaskDefinitionRecord,
  type TaskRecord,
} from './records.ts';

/** The tables of ECS, and the lookups by name or ARN that all operations share. */
export class Store {
  readonly place: Place;
  readonly clock: Clock;
  readonly clusters: Table<ClusterRecord>;
  readonly providers: Table<CapacityProviderRecord>;
  readonly definitions: Table<TaskDefinitionRecord>;
  /** The last revision of each family: numbers are never used again, not even after deletion. */
  readonly families: Table<{ readonly last: number }>;
  readonly services: Table<ServiceRecord>;
  readonly instances: Table<InstanceRecord>;
  readonly #tasks: Table<TaskRecord>;
  readonly #byIndex = new Map<string, Set<string>>();
  readonly #state: State;

  constructor(state: State, place: Place) {
    this.place = place;
    this.clock = state.clock;
    this.#state = state;
    this.clusters = state.table('ecs.cluster');
    this.providers = state.table('ecs.capacity-provider');
    this.definitions = state.table('ecs.task-definition');
    this.families = state.table('ecs.family');
    this.services = state.table('ecs.service');
    this.instances = state.table('ecs.container-instance');
    this.#tasks = state.table('ecs.task');
    for (const task of this.#tasks.all()) this.#index(task);
  }

  /** Tells of each write of a task, a service or a container instance. */
  watch(watchers: {
    readonly task: Watcher<TaskRecord>;
    readonly service: Watcher<ServiceRecord>;
    readonly instance: Watcher<InstanceRecord>;
  }): void {
    this.#tasks.watch(watchers.task);
    this.services.watch(watchers.service);
    this.instances.watch(watchers.instance);
  }

  task(id: string): TaskRecord | undefined {
    return this.#tasks.get(id);
  }

  taskSeen(id: string): TaskRecord | undefined {
    return this.#tasks.seen(id);
  }

  allTasks(): TaskRecord[] {
    return this.#tasks.all();
  }

  tasksSeen(): TaskRecord[] {
    return this.#tasks.seenAll();
  }

  /** Every task of a service's name (`cluster/name`) or of a family (`familyIndex`), stopped ones too. */
  tasksOf(index: string): TaskRecord[] {
    return [...(this.#byIndex.get(index) ?? [])].map(id => this.#tasks.get(id)).filter(task => task !== undefined);
  }

  /** The same as an eventually consistent list finds them. */
  tasksOfSeen(index: string): TaskRecord[] {
    const ids = [...(this.#byIndex.get(index) ?? [])];
    if (this.#state.consistency.shuffled) ids.reverse();
    return ids.map(id => this.#tasks.seen(id)).filter(task => task !== undefined);
  }

  putTask(task: TaskRecord): TaskRecord {
    this.#index(task);
    return this.#tasks.put(task.id, task);
  }

  deleteTask(task: TaskRecord): void {
    this.#tasks.delete(task.id);
    for (const index of indexesOf(task)) this.#byIndex.get(index)?.delete(task.id);
  }

  /** The cluster that an operation is about, or ClusterNotFoundException. */
  cluster(nameOrArn: string | undefined): ClusterRecord {
    const found = this.clusters.get(lastPart(nameOrArn ?? 'default'));
    if (!found) throw new AwsError('ClusterNotFoundException', 'Cluster not found.');
    return found;
  }

  /** A task definition by ARN, `family:revision`, or family for its newest ACTIVE revision. */
  definition(reference: string): TaskDefinitionRecord | undefined {
    const name = lastPart(reference);
    if (name.includes(':')) return this.definitions.get(name);
    for (let revision = this.families.get(name)?.last ?? 0; revision > 0; revision--) {
      const found = this.definitions.get(`${name}:${revision}`);
      if (found?.status === 'ACTIVE') return found;
    }
    return undefined;
  }

  serviceKey(cluster: ClusterRecord, nameOrArn: string | undefined): string {
    return `${cluster.name}/${lastPart(nameOrArn ?? '')}`;
  }

  /** One transaction of the file for several writes: once on disk instead of many times. */
  atomically<R>(work: () => R): R {
    return this.#state.atomically(work);
  }

  #index(task: TaskRecord): void {
    for (const index of indexesOf(task)) {
      const ids = this.#byIndex.get(index) ?? new Set();
      this.#byIndex.set(index, ids.add(task.id));
    }
  }
}

/** Under which a family's tasks are found; no service's key looks like it. */
export function familyIndex(family: string): string {
  return `family:${family}`;
}

function indexesOf(task: TaskRecord): string[] {
  return [familyIndex(familyOf(task)), ...(task.service ? [task.service.key] : [])];
}
