import {
  DeleteServiceCommand,
  DeleteTaskDefinitionsCommand,
  DeregisterTaskDefinitionCommand,
  paginateListTaskDefinitions,
} from '@aws-sdk/client-ecs';
import { DeleteRuleCommand, DeleteTargetGroupCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { unless } from '../aws/errors.ts';
import type { Found } from './model.ts';
import type { SweepGround } from './observe.ts';

/** What one DeleteTaskDefinitions holds. Source: the ECS API reference. */
const deletionsPerCall = 10;

/** Deletes one stray thing; what is gone already is success. Throws where AWS refuses, as for a target group in use. */
export async function remove({ kind, id }: Found, ground: SweepGround): Promise<void> {
  const { clients, pace, cluster } = ground;
  const { ecs, elb } = clients;
  switch (kind) {
    case 'rule':
      await unless(
        pace('elb', false, () => elb.send(new DeleteRuleCommand({ RuleArn: id }))),
        'gone',
      );
      return;
    case 'service':
      await unless(
        pace('ecs', false, () => ecs.send(new DeleteServiceCommand({ cluster, service: id, force: true }))),
        'gone',
      );
      return;
    case 'target group':
      await unless(
        pace('elb', false, () => elb.send(new DeleteTargetGroupCommand({ TargetGroupArn: id }))),
        'gone',
      );
      return;
    case 'task definition':
      return removeFamily(id, ground);
    case 'home':
      throw new Error(`home ${id} is never deleted by a sweep`);
  }
}

async function removeFamily(family: string, { clients, pace }: SweepGround): Promise<void> {
  const { ecs } = clients;
  const list = (status: 'ACTIVE' | 'INACTIVE') =>
    pace('ecs', false, async () => {
      const arns: string[] = [];
      const pages = paginateListTaskDefinitions({ client: ecs, pageSize: 100 }, { familyPrefix: family, status });
      for await (const { taskDefinitionArns = [] } of pages) arns.push(...taskDefinitionArns);
      return arns;
    });
  const active = await list('ACTIVE');
  for (const taskDefinition of active) {
    await unless(
      pace('ecs', false, () => ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition }))),
      'invalid',
    );
  }
  // Lists may not show yet what was retired just now.
  const retired = [...new Set([...active, ...(await list('INACTIVE'))])];
  for (let from = 0; from < retired.length; from += deletionsPerCall) {
    const taskDefinitions = retired.slice(from, from + deletionsPerCall);
    await pace('ecs', false, () => ecs.send(new DeleteTaskDefinitionsCommand({ taskDefinitions })));
  }
}
