import { TagResourceCommand as TagServiceCommand } from '@aws-sdk/client-ecs';
import { TagResourceCommand as TagHomeCommand } from '@aws-sdk/client-efs';
import { AddTagsCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { unless } from '../aws/errors.ts';
import { tagsOf } from '../aws/names.ts';
import type { Deed } from './deed.ts';
import type { Action, Observed } from './model.ts';

type Marked = Extract<Action, { readonly type: 'restore-tags' }>['of'];

/** Marks as ours again what is ours by its name; what is gone meanwhile the next look tells. */
export async function restoreTags(deed: Deed, of: Marked): Promise<Observed> {
  const { observed, names, ground } = deed;
  const { clients, pace } = ground;
  const tags = tagsOf(of === 'home' ? names.homeOwner : names.owner);
  const spelled = tags.map(([Key, Value]) => ({ Key, Value }));
  if (of === 'home' && observed.home) {
    const command = new TagHomeCommand({ ResourceId: observed.home.id, Tags: spelled });
    await unless(
      pace('efs', false, () => clients.efs.send(command)),
      'gone',
    );
    return { ...observed, home: { ...observed.home, owner: 'ours' } };
  }
  if (of === 'target' && observed.target) {
    await tagAtBalancer(deed, [observed.target.id]);
    return { ...observed, target: { ...observed.target, owner: 'ours' } };
  }
  if (of === 'routes') {
    await tagAtBalancer(
      deed,
      observed.routes.map(({ id }) => id),
    );
    return { ...observed, routes: observed.routes.map(route => ({ ...route, owner: 'ours' })) };
  }
  if (of === 'service' && observed.service) {
    const lower = tags.map(([key, value]) => ({ key, value }));
    const command = new TagServiceCommand({ resourceArn: observed.service.arn, tags: lower });
    await unless(
      pace('ecs', false, () => clients.ecs.send(command)),
      'gone',
    );
    return { ...observed, service: { ...observed.service, owner: 'ours' } };
  }
  return observed;
}

async function tagAtBalancer({ names, ground }: Deed, arns: readonly string[]): Promise<void> {
  const Tags = tagsOf(names.owner).map(([Key, Value]) => ({ Key, Value }));
  const command = new AddTagsCommand({ ResourceArns: [...arns], Tags });
  await unless(
    ground.pace('elb', false, () => ground.clients.elb.send(command)),
    'gone',
  );
}
