import {
  CreateServiceCommand,
  type CreateServiceRequest,
  DeleteServiceCommand,
  type Service as EcsService,
  UpdateServiceCommand,
} from '@aws-sdk/client-ecs';
import { is, unless } from '../aws/errors.ts';
import { tagsOf } from '../aws/names.ts';
import { containerNames, gatePort } from './blueprint.ts';
import type { Deed } from './deed.ts';
import { giveBack, inLine } from './in-line.ts';
import type { Observed } from './model.ts';
import { serviceFrom } from './reading.ts';

/** How long ECS leaves a starting task alone, whatever the balancer says of it: a slow first start is no failure. */
const graceSeconds = 120;

/** One task, never a second beside it; two failed attempts end it, and nothing goes back to an older blueprint by itself. */
const startSettings = {
  desiredCount: 1,
  healthCheckGracePeriodSeconds: graceSeconds,
  // The default starts the next task before it stops the last one.
  availabilityZoneRebalancing: 'DISABLED',
  deploymentConfiguration: {
    minimumHealthyPercent: 0,
    maximumPercent: 100,
    deploymentCircuitBreaker: {
      enable: true,
      rollback: false,
      resetOnHealthyTask: true,
      thresholdConfiguration: { type: 'COUNT', value: 2 },
    },
  },
} as const satisfies Partial<CreateServiceRequest>;

/** The first start. A service that is there already is taken as it is; the plan makes of it what it should be. */
export function createService(deed: Deed): Promise<Observed> {
  return inLine(deed, 'ECS services', () => tryService(deed));
}

async function tryService(deed: Deed): Promise<Observed | 'quota'> {
  const { observed, names, ground, context } = deed;
  const { cluster, capacityProvider } = ground.settings;
  const { target, blueprint } = observed;
  if (!target || !blueprint || blueprint === 'unread') return observed;
  const command = new CreateServiceCommand({
    ...startSettings,
    cluster,
    serviceName: names.service,
    taskDefinition: blueprint.id,
    loadBalancers: [balancerOf(target.id)],
    ...(capacityProvider === undefined ? {} : { capacityProviderStrategy: [{ capacityProvider, weight: 1 }] }),
    placementStrategy: [{ type: 'binpack', field: 'memory' }],
    enableExecuteCommand: false,
    tags: tagsOf(names.owner).map(([key, value]) => ({ key, value })),
  });
  try {
    const answer = await ground.pace('ecs', context.urgent, () => ground.clients.ecs.send(command));
    return folded(deed, answer.service);
  } catch (error) {
    if (is(error, 'quota')) return 'quota';
    if (!is(error, 'invalid')) throw error;
    // AWS says "invalid" too of a name that is in use: a service that we have, or one that is still draining.
    const found = serviceFrom(await ground.inventory.service(names.service), names.owner);
    if (!found) throw error;
    return { ...observed, service: found };
  }
}

/** A later start: a new deployment, so that ECS counts its failures and resolves the image's tag anew. */
export async function startService(deed: Deed): Promise<Observed> {
  const { observed, names, ground, context } = deed;
  const { service, target, blueprint } = observed;
  if (!service || !target || !blueprint || blueprint === 'unread') return observed;
  const command = new UpdateServiceCommand({
    ...startSettings,
    cluster: ground.settings.cluster,
    service: names.service,
    taskDefinition: blueprint.id,
    forceNewDeployment: true,
    ...(service.targetId === target.id ? {} : { loadBalancers: [balancerOf(target.id)] }),
  });
  return update(deed, command, context.urgent);
}

export async function trimService(deed: Deed): Promise<Observed> {
  return update(deed, countCommand(deed, 1), true);
}

export async function stopService(deed: Deed): Promise<Observed> {
  return update(deed, countCommand(deed, 0), true);
}

function countCommand({ ground, names }: Deed, desiredCount: number): UpdateServiceCommand {
  return new UpdateServiceCommand({ cluster: ground.settings.cluster, service: names.service, desiredCount });
}

async function update(deed: Deed, command: UpdateServiceCommand, urgent: boolean): Promise<Observed> {
  const { ground } = deed;
  const answer = await unless(
    ground.pace('ecs', urgent, () => ground.clients.ecs.send(command)),
    'gone',
  );
  return folded(deed, answer?.service);
}

/** Deletes the service with its task, unless its tags, read afresh, say that it is another's. */
export async function deleteService(deed: Deed): Promise<Observed> {
  const { observed, names, ground } = deed;
  const found = serviceFrom(await ground.inventory.service(names.service), names.owner);
  if (found?.owner === 'foreign') return { ...observed, service: found };
  const command = new DeleteServiceCommand({ cluster: ground.settings.cluster, service: names.service, force: true });
  const answer = await unless(
    ground.pace('ecs', false, () => ground.clients.ecs.send(command)),
    'gone',
  );
  await giveBack(deed, 'ECS services');
  return folded(deed, answer?.service);
}

/** The observation after a write. Its tasks are another matter: they are read again before anything depends on them. */
function folded({ observed, names, ground, context }: Deed, answer: EcsService | undefined): Observed {
  const read = serviceFrom(answer, names.owner);
  const owner = observed.service?.owner ?? 'ours';
  const service = read && { ...read, owner };
  ground.hints.services.note(names.service, service, context.now());
  return { ...observed, service, tasks: 'unread', healthy: 'unread' };
}

function balancerOf(targetGroupArn: string) {
  return { targetGroupArn, containerName: containerNames.gate, containerPort: gatePort };
}
