import type { TargetGroups } from '../ports.ts';
import { withFailure } from './failures.ts';
import type { Instances } from './instances.ts';
import { isServing, nextStep, rollout } from './plan.ts';
import {
  type ClusterRecord,
  reservedBy,
  type ServiceRecord,
  type Size,
  type TaskRecord,
  type TaskTarget,
} from './records.ts';
import { guide, withEvent } from './service-events.ts';
import type { Store } from './store.ts';
import type { StopCause } from './task-run.ts';
import type { TaskListener, Tasks } from './tasks.ts';

/**
 * The service scheduler: brings each service's tasks to what was asked, woken by what happens and never by polling. A
 * settled service has no timer.
 */
export class Scheduler implements TaskListener {
  readonly #store: Store;
  readonly #instances: Instances;
  readonly #targetGroups: TargetGroups;
  readonly #dirty = new Set<string>();
  /** Services whose next task finds no room, in order of asking. */
  readonly #waiting = new Map<string, { readonly cluster: string; readonly size: Size }>();
  readonly #roomy = new Set<string>();
  /** Clusters that had no room for a task since the last look at how many hosts that takes. */
  readonly #lacking = new Set<string>();
  readonly #timers = new Map<string, { readonly at: number; cancel(): void }>();
  readonly #onStopped: () => void;
  #tasks: Tasks | undefined;
  #leave = () => {};
  #drains = false;
  #ended = false;

  /** `onStopped` is called when a task or a service has come to its end: there is something to forget later. */
  constructor(store: Store, instances: Instances, targetGroups: TargetGroups, onStopped: () => void) {
    this.#store = store;
    this.#instances = instances;
    this.#targetGroups = targetGroups;
    this.#onStopped = onStopped;
  }

  /** Joins the tasks, which were made with this scheduler as their listener. */
  join(tasks: Tasks): void {
    this.#tasks = tasks;
    this.#leave = this.#targetGroups.onHealth((arn, target, state) => tasks.targetChanged(arn, target, state));
  }

