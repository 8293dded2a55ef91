import type {
  DescribeTasksRequest,
  DescribeTasksResponse,
  ListTasksRequest,
  ListTasksResponse,
  RunTaskRequest,
  RunTaskResponse,
  StopTaskRequest,
  StopTaskResponse,
  Task,
} from '@aws-sdk/client-ecs';
import { AwsError } from '../protocol.ts';
import type { Instances } from './instances.ts';
import { arnOf, lastPart, pageOf } from './names.ts';
import { familyOf, reservedBy, type TaskRecord } from './records.ts';
import { familyIndex, type Store } from './store.ts';
import { checkTags } from './tags.ts';
import { showTask } from './task-view.ts';
import type { Tasks } from './tasks.ts';

/** Source: the SDK's comments on DescribeTasks, ListTasks and RunTask. */
const perCall = 100;
const runsPerCall = 10;
/** Source: the SDK's comment on RunTask's clientToken. */
const clientToken = /^[!-~]{1,64}$/;

/** The operations about tasks. */
export class TaskOperations {
  readonly #store: Store;
  readonly #instances: Instances;
  readonly #tasks: Tasks;

  constructor(store: Store, instances: Instances, tasks: Tasks) {
    this.#store = store;
    this.#instances = instances;
    this.#tasks = tasks;
  }

  list(input: ListTasksRequest): ListTasksResponse {
    const cluster = this.#store.cluster(input.cluster);
    const wanted = input.desiredStatus ?? 'RUNNING';
    const key = this.#store.serviceKey(cluster, input.serviceName);
    if (input.serviceName && !this.#store.services.get(key))
      throw new AwsError('ServiceNotFoundException', 'Service not found.');
    const indexed = input.serviceName ? key : input.family ? familyIndex(input.family) : undefined;
    const found = (indexed ? this.#store.tasksOfSeen(indexed) : this.#store.tasksSeen()).filter(
      task =>
        task.cluster === cluster.name &&
        (wanted === 'STOPPED' ? task.desiredStatus === 'STOPPED' : task.desiredStatus === 'RUNNING') &&
        (!input.family || familyOf(task) === input.family) &&
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
    this.#tasks.stop(task.id, {
      code: 'UserInitiated',
      reason: input.reason ?? 'Task stopped by user',
      failure: false,
    });
    return { task: showTask(this.#store, this.#store.task(task.id) ?? task, true) };
  }

  runTask(input: RunTaskRequest): RunTaskResponse {
    const cluster = this.#store.cluster(input.cluster);
    const count = input.count ?? 1;
    if (count < 1 || count > runsPerCall)
      throw new AwsError('InvalidParameterException', 'count must be between 1 and 10.');
    checkTags(input.tags ?? []);
    const definition = this.#store.definition(input.taskDefinition ?? '');
    if (!definition) throw new AwsError('ClientException', 'TaskDefinition not found.');
    if (definition.status !== 'ACTIVE') throw new AwsError('ClientException', 'TaskDefinition is inactive');
    const token = input.clientToken === undefined ? undefined : tokenOf(input.clientToken, input);
    const repeated = token && this.#startedWith(cluster.name, token);
    if (repeated) return { tasks: repeated.map(task => showTask(this.#store, task, true)), failures: [] };
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
      const task = this.#tasks.launch({
        cluster,
        definition,
        instance,
        group,
        startedBy: input.startedBy,
        ...(token ? { token } : {}),
        groups: [],
        tags: input.tags ?? [],
      });
      tasks.push(showTask(this.#store, task, true));
    }
    return { tasks, failures };
  }

  /** The tasks of an earlier call with this token, stopped ones too; a token says one thing only. */
  #startedWith(cluster: string, token: Token): readonly TaskRecord[] | undefined {
    const found = this.#store.allTasks().filter(task => task.cluster === cluster && task.token?.text === token.text);
    if (found.length === 0) return undefined;
    const other = found.filter(({ token: own }) => own?.asked !== token.asked);
    if (other.length > 0)
      throw new AwsError('ConflictException', 'The client token was used with other parameters.', 400, {
        resourceIds: other.map(({ arn }) => arn),
      });
    return found;
  }
}

type Token = NonNullable<TaskRecord['token']>;

function tokenOf(text: string, input: RunTaskRequest): Token {
  if (!clientToken.test(text)) throw new AwsError('InvalidParameterException', 'The client token is invalid.');
  return { text, asked: JSON.stringify({ ...input, clientToken: undefined }) };
}
