import {
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  paginateListServices,
  paginateListTaskDefinitionFamilies,
} from '@aws-sdk/client-ecs';
import { paginateDescribeAccessPoints } from '@aws-sdk/client-efs';
import {
  DescribeTagsCommand,
  paginateDescribeRules,
  paginateDescribeTargetGroups,
  type Rule,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Clients } from '../aws/clients.ts';
import { unless } from '../aws/errors.ts';
import { familyName, serviceName, tagKeys, targetGroupName } from '../aws/names.ts';
import type { Pace } from '../aws/rates.ts';
import type { Found } from './model.ts';

/** Where to look. */
export interface SweepGround {
  readonly clients: Clients;
  readonly pace: Pace;
  readonly deployment: string;
  readonly cluster: string;
  readonly listenerArns: readonly string[];
  readonly fileSystemId: string;
}

/** What is there by its name alone, before anybody asks whose it is. */
export interface Listed {
  readonly services: readonly string[];
  readonly families: readonly string[];
  readonly targetGroups: readonly { readonly name: string; readonly arn: string }[];
  readonly rules: readonly Rule[];
  /** Homes carry their tags where they are listed. */
  readonly homes: readonly Found[];
}

/** What one DescribeServices, and one DescribeTags, hold. Source: the API references of ECS and ELB. */
const servicesPerCall = 10;
const tagsPerCall = 20;

/** Lists all that may be ours: a few pages, whatever the number of workspaces. */
export async function list(ground: SweepGround): Promise<Listed> {
  const { clients, deployment, cluster, listenerArns, fileSystemId } = ground;
  const { ecs, elb, efs } = clients;
  // The names of everything of one kind begin alike; what follows is the id.
  const [services, families, groups, rules, homes] = await Promise.all([
    read(ground, 'ecs', paginateListServices({ client: ecs, pageSize: 100 }, { cluster })),
    read(
      ground,
      'ecs',
      paginateListTaskDefinitionFamilies(
        { client: ecs, pageSize: 100 },
        { familyPrefix: familyName(deployment, 'x').slice(0, -1), status: 'ALL' },
      ),
    ),
    read(ground, 'elb', paginateDescribeTargetGroups({ client: elb, pageSize: 400 }, {})),
    Promise.all(
      listenerArns.map(arn =>
        read(ground, 'elb', paginateDescribeRules({ client: elb, pageSize: 400 }, { ListenerArn: arn })),
      ),
    ),
    read(ground, 'efs', paginateDescribeAccessPoints({ client: efs, pageSize: 100 }, { FileSystemId: fileSystemId })),
  ]);
  const servicePrefix = serviceName(deployment, 'x').slice(0, -1);
  const groupPrefix = targetGroupName(deployment, 'x').slice(0, -1);
  return {
    services: services
      .flatMap(({ serviceArns = [] }) => serviceArns.map(arn => arn.split('/').at(-1) ?? ''))
      .filter(name => name.startsWith(servicePrefix)),
    families: families.flatMap(page => page.families ?? []),
    targetGroups: groups
      .flatMap(page => page.TargetGroups ?? [])
      .flatMap(({ TargetGroupName: name, TargetGroupArn: arn }) =>
        name?.startsWith(groupPrefix) && arn ? [{ name, arn }] : [],
      ),
    rules: rules
      .flat()
      .flatMap(page => page.Rules ?? [])
      .filter(rule => !rule.IsDefault),
    homes: homes
      .flatMap(page => page.AccessPoints ?? [])
      .flatMap(({ AccessPointId: id, Tags }) =>
        id ? ours(ground, 'home', id, new Map(Tags?.map(({ Key, Value }) => [Key ?? '', Value ?? '']))) : [],
      ),
  };
}

/** Of services by name: those that carry our tag. */
export async function taggedServices(ground: SweepGround, names: readonly string[]): Promise<readonly Found[]> {
  const { clients, pace, cluster } = ground;
  const answers = await chunked(names, servicesPerCall, services =>
    pace('ecs', false, () =>
      clients.ecs.send(new DescribeServicesCommand({ cluster, services: [...services], include: ['TAGS'] })),
    ),
  );
  return answers
    .flatMap(answer => answer.services ?? [])
    .filter(({ status }) => status === 'ACTIVE')
    .flatMap(({ serviceArn, tags }) =>
      serviceArn
        ? ours(ground, 'service', serviceArn, new Map(tags?.map(({ key, value }) => [key ?? '', value ?? ''])))
        : [],
    );
}

/** Of rules or target groups by ARN: those that carry our tag. What is gone meanwhile is left out. */
export async function taggedAtBalancers(
  ground: SweepGround,
  kind: 'rule' | 'target group',
  arns: readonly string[],
): Promise<readonly Found[]> {
  const { clients, pace } = ground;
  const answers = await chunked(arns, tagsPerCall, ResourceArns =>
    unless(
      pace('elb', false, () => clients.elb.send(new DescribeTagsCommand({ ResourceArns: [...ResourceArns] }))),
      'gone',
    ),
  );
  return answers
    .flatMap(answer => answer?.TagDescriptions ?? [])
    .flatMap(({ ResourceArn, Tags }) =>
      ResourceArn
        ? ours(ground, kind, ResourceArn, new Map(Tags?.map(({ Key, Value }) => [Key ?? '', Value ?? ''])))
        : [],
    );
}

/** Of families of task definitions: those whose newest revision carries our tag. */
export async function taggedFamilies(ground: SweepGround, families: readonly string[]): Promise<readonly Found[]> {
  const { clients, pace } = ground;
  const found: Found[] = [];
  for (const family of families) {
    const command = new DescribeTaskDefinitionCommand({ taskDefinition: family, include: ['TAGS'] });
    // AWS says ClientException of a family whose revisions are all retired: it costs nothing, and is left.
    const answer = await unless(
      pace('ecs', false, () => clients.ecs.send(command)),
      'invalid',
    );
    const tags = new Map(answer?.tags?.map(({ key, value }) => [key ?? '', value ?? '']));
    found.push(...ours(ground, 'task definition', family, tags));
  }
  return found;
}

function ours(
  { deployment }: SweepGround,
  kind: Found['kind'],
  id: string,
  tags: ReadonlyMap<string, string>,
): readonly Found[] {
  const owner = tags.get(tagKeys.id);
  const whose = tags.get(tagKeys.kind);
  // A keeper's task definition is its home's.
  const isExpected =
    whose === (kind === 'home' ? 'home' : 'workspace') || (kind === 'task definition' && whose === 'home');
  if (tags.get(tagKeys.deployment) !== deployment || !isExpected || !owner) return [];
  return [{ kind, id, owner }];
}

/** A whole list or an error: half a list proves nothing. */
async function read<T>(
  { pace }: SweepGround,
  service: 'ecs' | 'elb' | 'efs',
  pages: AsyncIterable<T>,
): Promise<readonly T[]> {
  return pace(service, false, async () => {
    const all: T[] = [];
    for await (const page of pages) all.push(page);
    return all;
  });
}

async function chunked<Q, A>(
  all: readonly Q[],
  size: number,
  ask: (some: readonly Q[]) => Promise<A>,
): Promise<readonly A[]> {
  const answers: A[] = [];
  for (let from = 0; from < all.length; from += size) answers.push(await ask(all.slice(from, from + size)));
  return answers;
}
