import { paginateListTaskDefinitions } from '@aws-sdk/client-ecs';
import type { Ground, Names } from './ground.ts';
import type { Revision } from './model.ts';

/** What one page of ListTaskDefinitions holds at most. Source: the ECS API reference. */
const revisionsPerPage = 100;

/** Every revision that AWS still has of the family, active and retired, whatever the number of pages. */
export async function listRevisions(names: Names, ground: Ground): Promise<readonly Revision[]> {
  return (await Promise.all([list('ACTIVE', names, ground), list('INACTIVE', names, ground)])).flat();
}

async function list(status: 'ACTIVE' | 'INACTIVE', names: Names, { clients, pace }: Ground): Promise<Revision[]> {
  return pace('ecs', true, async () => {
    const revisions: Revision[] = [];
    const pages = paginateListTaskDefinitions(
      { client: clients.ecs, pageSize: revisionsPerPage },
      { familyPrefix: names.family, status },
    );
    for await (const { taskDefinitionArns = [] } of pages) {
      revisions.push(...taskDefinitionArns.map(id => ({ id, retired: status === 'INACTIVE' })));
    }
    return revisions;
  });
}
