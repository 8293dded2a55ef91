import type { Home } from '../../api/resources/home.ts';
import { conditionOf, type Status } from '../../api/resources/resource.ts';
import type { Student } from '../../api/resources/student.ts';
import type { Workspace } from '../../api/resources/workspace.ts';
import { familyOf, type TaskRecord } from '../../infra/local/aws/ecs/records.ts';
import type { RuleRow } from '../../infra/local/aws/elb/tables.ts';
import { familyName, homePath, targetGroupName } from '../../reconcilers/aws/names.ts';
import { containerNames } from '../../reconcilers/workspace/blueprint.ts';
import { afterEachPut, beforeEachDelete, type Truth } from './truth.ts';

/** What must hold at every instant. What does not is written into the world's violations. */
export interface Oracles {
  /** A row as a controller read it: from then on it is known what its things should be. */
  meet(resource: Workspace | Student | Home): void;
  /** A status as it was written. */
  told(resource: Workspace | Student | Home, status: Status): void;
  /** While a hand changes AWS, what is wrong is not the controller's doing. */
  isHandAtWork: boolean;
  /**
   * A call of a controller that was replaced has landed. An UpdateService that starts can come after the successor's one
   * that stops, or between its stop and its start: ECS has no condition that would refuse it, and puts a task beside the
   * old one while that stops. No version and no name prevents this; what keeps the two apart is the gate's lock on the
   * home alone. Here that lock is a model (`isHomeFree`): a gate that finds the home locked is not healthy, so its editor
   * does not start. From then on of two tasks on one home one may have its editor up. The lock itself is tried with real
   * gates in `test/infra/gate`, and by `--sigkill-all`.
   */
  isCallLate: boolean;
  /** How often each thing was deleted, by what it is of whom, since `forget`. */
  readonly deletes: Map<string, number>;
  /** Forgets the rows and deletes of the last run. */
  forget(): void;
}

interface Known {
  readonly id: string;
  readonly slug: string;
  readonly home: string;
  readonly uid: number;
}

