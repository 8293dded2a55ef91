import type { Status } from '../../api/resources/resource.ts';
import type { Workspace, WorkspaceStatus } from '../../api/resources/workspace.ts';
import { familyOf } from '../../infra/local/aws/ecs/records.ts';
import { familyName, homePath, targetGroupName } from '../../reconcilers/aws/names.ts';
import { afterEachPut, type Truth } from './truth.ts';

/** What must hold at every instant; what does not is written into `violations`. */
export function watchOracles(truth: Truth, deployment: string, violations: string[]) {
  const tagsOf = (arn: string) => truth.tags.get(arn)?.tags ?? {};
  afterEachPut(truth.rules, rule => {
    const forwards = rule.actions.flatMap(({ TargetGroupArn }) => TargetGroupArn ?? []);
    for (const arn of forwards) {
      const [of, to] = [tagsOf(rule.arn)['armada:id'], tagsOf(arn)['armada:id']];
      if (of !== undefined && to !== undefined && of !== to)
        violations.push(`wrong route: the rule of ${of} leads to ${to}`);
    }
  });
  afterEachPut(truth.tasks, task => {
    const family = familyOf(task);
    const mounted = truth.tasks
      .all()
      .filter(
        other => other.containers.some(({ lastStatus }) => lastStatus === 'RUNNING') && familyOf(other) === family,
      );
    if (mounted.length > 1) violations.push(`double mount: ${mounted.length} tasks of ${family}`);
  });
  return {
    /** A status as it was written. */
    told(workspace: Workspace, status: Status): void {
      const { step } = status as WorkspaceStatus;
      if (step !== 'ready' || workspace.status.step === 'ready') return;
      const family = familyName(deployment, workspace.id);
      const serving = truth.tasks
        .all()
        .some(task => familyOf(task) === family && task.targets.some(({ state }) => state === 'healthy'));
      if (!serving) violations.push(`ready without a healthy target: ${workspace.slug}`);
      const homes = truth.tasks
        .all()
        .filter(task => familyOf(task) === family && task.lastStatus === 'RUNNING')
        .map(task => pathOf(truth, task.definition));
      for (const path of homes)
        if (path !== homePath(workspace.home.id)) violations.push(`lost home: ${workspace.slug} runs on ${path}`);
    },
  };
}

function pathOf(truth: Truth, definitionArn: string): string | undefined {
  const definition = truth.definitions.get(definitionArn.slice(definitionArn.lastIndexOf('/') + 1));
  const accessPoint = definition?.input.volumes?.[0]?.efsVolumeConfiguration?.authorizationConfig?.accessPointId;
  return accessPoint && truth.accessPoints.get(accessPoint)?.exposed.path;
}

/** What workspaces have in AWS, with ids, ARNs and times masked: equal worlds give equal texts. */
export function stateOf(truth: Truth, deployment: string, workspaces: readonly Workspace[]): readonly object[] {
  return workspaces.map(workspace => {
    const { id, slug, status, spec, slot, home, deletedAt } = workspace;
    const service = truth.services
      .all()
      .find(
        ({ name, status: is }) =>
          name === `ws-${familyName(deployment, id).slice('armada-'.length)}` && is !== 'INACTIVE',
      );
    const group = truth.targetGroups.all().find(({ name }) => name === targetGroupName(deployment, id));
    const rules = truth.rules
      .all()
      .filter(rule =>
        rule.actions.some(action => action.TargetGroupArn !== undefined && action.TargetGroupArn === group?.arn),
      );
    const family = familyName(deployment, id);
    const accessPoint = truth.accessPoints.all().find(({ exposed }) => exposed.path === homePath(home.id));
    return {
      spec,
      deleted: deletedAt !== null,
      step: status.step,
      ready: status.conditions.map(({ type, status: is, reason }) => `${type} ${is} ${reason}`),
      restarts: status.restarts,
      image: status.image,
      failure: status.failure,
      service: service && {
        status: service.status,
        desired: service.settings.desiredCount,
        running: service.runningCount,
        newest: truth.definitions
          .get(service.settings.taskDefinition.slice(service.settings.taskDefinition.lastIndexOf('/') + 1))
          ?.input.containerDefinitions?.map(({ image }) => image),
        target: service.settings.loadBalancers[0]?.targetGroupArn === group?.arn,
      },
      group: group && { tags: kindsOf(truth.tags.get(group.arn)?.tags, id), attributes: group.attributes },
      rules: rules.map(rule => ({
        host: JSON.stringify(rule.conditions).includes(`"${slug}.localhost"`),
        slot: rule.priority === slot?.priority,
        tags: kindsOf(truth.tags.get(rule.arn)?.tags, id),
      })),
      slot: slot !== null,
      blueprints: truth.definitions
        .all()
        .some(definition => definition.family === family && definition.status === 'ACTIVE'),
      home: accessPoint && { uid: accessPoint.user?.Uid === home.uid },
      tasks: truth.tasks.all().filter(task => familyOf(task) === family && task.lastStatus !== 'STOPPED').length,
    };
  });
}

const kindsOf = (tags: Readonly<Record<string, string>> | undefined, id: string) => tags?.['armada:id'] === id;

/** What is left in AWS of a class that is gone, by name. */
export function orphansOf(truth: Truth): readonly string[] {
  return [
    ...truth.services
      .all()
      .filter(({ status }) => status !== 'INACTIVE')
      .map(({ name }) => `service ${name}`),
    ...truth.targetGroups
      .all()
      .filter(({ name }) => name.startsWith('a-'))
      .map(({ name }) => `target group ${name}`),
    ...truth.rules
      .all()
      .filter(({ arn }) => truth.tags.get(arn)?.tags['armada:kind'] === 'workspace')
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
