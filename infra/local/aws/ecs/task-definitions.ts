import type {
  DeleteTaskDefinitionsRequest,
  DeleteTaskDefinitionsResponse,
  DeregisterTaskDefinitionRequest,
  DeregisterTaskDefinitionResponse,
  DescribeTaskDefinitionRequest,
  DescribeTaskDefinitionResponse,
  ListTaskDefinitionFamiliesRequest,
  ListTaskDefinitionFamiliesResponse,
  ListTaskDefinitionsRequest,
  ListTaskDefinitionsResponse,
  RegisterTaskDefinitionRequest,
  RegisterTaskDefinitionResponse,
  TaskDefinition,
} from '@aws-sdk/client-ecs';
import { AwsError } from '../protocol.ts';
import { checkDefinition } from './definition-rules.ts';
import { arnOf, date, lastPart, pageOf } from './names.ts';
import type { TaskDefinitionRecord } from './records.ts';
import type { Store } from './store.ts';
import { checkTags } from './tags.ts';

/** Source: the SDK's comments on maxResults of the list operations and on DeleteTaskDefinitions. */
const perPage = 100;
const deletionsPerCall = 10;

/** Task definitions: immutable, numbered within a family, and gone only in two steps. */
export class TaskDefinitions {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  register({ tags = [], ...input }: RegisterTaskDefinitionRequest): RegisterTaskDefinitionResponse {
    checkDefinition(input);
    checkTags(tags);
    const family = input.family ?? '';
    const revision = (this.#store.families.get(family)?.last ?? 0) + 1;
    const key = `${family}:${revision}`;
    const record: TaskDefinitionRecord = {
      key,
      arn: arnOf(this.#store.place, `task-definition/${key}`),
      family,
      revision,
      status: 'ACTIVE',
      registeredAt: this.#store.clock.now(),
      input,
      tags,
    };
    this.#store.atomically(() => {
      this.#store.families.put(family, { last: revision });
      this.#store.definitions.put(key, record);
    });
    return { taskDefinition: shown(record), tags: [...tags] };
  }

  describe(input: DescribeTaskDefinitionRequest): DescribeTaskDefinitionResponse {
    const now = this.#store.definition(input.taskDefinition ?? '');
    const found = now && this.#store.definitions.seen(now.key);
    if (!found) throw new AwsError('ClientException', 'Unable to describe task definition.');
    return { taskDefinition: shown(found), tags: input.include?.includes('TAGS') ? [...found.tags] : [] };
  }

