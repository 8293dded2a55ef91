import type { Operations } from '../endpoint.ts';
import { announce, type BusEvent } from '../events/ecs-events.ts';
import type { TargetGroups } from '../ports.ts';
import type { State } from '../state.ts';
import { Clusters } from './clusters.ts';
import type { Driver } from './driver.ts';
import { type InstanceOptions, Instances } from './instances.ts';
import type { Place } from './names.ts';
import { Scheduler } from './scheduler.ts';
import { Services } from './services.ts';
import { Store } from './store.ts';
import { Tags } from './tags.ts';
import { TaskDefinitions } from './task-definitions.ts';
import { TaskOperations } from './task-operations.ts';
import { Tasks } from './tasks.ts';

export interface EcsOptions extends Place {
  readonly state: State;
  readonly targetGroups: TargetGroups;
  readonly driver: Driver;
  readonly instances: InstanceOptions;
  /** Where what happens is told, as EventBridge tells it; left out: nowhere. */
  readonly publish?: (event: () => BusEvent) => void;
}

/** How long a stopped task, or a service that is INACTIVE, can still be described. Source: the SDK's comment on DescribeTasks. */
const remembered = 3_600_000;
/** How often deletions of task definitions are finished while some are in progress. */
const deletionRound = 60_000;

/**
 * The local ECS. Operations work at once; tasks run only between `start` and `stop`. `start` ends what an earlier life
 * left running and lets services replace it.
 */
export class Ecs {
  readonly operations: Operations;
  readonly #store: Store;
  readonly #driver: Driver;
  readonly #instances: Instances;
  readonly #scheduler: Scheduler;
  readonly #tasks: Tasks;
  readonly #services: Services;
  readonly #definitions: TaskDefinitions;
  #sweep: { readonly at: number; cancel(): void } | undefined;
  #running = false;

  constructor({ state, region, accountId, targetGroups, driver, instances, publish }: EcsOptions) {
    this.#driver = driver;
    this.#store = new Store(state, { region, accountId });
    if (publish) announce(this.#store, publish);
    this.#instances = new Instances(this.#store, instances, cluster => this.#scheduler.roomFreed(cluster));
    this.#scheduler = new Scheduler(this.#store, this.#instances, targetGroups, () => this.#sweepLater(remembered));
    this.#tasks = new Tasks(this.#store, this.#instances, driver, targetGroups, this.#scheduler);
    this.#scheduler.join(this.#tasks);
    this.#services = new Services(this.#store, targetGroups, key => this.#wake(key));
    this.#definitions = new TaskDefinitions(this.#store);
    this.operations = this.#table();
  }

  /** Ends leftovers, closes their books and begins to schedule. */
  async start(): Promise<void> {
    await this.#driver.start();
    this.#tasks.endLeftovers();
    for (const cluster of this.#store.clusters.all()) this.#instances.keepMinimum(cluster);
    this.#running = true;
    for (const service of this.#store.services.all()) this.#scheduler.wake(service.key);
    this.#sweepLater(deletionRound);
  }

  /** Ends every task's processes. Services keep what was asked of them: a next start runs them again. */
  async stop(): Promise<void> {
    this.#running = false;
    this.#scheduler.end();
    this.#tasks.abandon();
    this.#instances.stop();
    this.#sweep?.cancel();
    await this.#driver.stop();
  }

  #wake(key: string): void {
    if (this.#running) this.#scheduler.wake(key);
  }

  /** One timer for all that is to be forgotten; none while there is nothing. */
  #sweepLater(milliseconds: number): void {
    const at = this.#store.clock.now() + milliseconds;
    if (!this.#running || (this.#sweep && this.#sweep.at <= at)) return;
    this.#sweep?.cancel();
    const cancel = this.#store.clock.after(milliseconds, () => {
      this.#sweep = undefined;
      const before = this.#store.clock.now() - remembered;
      const tasksRemain = this.#tasks.forget(before);
      const servicesRemain = this.#services.forget(before);
      if (tasksRemain || servicesRemain) this.#sweepLater(remembered / 4);
      if (this.#definitions.sweep()) this.#sweepLater(deletionRound);
    });
    this.#sweep = { at, cancel };
  }

  #table(): Operations {
    const clusters = new Clusters(this.#store, this.#instances);
    const tags = new Tags(this.#store);
    const tasks = new TaskOperations(this.#store, this.#instances, this.#tasks);
    const [definitions, services, instances] = [this.#definitions, this.#services, this.#instances];
    return {
      CreateCluster: clusters.create.bind(clusters),
      DescribeClusters: clusters.describe.bind(clusters),
      CreateCapacityProvider: clusters.createProvider.bind(clusters),
      DescribeCapacityProviders: clusters.describeProviders.bind(clusters),
      PutClusterCapacityProviders: clusters.putProviders.bind(clusters),
      RegisterTaskDefinition: definitions.register.bind(definitions),
      DescribeTaskDefinition: definitions.describe.bind(definitions),
      DeregisterTaskDefinition: definitions.deregister.bind(definitions),
      DeleteTaskDefinitions: (input: Parameters<TaskDefinitions['delete']>[0]) => {
        const answer = definitions.delete(input);
        this.#sweepLater(deletionRound);
        return answer;
      },
      ListTaskDefinitions: definitions.list.bind(definitions),
      ListTaskDefinitionFamilies: definitions.listFamilies.bind(definitions),
      CreateService: services.create.bind(services),
      UpdateService: services.update.bind(services),
      DeleteService: services.delete.bind(services),
      DescribeServices: services.describe.bind(services),
      ListServices: services.list.bind(services),
      ListTasks: tasks.list.bind(tasks),
      DescribeTasks: tasks.describe.bind(tasks),
      StopTask: tasks.stopTask.bind(tasks),
      RunTask: tasks.runTask.bind(tasks),
      ListContainerInstances: instances.list.bind(instances),
      DescribeContainerInstances: instances.describe.bind(instances),
      TagResource: tags.tag.bind(tags),
      UntagResource: tags.untag.bind(tags),
      ListTagsForResource: tags.list.bind(tags),
    };
  }
}
