import {
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  type Tag as EcsTag,
  paginateListServices,
  paginateListTaskDefinitionFamilies,
  paginateListTaskDefinitions,
} from '@aws-sdk/client-ecs';
import { paginateDescribeAccessPoints } from '@aws-sdk/client-efs';
import {
  DescribeTagsCommand,
  paginateDescribeListeners,
  paginateDescribeLoadBalancers,
  paginateDescribeRules,
  paginateDescribeTargetGroups,
  type TagDescription,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Clients } from '../../reconcilers/aws/clients.ts';
import { tagKeys } from '../../reconcilers/aws/names.ts';
import type { Deployment } from './deployment.ts';

/** Reads what the controller made, by its tags alone: a name decides nothing. */
export interface Ours {
  /** Active services of the cluster, by ARN. */
  services(): Promise<string[]>;
  rules(): Promise<string[]>;
  targetGroups(): Promise<string[]>;
  /** Revisions that are not deleted, by ARN; inactive ones last. */
  taskDefinitions(): Promise<{ readonly active: string[]; readonly inactive: string[] }>;
  accessPoints(): Promise<string[]>;
}

const servicesPerCall = 10;
const tagsPerCall = 20;

/** Everything of one deployment in its account and region. */
export function createOurs({ ecs, elb, efs }: Clients, deployment: Deployment): Ours {
  const isOurs = (tags: readonly { readonly key?: string; readonly value?: string }[]) =>
    tags.some(({ key, value }) => key === tagKeys.deployment && value === deployment.deployment) &&
    [tagKeys.kind, tagKeys.id].every(needed => tags.some(({ key }) => key === needed));
  const isEcsOurs = (tags: readonly EcsTag[] | undefined) => isOurs(tags ?? []);

  /** A list may still name what is gone, and one such fails the whole call: then each is asked about alone. */
  async function tagsIn(arns: readonly string[]): Promise<readonly TagDescription[]> {
    try {
      return (await elb.send(new DescribeTagsCommand({ ResourceArns: [...arns] }))).TagDescriptions ?? [];
    } catch (error) {
      if (!(error instanceof Error && /NotFound/.test(error.name))) throw error;
      if (arns.length <= 1) return [];
      return (await Promise.all(arns.map(arn => tagsIn([arn])))).flat();
    }
  }

  async function taggedInElb(arns: readonly string[]): Promise<string[]> {
    const found: string[] = [];
    for (const some of chunks(arns, tagsPerCall))
      for (const { ResourceArn, Tags = [] } of await tagsIn(some))
        if (ResourceArn && isOurs(Tags.map(({ Key, Value }) => ({ key: Key, value: Value })))) found.push(ResourceArn);
    return found;
  }

  async function revisions(status: 'ACTIVE' | 'INACTIVE'): Promise<string[]> {
    const prefix = `armada-${deployment.deployment}-`;
    const families: string[] = [];
    for await (const page of paginateListTaskDefinitionFamilies(
      { client: ecs },
      { familyPrefix: prefix, status: 'ALL' },
    ))
      families.push(...(page.families ?? []));
    const found: string[] = [];
    for (const familyPrefix of families)
      for await (const page of paginateListTaskDefinitions({ client: ecs }, { familyPrefix, status }))
        for (const arn of page.taskDefinitionArns ?? []) {
          const describe = new DescribeTaskDefinitionCommand({ taskDefinition: arn, include: ['TAGS'] });
          if (isEcsOurs((await ecs.send(describe)).tags)) found.push(arn);
        }
    return found;
  }

  return {
    async services() {
      const { cluster } = deployment;
      const found: string[] = [];
      for await (const page of paginateListServices({ client: ecs, pageSize: servicesPerCall }, { cluster })) {
        if (!page.serviceArns?.length) continue;
        const describe = new DescribeServicesCommand({ cluster, services: page.serviceArns, include: ['TAGS'] });
        for (const { serviceArn, status, tags } of (await ecs.send(describe)).services ?? [])
          if (serviceArn && status !== 'INACTIVE' && isEcsOurs(tags)) found.push(serviceArn);
      }
      return found;
    },
    async rules() {
      const arns: string[] = [];
      for await (const balancers of paginateDescribeLoadBalancers({ client: elb }, {}))
        for (const { LoadBalancerArn } of balancers.LoadBalancers ?? [])
          for await (const listeners of paginateDescribeListeners({ client: elb }, { LoadBalancerArn }))
            for (const { ListenerArn } of listeners.Listeners ?? [])
              for await (const page of paginateDescribeRules({ client: elb }, { ListenerArn }))
                for (const rule of page.Rules ?? []) if (rule.RuleArn && !rule.IsDefault) arns.push(rule.RuleArn);
      return taggedInElb(arns);
    },
    async targetGroups() {
      const arns: string[] = [];
      for await (const page of paginateDescribeTargetGroups({ client: elb }, {}))
        arns.push(...(page.TargetGroups ?? []).flatMap(({ TargetGroupArn }) => TargetGroupArn ?? []));
      return taggedInElb(arns);
    },
    async taskDefinitions() {
      return { active: await revisions('ACTIVE'), inactive: await revisions('INACTIVE') };
    },
    async accessPoints() {
      const found: string[] = [];
      const { fileSystemId } = deployment;
      for await (const page of paginateDescribeAccessPoints({ client: efs }, { FileSystemId: fileSystemId }))
        for (const { AccessPointId, Tags = [] } of page.AccessPoints ?? [])
          if (AccessPointId && isOurs(Tags.map(({ Key, Value }) => ({ key: Key, value: Value }))))
            found.push(AccessPointId);
      return found;
    },
  };
}

/** Parts of at most `size`. */
export function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, n) => items.slice(n * size, (n + 1) * size));
}