  /** Nothing is started, replaced or counted from here on. */
  end(): void {
    this.#ended = true;
    this.#leave();
    for (const { cancel } of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  /** Looks at a service soon: after the present operation, before anything else. */
  wake(key: string): void {
    this.#dirty.add(key);
    this.#drainSoon();
  }

  /** A cluster has more room than before: those who wait for it are looked at in their order, while there is some. */
  roomFreed(cluster: string): void {
    this.#roomy.add(cluster);
    this.#drainSoon();
  }

  changed(task: TaskRecord): void {
    if (task.service) this.wake(task.service.key);
  }

  stopping(task: TaskRecord, cause: StopCause): void {
    const service = this.#ownerOf(task);
    if (!service || !cause.failure || this.#ended || service.status !== 'ACTIVE') return;
    this.#store.services.put(service.key, withFailure(service, task, this.#store.clock.now()));
  }

  stopped(task: TaskRecord): void {
    if (this.#ended) return;
    if (task.service) this.wake(task.service.key);
    this.#onStopped();
  }

  registered(task: TaskRecord, targets: readonly TaskTarget[]): void {
    for (const { groupArn } of targets) this.#tell(task, `registered 1 targets in (target-group ${groupArn})`);
  }

  deregistering(task: TaskRecord, targets: readonly TaskTarget[]): void {
    for (const { groupArn } of targets) this.#tell(task, `deregistered 1 targets in (target-group ${groupArn})`);
    this.#tell(task, 'has begun draining connections on 1 tasks.');
  }

  #tell(task: TaskRecord, message: string): void {
    const service = this.#ownerOf(task);
    if (service) this.#store.services.put(service.key, withEvent(service, this.#store.clock.now(), message));
  }

  /** The service that a task belongs to, if it is still that one. */
  #ownerOf(task: TaskRecord): ServiceRecord | undefined {
    const service = task.service && this.#store.services.get(task.service.key);
    return service?.uid === task.service?.uid ? service : undefined;
  }

  #drainSoon(): void {
    if (this.#drains) return;
    this.#drains = true;
    queueMicrotask(() => this.#drain());
  }

  #drain(): void {
    while (!this.#ended) {
      const key = this.#next();
      if (key === undefined) break;
      this.#dirty.delete(key);
      const service = this.#store.services.get(key);
      if (service && service.status !== 'INACTIVE') this.#reconcile(service);
    }
    for (const cluster of this.#lacking)
      this.#instances.grow(
        cluster,
        [...this.#waiting.values()].filter(waiting => waiting.cluster === cluster).map(({ size }) => size),
      );
    this.#lacking.clear();
    this.#drains = false;
  }

  /** The next service to look at: one to which something happened, else the first that waits for room and has some now. */
  #next(): string | undefined {
    const [dirty] = this.#dirty;
    if (dirty !== undefined) return dirty;
    for (const cluster of this.#roomy) {
      const tooBig = new Set<string>();
      for (const [key, waiting] of this.#waiting) {
        const size = `${waiting.size.memory} ${waiting.size.cpu}`;
        if (waiting.cluster !== cluster || tooBig.has(size)) continue;
        if ('instance' in this.#instances.place(cluster, waiting.size)) {
          this.#waiting.delete(key);
          return key;
        }
        tooBig.add(size);
      }
      this.#roomy.delete(cluster);
    }
    return undefined;
  }

  #reconcile(service: ServiceRecord): void {
    const { key } = service;
    const now = this.#store.clock.now();
    const tasks = this.#store
      .tasksOf(key)
      .filter(task => task.service?.uid === service.uid && task.lastStatus !== 'STOPPED');
    for (const task of tasks) this.#judge(service, task, now);
    const live = tasks.map(({ id }) => this.#store.task(id)).filter(task => task !== undefined);
    for (const task of live)
      if (!task.served && isServing(task, this.#definitionOf(task))) this.#tasks?.markServed(task.id);
    const own = this.#store.services.get(key) ?? service;
    const isReady = (task: TaskRecord) => isServing(task, this.#definitionOf(task));
    const step = nextStep(own, live, isReady);
    for (const task of step.stop)
      this.#tasks?.stop(task.id, { code: 'ServiceSchedulerInitiated', reason: step.reason(task), failure: false });
    this.#note(
      key,
      step.stop.length > 0 ? `has stopped ${step.stop.length} running tasks: ${namesOf(step.stop)}.` : undefined,
    );
    this.#start(key, step.start, now);
    const latest = this.#store.services.get(key) ?? own;
    const current = this.#store
      .tasksOf(key)
      .filter(task => task.service?.uid === service.uid && task.lastStatus !== 'STOPPED');
    const next = rollout(latest, current, isReady, now);
    let told = next.service;
    for (const message of next.messages) told = withEvent(told, now, message);
    if (told !== latest) this.#store.services.put(key, told);
    if (told.status === 'INACTIVE') this.#onStopped();
  }

  /** Replaces a task that its checks say is unwell, once its grace period is over. */
  #judge(service: ServiceRecord, task: TaskRecord, now: number): void {
    if (task.desiredStatus !== 'RUNNING' || task.startedAt === undefined) return;
    const sick = task.targets.find(({ state }) => state === 'unhealthy');
    const container = task.containers.find(({ healthStatus }) => healthStatus === 'UNHEALTHY');
    if (!sick && !container) return;
    const graceEnds = task.startedAt + (service.settings.graceSeconds ?? 0) * 1000;
    if (now < graceEnds) {
      this.#wakeAt(service.key, graceEnds);
      return;
    }
    const where = sick
      ? ` (port ${sick.hostPort}) is unhealthy in (target-group ${sick.groupArn}) due to (reason Health checks failed)`
      : '';
    this.#note(service.key, sick ? `(task ${task.id})${where}` : `(task ${task.id}) failed container health checks.`);
    const reason = sick
      ? `Task failed ELB health checks in (target-group ${sick.groupArn})`
      : 'Task failed container health checks';
    this.#tasks?.stop(task.id, { code: 'ServiceSchedulerInitiated', reason, failure: true });
  }

  #start(key: string, count: number, now: number): void {
    const service = this.#store.services.get(key);
    const cluster = service && this.#store.clusters.get(service.cluster);
    if (!service || !cluster || count === 0) {
      this.#waiting.delete(key);
      return;
    }
    if (now < service.retryAt) {
      this.#wakeAt(key, service.retryAt);
      return;
    }
    const started: TaskRecord[] = [];
    for (let made = 0; made < count; made++) {
      const task = this.#launch(service, cluster);
      if (!task) break;
      started.push(task);
    }
    if (started.length === count) this.#waiting.delete(key);
    this.#note(key, started.length > 0 ? `has started ${started.length} tasks: ${namesOf(started)}.` : undefined);
  }

  #launch(service: ServiceRecord, cluster: ClusterRecord): TaskRecord | undefined {
    const primary = service.deployments[0];
    const definition = primary && this.#store.definition(primary.taskDefinition);
    if (!definition) return undefined;
    const placement = this.#instances.place(cluster.name, reservedBy(definition));
    if ('refusal' in placement) {
      this.#wait(service, cluster, reservedBy(definition), placement.refusal);
      return undefined;
    }
    const { propagateTags } = service.settings.shown;
    return this.#tasks?.launch({
      cluster,
      definition,
      instance: placement.instance,
      service: { key: service.key, uid: service.uid, deployment: primary.id },
      group: `service:${service.name}`,
      startedBy: primary.id,
      groups: primary.loadBalancers.map(({ targetGroupArn = '', containerName = '', containerPort = 0 }) => ({
        groupArn: targetGroupArn,
        container: containerName,
        port: containerPort,
      })),
      tags: propagateTags === 'SERVICE' ? service.tags : propagateTags === 'TASK_DEFINITION' ? definition.tags : [],
    });
  }

  #wait(service: ServiceRecord, cluster: ClusterRecord, size: Size, refusal: string): void {
    if (!this.#waiting.has(service.key)) {
      const message = `was unable to place a task because no container instance met all of its requirements. ${refusal} ${guide}`;
      this.#note(service.key, message);
    }
    this.#waiting.set(service.key, { cluster: cluster.name, size });
    this.#lacking.add(cluster.name);
  }

  /** One timer for each service, for the earliest of what it waits for: the look it causes sets the next. */
  #wakeAt(key: string, at: number): void {
    const waiting = this.#timers.get(key);
    if (waiting && waiting.at <= at) return;
    waiting?.cancel();
    const cancel = this.#store.clock.after(Math.max(0, at - this.#store.clock.now()), () => {
      this.#timers.delete(key);
      this.wake(key);
    });
    this.#timers.set(key, { at, cancel });
  }

  #note(key: string, message: string | undefined): void {
    const service = message === undefined ? undefined : this.#store.services.get(key);
    if (service && message) this.#store.services.put(key, withEvent(service, this.#store.clock.now(), message));
  }

  #definitionOf(task: TaskRecord) {
    return this.#store.definition(task.definition);
  }
}

function namesOf(tasks: readonly TaskRecord[]): string {
  return tasks.map(({ id }) => `(task ${id})`).join(' ');
}
