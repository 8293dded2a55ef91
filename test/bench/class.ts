import type { Workspace } from '../../api/resources/workspace.ts';
import { eventually } from '../support/eventually.ts';
import type { Deployment } from './deployment.ts';

/** Declares a class of `count` students and waits until every workspace is prepared and stopped. Answers with slugs. */
export async function makeClass(deployment: Deployment, count: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, index) => `s${String(index + 1).padStart(4, '0')}`);
  await deployment.call('PUT', '/cohorts/b', { name: 'Bench' });
  await deployment.call('PUT', '/courses/c', { name: 'Bench', memory: 128, idleMinutes: null });
  await deployment.call('PUT', '/courses/c/cohorts/b');
  const text = names.map(name => `${name} <${name}@bench.example>`).join('\n');
  await deployment.call('POST', '/cohorts/b/roster', { text });
  await settled(deployment, count);
  return (await list(deployment)).map(workspace => workspace.slug);
}

/** Waits until every workspace is as asked. */
export async function settled(deployment: Deployment, count: number): Promise<void> {
  await eventually(
    async () => {
      const all = await list(deployment);
      return all.length === count && all.every(isSettled);
    },
    { within: 120_000, every: 250 },
  );
}

export function isSettled({ generation, status }: Workspace): boolean {
  const ready = status.conditions.find(condition => condition.type === 'Ready');
  return status.observedGeneration === generation && ready?.status === 'True';
}

async function list(deployment: Deployment): Promise<Workspace[]> {
  const { items } = (await deployment.call('GET', '/workspaces?limit=500')) as { items: Workspace[] };
  return items;
}
