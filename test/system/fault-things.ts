import { conditionOf } from '../../api/resources/resource.ts';
import type { Workspace } from '../../api/resources/workspace.ts';
import type { Truth } from '../campaign/truth.ts';

/** As asked, and known to be so. */
export function isSettled({ status, generation }: Workspace): boolean {
  return status.observedGeneration === generation && conditionOf(status, 'Ready')?.status === 'True';
}

/** What a workspace has in AWS, counted: one of each where all is well. */
export function thingsOf({ truth }: { readonly truth: Truth }, id: string) {
  const isOf = (tags: Readonly<Record<string, string>> | undefined) => tags?.['armada:id'] === id;
  const services = truth.services.all().filter(({ name, status }) => name === `ws-school-${id}` && status === 'ACTIVE');
  const groups = truth.targetGroups.all().filter(({ name }) => name === `a-school-${id}`);
  const rules = truth.rules.all().filter(({ arn }) => isOf(truth.tags.get(arn)?.tags));
  const tasks = truth.tasks.all().filter(task => familyIn(task.definition) === `armada-school-${id}`);
  return { services, groups, rules, tasks };
}

/** Hosts that a workspace's rules match. */
export function hostsOf(world: { readonly truth: Truth }, id: string): readonly string[] {
  return thingsOf(world, id)
    .rules.flatMap(({ conditions }) => [...JSON.stringify(conditions).matchAll(/[a-z0-9-]+(?:\.[a-z0-9-]+)+/g)])
    .map(([host]) => host);
}

export function familyIn(definitionArn: string): string {
  return definitionArn.split('/').at(-1)?.split(':')[0] ?? '';
}
