import {
  DeleteServiceCommand,
  DeleteTaskDefinitionsCommand,
  DeregisterTaskDefinitionCommand,
  DescribeServicesCommand,
} from '@aws-sdk/client-ecs';
import { DeleteAccessPointCommand } from '@aws-sdk/client-efs';
import { DeleteRuleCommand, DeleteTargetGroupCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Clients } from '../../reconcilers/aws/clients.ts';
import { type Deployment, findController } from './deployment.ts';
import { OperateFault } from './fault.ts';
import { chunks, createOurs } from './ours.ts';

/** How `leave` is asked. */
export interface LeaveOptions {
  readonly clients: Clients;
  readonly deployment: Deployment;
  /** False: only says what it would do. */
  readonly act: boolean;
  /** Ways into homes go as well; their files stay on the file system all the same. */
  readonly homes: boolean;
  readonly report: (line: string) => void;
  /** Waits a moment between two looks at what drains. */
  readonly wait: () => Promise<void>;
  readonly signal: AbortSignal;
}

const servicesPerCall = 10;
const definitionsPerDelete = 10;
/** Says how far it is every so many calls. */
const progressEvery = 25;
/** Some ten minutes at 5 s: a task has two minutes to end, a target five to drain. */
const looks = 120;
const repeats = 5;

/**
 * Takes away what the controller made, in the order that AWS allows, so that the stack can be deleted. Only what carries
 * the deployment's tags; run again after an interruption it goes on with what is left.
 */
export async function leave(options: LeaveOptions): Promise<void> {
  const { act, clients, deployment, report } = options;
  await refuseWhileControlled(options);
  const ours = createOurs(clients, deployment);
  const { ecs, efs, elb } = clients;
  const { cluster } = deployment;

  const services = await ours.services();
  await each(options, 'services', services, service =>
    ecs.send(new DeleteServiceCommand({ cluster, service, force: true })),
  );
  if (act) await drained(options, services);
  await each(options, 'rules', await ours.rules(), RuleArn => elb.send(new DeleteRuleCommand({ RuleArn })));
  await each(options, 'target groups', await ours.targetGroups(), TargetGroupArn =>
    elb.send(new DeleteTargetGroupCommand({ TargetGroupArn })),
  );
  const { active, inactive } = await ours.taskDefinitions();
  await each(options, 'task definitions', active, taskDefinition =>
    ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition })),
  );
  const definitions = chunks([...active, ...inactive], definitionsPerDelete);
  if (act)
    for (const taskDefinitions of definitions) {
      const { failures = [] } = await ecs.send(new DeleteTaskDefinitionsCommand({ taskDefinitions }));
      if (failures.length > 0)
        report(`${failures.length} task definitions stay, inactive and free: ${failures[0]?.reason}`);
    }
  const accessPoints = await ours.accessPoints();
  if (options.homes)
    await each(options, 'access points', accessPoints, AccessPointId =>
      efs.send(new DeleteAccessPointCommand({ AccessPointId })),
    );
  else report(`access points: ${accessPoints.length} kept (the ways into homes; --homes takes them away)`);
  report(`file system ${deployment.fileSystemId}: kept, with every file on it`);
  report(
    act
      ? 'The stack can be deleted now: https://console.aws.amazon.com/cloudformation (turn off the database’s deletion protection first; it ends as a snapshot).'
      : 'Nothing was changed. Add --yes to do this.',
  );
}

/** A running controller would make everything anew. */
async function refuseWhileControlled({ act, clients, deployment, report }: LeaveOptions): Promise<void> {
  const controller = await findController(clients.ecs, deployment.cluster);
  if (!controller || controller.desired === 0) return;
  const stop = `aws ecs update-service --cluster ${deployment.cluster} --service ${controller.name} --desired-count 0`;
  const text = `The controller runs and would make everything anew. Stop it first:  ${stop}`;
  if (act) throw new OperateFault(text);
  report(text);
}

async function each(
  { act, report, signal, wait }: LeaveOptions,
  what: string,
  ids: readonly string[],
  remove: (id: string) => Promise<unknown>,
): Promise<void> {
  if (!act || ids.length === 0) {
    report(`${what}: ${ids.length}${act ? '' : ' to go'}`);
    if (!act) for (const id of ids) report(`  ${id.split(':').at(-1)}`);
    return;
  }
  let done = 0;
  for (const id of ids) {
    signal.throwIfAborted();
    try {
      await whenFree(remove, id, wait);
    } catch (error) {
      // Somebody was faster, or a lost answer was none: gone is what was wanted.
      if (!(error instanceof Error && /NotFound/.test(error.name))) throw faultOf(error, what, id);
    }
    done += 1;
    if (done % progressEvery === 0 || done === ids.length) report(`${what}: ${done} of ${ids.length} taken away`);
  }
}

/** AWS sees a moment late that a rule no longer uses a target group. */
async function whenFree(remove: (id: string) => Promise<unknown>, id: string, wait: () => Promise<void>) {
  for (let again = 0; again < repeats; again += 1) {
    try {
      return await remove(id);
    } catch (error) {
      if (!(error instanceof Error && /InUse/.test(error.name))) throw error;
      await wait();
    }
  }
  return remove(id);
}

function faultOf(error: unknown, what: string, id: string): OperateFault {
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new OperateFault(
    `${what}: ${id} could not be taken away (${reason}). Run leave again; it goes on from here.`,
    {
      cause: error,
    },
  );
}

/** Resolves once these services have no tasks left: until then the cluster can't be deleted. */
async function drained({ clients, deployment, report, signal, wait }: LeaveOptions, services: readonly string[]) {
  let left = [...services];
  for (let look = 0; left.length > 0; look += 1) {
    signal.throwIfAborted();
    const still: string[] = [];
    for (const some of chunks(left, servicesPerCall)) {
      const describe = new DescribeServicesCommand({ cluster: deployment.cluster, services: some });
      for (const { serviceArn, status } of (await clients.ecs.send(describe)).services ?? [])
        if (serviceArn && status !== 'INACTIVE') still.push(serviceArn);
    }
    left = still;
    if (left.length === 0) return;
    if (look >= looks)
      throw new OperateFault(`${left.length} services still have tasks. Run leave again in some minutes; it goes on.`);
    if (look % progressEvery === 0) report(`services: ${left.length} still ending their tasks`);
    await wait();
  }
}