  deregister(input: DeregisterTaskDefinitionRequest): DeregisterTaskDefinitionResponse {
    const reference = input.taskDefinition ?? '';
    const found = this.#store.definitions.get(lastPart(reference));
    if (!lastPart(reference).includes(':')) throw new AwsError('InvalidParameterException', 'Invalid revision number.');
    if (!found) throw new AwsError('ClientException', 'The specified task definition does not exist.');
    if (found.status !== 'ACTIVE') return { taskDefinition: shown(found) };
    const gone: TaskDefinitionRecord = { ...found, status: 'INACTIVE', deregisteredAt: this.#store.clock.now() };
    return { taskDefinition: shown(this.#store.definitions.put(found.key, gone)) };
  }

  delete(input: DeleteTaskDefinitionsRequest): DeleteTaskDefinitionsResponse {
    const references = input.taskDefinitions ?? [];
    if (references.length > deletionsPerCall)
      throw new AwsError('InvalidParameterException', 'Cannot delete more than 10 task definitions per call.');
    const taskDefinitions: TaskDefinition[] = [];
    const failures: { arn: string; reason: string; detail?: string }[] = [];
    for (const reference of references) {
      const found = this.#store.definitions.get(lastPart(reference));
      if (!found) failures.push({ arn: reference, reason: 'MISSING' });
      else if (found.status === 'ACTIVE')
        failures.push({
          arn: reference,
          reason: 'INVALID',
          detail:
            'The specified task definition is still in ACTIVE status. Please deregister the target and try again.',
        });
      else taskDefinitions.push(shown(this.#markDeleted(found)));
    }
    return { taskDefinitions, failures };
  }

  list(input: ListTaskDefinitionsRequest): ListTaskDefinitionsResponse {
    const status = input.status ?? 'ACTIVE';
    const found = this.#store.definitions
      .seenAll()
      .filter(
        ({ family, status: own }) =>
          own === status && (input.familyPrefix === undefined || family === input.familyPrefix),
      );
    const sign = input.sort === 'DESC' ? -1 : 1;
    const keyOf = ({ family, revision }: TaskDefinitionRecord) =>
      `${family}:${String(sign > 0 ? revision : 1e9 - revision).padStart(10, '0')}`;
    const sorted = found.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    const { items, nextToken } = pageOf(sorted, keyOf, Math.min(input.maxResults ?? perPage, perPage), input.nextToken);
    return { taskDefinitionArns: items.map(({ arn }) => arn), nextToken };
  }

  listFamilies(input: ListTaskDefinitionFamiliesRequest): ListTaskDefinitionFamiliesResponse {
    const wanted = input.status ?? 'ALL';
    const active = new Set(this.#store.definitions.seenAll().flatMap(d => (d.status === 'ACTIVE' ? [d.family] : [])));
    const all = new Set(this.#store.definitions.seenAll().map(({ family }) => family));
    const found = [...all].filter(
      family =>
        family.startsWith(input.familyPrefix ?? '') &&
        (wanted === 'ALL' || active.has(family) === (wanted === 'ACTIVE')),
    );
    const { items, nextToken } = pageOf(
      found,
      family => family,
      Math.min(input.maxResults ?? perPage, perPage),
      input.nextToken,
    );
    return { families: [...items], nextToken };
  }

  /** Removes revisions whose deletion was asked for and that nothing names any more; answers whether some remain. */
  sweep(): boolean {
    const asked = this.#store.definitions.all().filter(({ status }) => status === 'DELETE_IN_PROGRESS');
    if (asked.length === 0) return false;
    const used = new Set<string>();
    for (const service of this.#store.services.all())
      if (service.status !== 'INACTIVE') for (const { taskDefinition } of service.deployments) used.add(taskDefinition);
    for (const task of this.#store.allTasks()) if (task.lastStatus !== 'STOPPED') used.add(task.definition);
    for (const { key, arn } of asked) if (!used.has(arn)) this.#store.definitions.delete(key);
    return asked.some(({ arn }) => used.has(arn));
  }

  #markDeleted(found: TaskDefinitionRecord): TaskDefinitionRecord {
    if (found.status === 'DELETE_IN_PROGRESS') return found;
    const deleteRequestedAt = this.#store.clock.now();
    return this.#store.definitions.put(found.key, { ...found, status: 'DELETE_IN_PROGRESS', deleteRequestedAt });
  }
}

function shown(record: TaskDefinitionRecord): TaskDefinition {
  const { input } = record;
  return {
    ...input,
    networkMode: input.networkMode ?? 'bridge',
    volumes: input.volumes ?? [],
    placementConstraints: input.placementConstraints ?? [],
    containerDefinitions: input.containerDefinitions?.map(container => ({
      ...container,
      essential: container.essential ?? true,
      cpu: container.cpu ?? 0,
      environment: container.environment ?? [],
      mountPoints: container.mountPoints ?? [],
      volumesFrom: container.volumesFrom ?? [],
      portMappings:
        container.portMappings?.map(port => ({
          ...port,
          hostPort: port.hostPort ?? 0,
          protocol: port.protocol ?? 'tcp',
        })) ?? [],
    })),
    taskDefinitionArn: record.arn,
    revision: record.revision,
    status: record.status,
    compatibilities: ['EXTERNAL', 'EC2'],
    registeredAt: date(record.registeredAt),
    deregisteredAt: date(record.deregisteredAt),
    deleteRequestedAt: date(record.deleteRequestedAt),
  };
}
