import type { Workspace } from '../../api/resources/workspace.ts';
import { familyOf } from '../../infra/local/aws/ecs/records.ts';
import { familyName, homePath, serviceName, targetGroupName } from '../../reconcilers/aws/names.ts';
import type { Truth } from './truth.ts';

/** What workspaces have in AWS, with ids, ARNs and times masked: equal worlds give equal texts. */
export function stateOf(truth: Truth, deployment: string, workspaces: readonly Workspace[]): readonly object[] {
  return workspaces.map(workspace => {
    const { id, slug, status, spec, slot, home, deletedAt } = workspace;
    const service = truth.services
      .all()
      .find(({ name, status: is }) => name === serviceName(deployment, id) && is !== 'INACTIVE');
    const group = truth.targetGroups.all().find(({ name }) => name === targetGroupName(deployment, id));
    const rules = truth.rules
      .all()
      .filter(
        rule =>
          rule.actions.some(action => action.TargetGroupArn !== undefined && action.TargetGroupArn === group?.arn) ||
          JSON.stringify(rule.conditions).includes(`"${slug}.localhost"`),
      );
    const family = familyName(deployment, id);
    const accessPoint = truth.accessPoints.all().find(({ exposed }) => exposed.path === homePath(home.id));
    const newest = service && truth.definitions.get(service.settings.taskDefinition.split('/').at(-1) ?? '');
    return {
      spec,
      deleted: deletedAt !== null,
      step: status.step,
      conditions: status.conditions.map(({ type, status: is, reason }) => `${type} ${is} ${reason}`),
      restarts: status.restarts,
      image: status.image,
      failure: status.failure,
      service: service && {
        status: service.status,
        desired: service.settings.desiredCount,
        running: service.runningCount,
        images: newest?.input.containerDefinitions?.map(({ image }) => image),
        target: service.settings.loadBalancers[0]?.targetGroupArn === group?.arn,
      },
      group: group && { tagged: isTagged(truth, group.arn, id), attributes: group.attributes },
      rules: rules.map(rule => ({
        host: JSON.stringify(rule.conditions).includes(`"${slug}.localhost"`),
        target: rule.actions.some(({ TargetGroupArn }) => TargetGroupArn === group?.arn),
        slot: rule.priority === slot?.priority,
        tagged: isTagged(truth, rule.arn, id),
      })),
      slot: slot !== null,
      blueprint: truth.definitions
        .all()
        .some(definition => definition.family === family && definition.status === 'ACTIVE'),
      home: accessPoint && { uid: accessPoint.user?.Uid === home.uid },
      tasks: truth.tasks.all().filter(task => familyOf(task) === family && task.lastStatus !== 'STOPPED').length,
    };
  });
}

const isTagged = (truth: Truth, arn: string, id: string) => truth.tags.get(arn)?.tags['armada:id'] === id;

/** How much of each kind AWS has that is in use: nothing may be there beside what the rows account for. */
export function totalsOf(truth: Truth): object {
  return {
    services: truth.services.all().filter(({ status }) => status !== 'INACTIVE').length,
    groups: ownGroups(truth).length,
    rules: truth.rules.all().filter(({ priority }) => priority !== 'default').length,
    accessPoints: truth.accessPoints.all().length,
    tasks: truth.tasks.all().filter(({ lastStatus }) => lastStatus !== 'STOPPED').length,
  };
}

const ownGroups = (truth: Truth) => truth.targetGroups.all().filter(({ name }) => name.startsWith('a-'));

/** What is left in AWS of a class that is gone, by name. */
export function orphansOf(truth: Truth): readonly string[] {
  return [
    ...truth.services
      .all()
      .filter(({ status }) => status !== 'INACTIVE')
      .map(({ name }) => `service ${name}`),
    ...ownGroups(truth).map(({ name }) => `target group ${name}`),
    ...truth.rules
      .all()
      .filter(({ priority }) => priority !== 'default')
      .map(({ arn }) => `rule ${truth.tags.get(arn)?.tags['armada:id']}`),
    ...truth.definitions
      .all()
      .filter(({ status }) => status !== 'DELETE_IN_PROGRESS')
      .map(({ key }) => `task definition ${key}`),
    ...truth.accessPoints.all().map(({ exposed }) => `access point ${exposed.path}`),
    ...truth.tasks
      .all()
      .filter(({ lastStatus }) => lastStatus !== 'STOPPED')
      .map(({ id }) => `task ${id}`),
  ];
}
