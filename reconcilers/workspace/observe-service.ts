import type { Task as EcsTask } from '@aws-sdk/client-ecs';
import { DescribeTargetHealthCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { conditionOf } from '../../api/resources/resource.ts';
import type { Workspace } from '../../api/resources/workspace.ts';
import type { Context } from '../../controller/reconciler.ts';
import { unless } from '../aws/errors.ts';
import { isUp, stillReady } from './facts.ts';
import type { Ground, Names } from './ground.ts';
import type { Observed, Service } from './model.ts';
import { portsOf, serviceFrom } from './reading.ts';

/** Stopped as asked when it was last looked at: nothing of it is in use, and nothing is to be destroyed. */
function isAtRest({ deletedAt, generation, spec, status }: Workspace): boolean {
  const asAsked = status.observedGeneration === generation && conditionOf(status, 'Ready')?.status === 'True';
  return asAsked && deletedAt === null && !spec.running && status.step === 'stopped';
}

/** The service as read, unless our own last write shows that the read is from before it. */
export async function observeService(
  workspace: Workspace,
  context: Context,
  names: Names,
  ground: Ground,
): Promise<Service | undefined> {
  if (!context.urgent && isAtRest(workspace) && !(await ground.inventory.isListed(names.service))) return undefined;
  const read = serviceFrom(await ground.inventory.service(names.service), names.owner);
  const written = ground.hints.services.latest(names.service, context.now());
  if (!written) return read;
  if (!read) return written.state === 'draining' ? undefined : written;
  if (read.deployment.id !== written.deployment.id) {
    return read.deployment.startedAt < written.deployment.startedAt ? written : read;
  }
  return { ...read, desired: written.desired, state: written.state };
}

/** Asked of a task that runs and was not yet proven ready: one call per target group. */
export async function observeHealth(
  workspace: Workspace,
  seen: Observed,
  tasks: readonly EcsTask[] | 'unread',
  ground: Ground,
  now: Date,
): Promise<boolean | 'unread'> {
  const { service, target } = seen;
  if (!isUp(seen) || !target || !service || service.running === 0 || tasks === 'unread') return 'unread';
  if (stillReady(workspace, seen, now)) return 'unread';
  const command = new DescribeTargetHealthCommand({ TargetGroupArn: service.targetId ?? target.id });
  const answer = await unless(
    ground.pace('elb', true, () => ground.clients.elb.send(command)),
    'gone',
  );
  const ports = portsOf(tasks);
  // A target of the last run may still be listed: only this task's own counts.
  const own = answer?.TargetHealthDescriptions?.filter(({ Target }) => ports.includes(Target?.Port ?? 0)) ?? [];
  return own.some(({ TargetHealth }) => TargetHealth?.State === 'healthy');
}