/** Watches the tables of a world from now on. */
export function createOracles(truth: Truth, deployment: string, violations: string[]): Oracles {
  const byFamily = new Map<string, Known>();
  const byGroup = new Map<string, Known>();
  const bySlug = new Map<string, Known>();
  /** Step of each workspace as it was last read or told: what a pass makes of its row meanwhile is not told yet. */
  const steps = new Map<string, string>();
  const deletes = new Map<string, number>();
  const oracles: Oracles = {
    isHandAtWork: false,
    isCallLate: false,
    deletes,
    meet(resource) {
      if (resource.kind !== 'workspace') return;
      const { id, slug, home, status } = resource;
      steps.set(id, status.step);
      const known = { id, slug, home: home.id, uid: home.uid };
      byFamily.set(familyName(deployment, id), known);
      byGroup.set(targetGroupName(deployment, id), known);
      bySlug.set(slug, known);
    },
    told(resource, status) {
      const isReady = conditionOf(status, 'Ready')?.status === 'True';
      if (isReady && status.observedGeneration > resource.generation)
        accuse('ready: of a generation that was never asked for');
      if (resource.kind !== 'workspace' || !('step' in status)) return;
      const before = steps.get(resource.id) ?? resource.status.step;
      const { step } = status as Workspace['status'];
      steps.set(resource.id, step);
      if (step !== 'ready' || before === 'ready') return;
      const family = familyName(deployment, resource.id);
      const isServed = truth.tasks
        .all()
        .some(task => familyOf(task) === family && task.targets.some(({ state }) => state === 'healthy'));
      if (!isServed) accuse(`ready without a healthy target: ${resource.slug}`);
    },
    forget() {
      oracles.isCallLate = false;
      for (const map of [byFamily, byGroup, bySlug, deletes, steps]) map.clear();
    },
  };
  const accuse = (violation: string) => {
    if (!oracles.isHandAtWork && !violations.includes(violation)) violations.push(violation);
  };
  const deleted = (what: string, whose: string | undefined) => {
    if (oracles.isHandAtWork) return;
    const key = `${what} of ${whose}`;
    deletes.set(key, (deletes.get(key) ?? 0) + 1);
  };
  const groupOf = (arn: string) => byGroup.get(truth.targetGroups.get(arn)?.name ?? '');

  function judgeRule(rule: RuleRow): void {
    const tagged = truth.tags.get(rule.arn)?.tags['armada:id'];
    const hosts = rule.conditions.flatMap(({ HostHeaderConfig }) => HostHeaderConfig?.Values ?? []);
    for (const arn of rule.actions.flatMap(({ TargetGroupArn }) => TargetGroupArn ?? [])) {
      const to = groupOf(arn);
      const strangers = hosts
        .map(host => bySlug.get(host.split('.')[0] ?? ''))
        .filter(known => known && to && known.id !== to.id);
      if (strangers.length > 0) accuse(`wrong route: the host of ${strangers[0]?.slug} leads to ${to?.slug}`);
      else if (tagged !== undefined && to && tagged !== to.id)
        accuse(`wrong route: the rule of ${tagged} leads to ${to.slug}`);
    }
  }

  function judgeTask(task: TaskRecord): void {
    const owner = byFamily.get(familyOf(task));
    const isRunning = (name: string) => task.containers.some(each => each.name === name && isUp(each));
    for (const { groupArn } of task.targets) {
      const to = groupOf(groupArn);
      if (owner && to && to.id !== owner.id) accuse(`wrong route: the target of ${to.slug} is a task of ${owner.slug}`);
    }
    if (!task.containers.some(isUp)) return;
    const accessPoint = accessPointOf(truth, task);
    const path = accessPoint?.exposed.path;
    if (owner && accessPoint && (path !== homePath(owner.home) || accessPoint.user?.Uid !== owner.uid))
      accuse(`lost home: ${owner.slug} runs on ${path} as ${accessPoint.user?.Uid}`);
    if (path === undefined) {
      if (owner) accuse(`lost home: ${owner.slug} runs on an access point that is gone`);
      return;
    }
    const isWriting = ({ containers }: TaskRecord) =>
      containers.some(each => isUp(each) && (!oracles.isCallLate || each.name === containerNames.ide));
    const mounted = truth.tasks
      .all()
      .filter(other => isWriting(other) && accessPointOf(truth, other)?.exposed.path === path);
    if (mounted.length > 1) accuse(`double mount: ${mounted.length} tasks on the home of ${owner?.slug}`);
    const gate = task.containers.find(({ name }) => name === containerNames.gate);
    const isEditing = isRunning(containerNames.ide) && task.desiredStatus === 'RUNNING';
    if (isEditing && gate && isUp(gate) && gate.healthStatus === 'UNKNOWN')
      accuse(`lost home: the editor of ${owner?.slug} runs before its gate found the home`);
  }

  afterEachPut(truth.rules, judgeRule);
  afterEachPut(truth.tags, ({ arn }) => {
    const rule = truth.rules.get(arn);
    if (rule) judgeRule(rule);
  });
  afterEachPut(truth.tasks, judgeTask);
  afterEachPut(truth.services, (service, before) => {
    if (service.status === 'DRAINING' && before?.status === 'ACTIVE')
      deleted('service', taggedId(service.tags.map(({ key, value }) => [key, value])));
  });
  beforeEachDelete(truth.rules, ({ arn }) => deleted('rule', truth.tags.get(arn)?.tags['armada:id']));
  beforeEachDelete(truth.targetGroups, ({ name }) => deleted('target group', byGroup.get(name)?.id));
  beforeEachDelete(truth.accessPoints, ({ id, exposed, tags }) => {
    deleted('access point', taggedId(tags.map(({ Key, Value }) => [Key, Value])));
    const isInUse = truth.tasks.all().some(task => task.containers.some(isUp) && accessPointIdOf(truth, task) === id);
    if (isInUse) accuse(`lost home: the access point of ${exposed.path} goes under a running task`);
  });
  return oracles;
}

/** Whether the home of this task is free for its gate to lock: no other task's container holds it. */
export function isHomeFree(truth: Truth, taskId: string): boolean {
  const path = pathOf(truth, taskId);
  const others = truth.tasks.all().filter(({ id, containers }) => id !== taskId && containers.some(isUp));
  return !others.some(
    task =>
      accessPointOf(truth, task)?.exposed.path === path &&
      task.containers.some(({ name, healthStatus }) => name === containerNames.gate && healthStatus === 'HEALTHY'),
  );
}

const isUp = ({ lastStatus }: { readonly lastStatus: string }) => lastStatus === 'RUNNING';

const taggedId = (tags: readonly (readonly [string | undefined, string | undefined])[]) =>
  tags.find(([key]) => key === 'armada:id')?.[1];

function accessPointIdOf(truth: Truth, { definition: arn }: TaskRecord): string | undefined {
  const definition = truth.definitions.get(arn.slice(arn.lastIndexOf('/') + 1));
  return definition?.input.volumes?.find(({ efsVolumeConfiguration }) => efsVolumeConfiguration)?.efsVolumeConfiguration
    ?.authorizationConfig?.accessPointId;
}

/** The home that a task has, by its path on the file system. */
export function pathOf(truth: Truth, taskId: string): string | undefined {
  return accessPointOf(truth, truth.tasks.get(taskId))?.exposed.path;
}

function accessPointOf(truth: Truth, task: TaskRecord | undefined) {
  const id = task && accessPointIdOf(truth, task);
  return id === undefined ? undefined : truth.accessPoints.get(id);
}
