import {
  DescribeServicesCommand,
  DescribeTasksCommand,
  type DesiredStatus,
  ListTaskDefinitionsCommand,
  paginateListServices,
  paginateListTaskDefinitions,
  paginateListTasks,
  type Service,
  type Task,
} from '@aws-sdk/client-ecs';
import {
  type AccessPointDescription,
  DescribeAccessPointsCommand,
  paginateDescribeAccessPoints,
} from '@aws-sdk/client-efs';
import {
  DescribeTagsCommand,
  DescribeTargetGroupsCommand,
  paginateDescribeRules,
  paginateDescribeTargetGroups,
  type Rule,
  type TargetGroup,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { Batch } from './batch.ts';
import type { Clients } from './clients.ts';
import { unless } from './errors.ts';
import type { Pace } from './rates.ts';

/** Batched reading of AWS: the questions of a moment become as few calls as AWS allows. */
export interface Inventory extends Questions {
  /**
   * The same for whoever can wait: more questions share a call, and people's calls go first. Once `hurry` is aborted
   * they are asked at once.
   */
  patient(hurry: AbortSignal | undefined): Questions;
}

/** What can be asked. */
export interface Questions {
  /** The service as DescribeServices has it, with its tags; undefined where AWS knows none of that name. */
  service(name: string): Promise<Service | undefined>;
  /**
   * Whether an active service of this name is listed: a tenth of the calls of describing each. A draining one is not,
   * so this is for those alone that own nothing to be destroyed.
   */
  isListed(serviceName: string): Promise<boolean>;
  /** Tasks of a family that are to run (whatever they do yet), or that are to stop or have stopped within the hour. */
  tasks(family: string, desired: 'RUNNING' | 'STOPPED'): Promise<readonly Task[]>;
  /** A task by its ARN; undefined where AWS knows none any more. */
  task(arn: string): Promise<Task | undefined>;
  /** ARN of a family's newest active task definition; undefined where it has none. */
  newestRevision(family: string): Promise<string | undefined>;
  /** Every rule of a listener but its default. */
  rulesOf(listenerArn: string): Promise<readonly Rule[]>;
  targetGroup(name: string): Promise<TargetGroup | undefined>;
  /** The access point that was made with this client token. */
  accessPoint(token: string): Promise<AccessPointDescription | undefined>;
  /** Tags of a rule or target group; undefined when it is gone. */
  balancerTags(arn: string): Promise<ReadonlyMap<string, string> | undefined>;
}

/** What one DescribeServices holds. Source: the ECS API reference; so are those that follow. */
const servicesPerCall = 10;
const servicesPerPage = 100;
const revisionsPerPage = 100;
const tasksPerCall = 100;
const tagsPerCall = 20;
const balancerPageSize = 400;
const accessPointPageSize = 100;
/** Up to as many askers of a moment are answered one by one: cheaper than the pages of a large deployment. */
const fewAskers = 3;
const together = { size: Number.POSITIVE_INFINITY, alone: true };

/** Makes the inventory of one deployment's cluster and file system. */
export function createInventory(options: {
  readonly clients: Clients;
  readonly cluster: string;
  readonly fileSystemId: string;
  readonly pace: Pace;
}): Inventory {
  const { clients, cluster, fileSystemId, pace } = options;
  const { ecs, elb, efs } = clients;

  const services = new Batch<string, Service | undefined>({ size: servicesPerCall }, async (names, urgent) => {
    const input = { cluster, services: [...names], include: ['TAGS' as const] };
    const answer = await pace('ecs', urgent, () => ecs.send(new DescribeServicesCommand(input)));
    const failure = answer.failures?.find(({ reason }) => reason !== 'MISSING');
    if (failure) throw new Error(`describe services: ${failure.arn} could not be read: ${failure.reason}`);
    // Several of one name: an inactive one beside the one that took its name.
    const found = (name: string) => (answer.services ?? []).filter(service => service.serviceName === name);
    return name => found(name).find(({ status }) => status !== 'INACTIVE') ?? found(name)[0];
  });

  const listed = new Batch<string, boolean>(together, async (_, urgent) => {
    const pages = paginateListServices({ client: ecs, pageSize: servicesPerPage }, { cluster });
    const read = await pace('ecs', urgent, () => collect(pages));
    const names = new Set(read.flatMap(page => page.serviceArns ?? []).map(arn => arn.split('/').at(-1)));
    return name => names.has(name);
  });

  const describedTasks = new Batch<string, Task | undefined>({ size: tasksPerCall }, async (arns, urgent) => {
    const answer = await pace('ecs', urgent, () => ecs.send(new DescribeTasksCommand({ cluster, tasks: [...arns] })));
    const failure = answer.failures?.find(({ reason }) => reason !== 'MISSING');
    if (failure) throw new Error(`describe tasks: ${failure.arn} could not be read: ${failure.reason}`);
    const byArn = new Map(answer.tasks?.map(task => [task.taskArn, task]));
    return arn => byArn.get(arn);
  });

  async function listTasks(desiredStatus: DesiredStatus, urgent: boolean, family?: string): Promise<readonly Task[]> {
    const pages = paginateListTasks({ client: ecs, pageSize: tasksPerCall }, { cluster, desiredStatus, family });
    const arns = await pace('ecs', urgent, async () => (await collect(pages)).flatMap(page => page.taskArns ?? []));
    const tasks = await Promise.all(arns.map(arn => describedTasks.ask(arn, urgent)));
    if (desiredStatus === 'RUNNING' && tasks.includes(undefined)) {
      throw new Error('list tasks: a listed task could not be described yet');
    }
    return tasks.filter(task => task !== undefined);
  }

  const tasksBy = (desired: 'RUNNING' | 'STOPPED') =>
    new Batch<string, readonly Task[]>(together, async (families, urgent) => {
      if (families.length <= fewAskers) {
        const read = await each(families, family => listTasks(desired, urgent, family));
        return family => read(family) ?? [];
      }
      const tasks = await listTasks(desired, urgent);
      const byFamily = Map.groupBy(tasks, task => familyOf(task.taskDefinitionArn ?? ''));
      return family => byFamily.get(family) ?? [];
    });
  const tasks = { RUNNING: tasksBy('RUNNING'), STOPPED: tasksBy('STOPPED') };

  // All families of the account in pages, where that is fewer calls than one for each.
  const revisions = new Batch<string, string | undefined>(together, async (families, urgent) => {
    if (families.length <= fewAskers) return each(families, family => newestOf(family, urgent));
    const pages = paginateListTaskDefinitions({ client: ecs, pageSize: revisionsPerPage }, { status: 'ACTIVE' });
    const read = await pace('ecs', urgent, () => collect(pages));
    const newest = new Map<string, string>();
    for (const arn of read.flatMap(page => page.taskDefinitionArns ?? [])) {
      const known = newest.get(familyOf(arn));
      if (known === undefined || revisionOf(arn) > revisionOf(known)) newest.set(familyOf(arn), arn);
    }
    return family => newest.get(family);
  });

  async function newestOf(familyPrefix: string, urgent: boolean): Promise<string | undefined> {
    const command = new ListTaskDefinitionsCommand({ familyPrefix, status: 'ACTIVE', sort: 'DESC', maxResults: 1 });
    return (await pace('ecs', urgent, () => ecs.send(command))).taskDefinitionArns?.[0];
  }

  async function readRules(listenerArn: string, urgent: boolean): Promise<readonly Rule[]> {
    const pages = paginateDescribeRules({ client: elb, pageSize: balancerPageSize }, { ListenerArn: listenerArn });
    const read = await pace('elb', urgent, () => collect(pages));
    return read.flatMap(page => page.Rules ?? []).filter(rule => !rule.IsDefault);
  }

  const rules = new Batch<string, readonly Rule[]>(together, async (listenerArns, urgent) => {
    const read = await each(listenerArns, arn => readRules(arn, urgent));
    return listenerArn => read(listenerArn) ?? [];
  });

  const targetGroups = new Batch<string, TargetGroup | undefined>(together, async (names, urgent) => {
    if (names.length <= fewAskers) return each(names, name => namedTargetGroup(name, urgent));
    const pages = paginateDescribeTargetGroups({ client: elb, pageSize: balancerPageSize }, {});
    const read = await pace('elb', urgent, () => collect(pages));
    const byName = new Map(read.flatMap(page => page.TargetGroups ?? []).map(group => [group.TargetGroupName, group]));
    return name => byName.get(name);
  });

  async function namedTargetGroup(name: string, urgent: boolean): Promise<TargetGroup | undefined> {
    const answer = pace('elb', urgent, () => elb.send(new DescribeTargetGroupsCommand({ Names: [name] })));
    return (await unless(answer, 'gone'))?.TargetGroups?.[0];
  }

  // Access points can be looked up by id, but not by token: what was found once is asked for by id.
  const accessPointIds = new Map<string, string>();
  const accessPoints = new Batch<string, AccessPointDescription | undefined>(together, async (tokens, urgent) => {
    if (tokens.length <= fewAskers) {
      const known = await each(tokens, token => knownAccessPoint(token, urgent));
      if (tokens.every(known)) return known;
    }
    const pages = paginateDescribeAccessPoints(
      { client: efs, pageSize: accessPointPageSize },
      { FileSystemId: fileSystemId },
    );
    const read = await pace('efs', urgent, () => collect(pages));
    const all = read.flatMap(page => page.AccessPoints ?? []);
    const byToken = new Map(all.map(accessPoint => [accessPoint.ClientToken, accessPoint]));
    for (const token of tokens) {
      const id = byToken.get(token)?.AccessPointId;
      if (id) accessPointIds.set(token, id);
      else accessPointIds.delete(token);
    }
    return token => byToken.get(token);
  });

  async function knownAccessPoint(token: string, urgent: boolean): Promise<AccessPointDescription | undefined> {
    const id = accessPointIds.get(token);
    if (!id) return undefined;
    const answer = pace('efs', urgent, () => efs.send(new DescribeAccessPointsCommand({ AccessPointId: id })));
    return (await unless(answer, 'gone'))?.AccessPoints?.[0];
  }

  const tags = new Batch<string, ReadonlyMap<string, string> | undefined>(
    { size: tagsPerCall },
    async (arns, urgent) => {
      const read = (asked: readonly string[]) =>
        unless(
          pace('elb', urgent, () => elb.send(new DescribeTagsCommand({ ResourceArns: [...asked] }))),
          'gone',
        );
      const whole = await read(arns);
      // One that is gone spoils the whole call: then each is asked for by itself.
      const answers = whole ? [whole] : await Promise.all(arns.map(arn => read([arn])));
      const described = answers.flatMap(answer => answer?.TagDescriptions ?? []);
      const byArn = new Map(
        described.map(({ ResourceArn, Tags }) => [
          ResourceArn,
          new Map(Tags?.map(({ Key, Value }) => [Key ?? '', Value ?? ''])),
        ]),
      );
      return arn => byArn.get(arn);
    },
  );

  const batches = [
    services,
    listed,
    describedTasks,
    tasks.RUNNING,
    tasks.STOPPED,
    rules,
    targetGroups,
    accessPoints,
    tags,
    revisions,
  ];
  const questions = (urgent: () => boolean): Questions => ({
    service: name => services.ask(name, urgent()),
    isListed: name => listed.ask(name, urgent()),
    tasks: (family, desired) => tasks[desired].ask(family, urgent()),
    task: arn => describedTasks.ask(arn, urgent()),
    newestRevision: family => revisions.ask(family, urgent()),
    rulesOf: listenerArn => rules.ask(listenerArn, urgent()),
    targetGroup: name => targetGroups.ask(name, urgent()),
    accessPoint: token => accessPoints.ask(token, urgent()),
    balancerTags: arn => tags.ask(arn, urgent()),
  });
  return {
    ...questions(() => true),
    patient(hurry) {
      hurry?.addEventListener(
        'abort',
        () => {
          for (const batch of batches) batch.hurry();
        },
        { once: true },
      );
      return questions(() => hurry?.aborted ?? false);
    },
  };
}

async function collect<T>(pages: AsyncIterable<T>): Promise<readonly T[]> {
  const collected: T[] = [];
  for await (const page of pages) collected.push(page);
  return collected;
}

/** Reads each by itself, side by side. */
async function each<Q, A>(
  questions: readonly Q[],
  read: (question: Q) => Promise<A>,
): Promise<(question: Q) => A | undefined> {
  const answers = new Map(
    await Promise.all(questions.map(async question => [question, await read(question)] as const)),
  );
  return question => answers.get(question);
}

/** Number of a task definition's ARN: revisions count up. */
function revisionOf(taskDefinitionArn: string): number {
  return Number(taskDefinitionArn.split(':').at(-1));
}

/** Family of a task definition's ARN: `…:task-definition/<family>:<revision>`. */
export function familyOf(taskDefinitionArn: string): string {
  return taskDefinitionArn.split('/').at(-1)?.split(':')[0] ?? '';
}
