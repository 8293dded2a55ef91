import { expect, test } from 'vitest';
import type { Workspace } from '../../api/resources/workspace.ts';
import type { ServiceRecord, TaskDefinitionRecord, TaskRecord } from '../../infra/local/aws/ecs/records.ts';
import type { AccessPointRecord } from '../../infra/local/aws/efs/records.ts';
import type { RuleRow, TagsRow, TargetGroupRow } from '../../infra/local/aws/elb/tables.ts';
import { State } from '../../infra/local/aws/state.ts';
import { familyName, homePath, serviceName, targetGroupName } from '../../reconcilers/aws/names.ts';
import { containerNames } from '../../reconcilers/workspace/blueprint.ts';
import { workspaceRow } from '../reconcilers/rows.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { orphansOf, stateOf, totalsOf } from './end-state.ts';
import { createOracles } from './oracles.ts';
import { judge } from './run.ts';
import type { Truth } from './truth.ts';

/** Each oracle is told a lie, and must say so; and once the truth, and must be silent. */

const ada = workspaceRow('aaaaaaaaaaaaaaaa');
const bob = workspaceRow('bbbbbbbbbbbbbbbb');
const deployment = 'school';

function world() {
  const state = new State(':memory:', new ManualClock());
  const truth: Truth = {
    services: state.table<ServiceRecord>('services'),
    definitions: state.table<TaskDefinitionRecord>('definitions'),
    tasks: state.table<TaskRecord>('tasks'),
    rules: state.table<RuleRow>('rules'),
    targetGroups: state.table<TargetGroupRow>('groups'),
    tags: state.table<TagsRow>('tags'),
    accessPoints: state.table<AccessPointRecord>('access points'),
  };
  const violations: string[] = [];
  const oracles = createOracles(truth, deployment, violations);
  for (const row of [ada, bob]) oracles.meet(row);
  const group = ({ id }: Workspace) => {
    const arn = `group-${id}`;
    truth.targetGroups.put(arn, { arn, name: targetGroupName(deployment, id), attributes: {} } as TargetGroupRow);
    return arn;
  };
  const rule = (of: Workspace, targetGroup: string, tagged: Workspace = of) => {
    const arn = `rule-${of.id}`;
    truth.tags.put(arn, { arn, tags: { 'armada:id': tagged.id } });
    truth.rules.put(arn, {
      arn,
      priority: 1,
      conditions: [{ Field: 'host-header', HostHeaderConfig: { Values: [`${of.slug}.localhost`] } }],
      actions: [{ Type: 'forward', TargetGroupArn: targetGroup }],
    } as unknown as RuleRow);
  };
  const home = (of: Workspace, path = homePath(of.home.id), uid = of.home.uid) => {
    const id = `access-point-of-${of.id}`;
    truth.accessPoints.put(id, { id, exposed: { path }, user: { Uid: uid }, tags: [] } as unknown as AccessPointRecord);
    const key = `${familyName(deployment, of.id)}:1`;
    truth.definitions.put(key, {
      key,
      arn: `arn/${key}`,
      family: familyName(deployment, of.id),
      status: 'ACTIVE',
      input: { volumes: [{ efsVolumeConfiguration: { authorizationConfig: { accessPointId: id } } }] },
    } as unknown as TaskDefinitionRecord);
    return id;
  };
  const task = (of: Workspace, id: string, change: Partial<TaskRecord> = {}, gate = 'HEALTHY') => {
    const up = { lastStatus: 'RUNNING', healthStatus: 'UNKNOWN' };
    truth.tasks.put(id, {
      id,
      definition: `arn/${familyName(deployment, of.id)}:1`,
      lastStatus: 'RUNNING',
      desiredStatus: 'RUNNING',
      containers: [
        { ...up, name: 'gate', healthStatus: gate },
        { ...up, name: 'ide' },
      ],
      targets: [],
      ...change,
    } as unknown as TaskRecord);
  };
  return { truth, violations, oracles, group, rule, home, task };
}

test('a sound world accuses nobody', () => {
  const { violations, group, rule, home, task, oracles } = world();
  for (const row of [ada, bob]) {
    const groupArn = group(row);
    rule(row, groupArn);
    home(row);
    task(row, `task-of-${row.id}`, { targets: [{ groupArn, hostPort: 40_000, state: 'healthy' }] });
    oracles.told(row, { ...row.status, step: 'ready', observedGeneration: 1 } as Workspace['status']);
  }
  expect(violations).toEqual([]);
});

test('a rule that leads to another’s target is a wrong route, whatever its tags say', () => {
  const one = world();
  one.group(ada);
  one.rule(ada, one.group(bob));
  expect(one.violations.join()).toContain('wrong route: the host of');
  const two = world();
  two.rule(ada, two.group(ada), bob);
  expect(two.violations.join()).toContain('wrong route: the rule of');
});

test('a task among another’s targets is a wrong route', () => {
  const { violations, group, home, task } = world();
  const groupArn = group(bob);
  home(ada);
  task(ada, 'task', { targets: [{ groupArn, hostPort: 40_000, state: 'initial' }] });
  expect(violations.join()).toContain('wrong route: the target of');
});

test('two tasks on one home are a double mount, also where one is on its way down', () => {
  const { violations, home, task } = world();
  home(ada);
  task(ada, 'old', { desiredStatus: 'STOPPED', lastStatus: 'STOPPING' });
  expect(violations).toEqual([]);
  task(ada, 'new');
  expect(violations.join()).toContain('double mount: 2 tasks');
});

test('after a late call a second gate may wait for the lock, and a second editor may not run', () => {
  const { violations, oracles, truth, home, task } = world();
  oracles.isCallLate = true;
  home(ada);
  task(ada, 'old', { desiredStatus: 'STOPPED', lastStatus: 'STOPPING' });
  const gateAlone = truth.tasks.get('old')?.containers.filter(({ name }) => name === containerNames.gate);
  task(ada, 'new', { containers: gateAlone ?? [] });
  expect(violations).toEqual([]);
  task(ada, 'new');
  expect(violations.join()).toContain('double mount: 2 tasks');
});

test('a task on another directory, or as another user, is a lost home', () => {
  const one = world();
  one.home(ada, homePath(bob.home.id));
  one.task(ada, 'task');
  expect(one.violations.join()).toContain('lost home');
  const two = world();
  two.home(ada, homePath(ada.home.id), 1);
  two.task(ada, 'task');
  expect(two.violations.join()).toContain('lost home');
});

test('an access point that goes under a running task, and an editor before its gate, are lost homes', () => {
  const one = world();
  const id = one.home(ada);
  one.task(ada, 'task');
  one.truth.accessPoints.delete(id);
  expect(one.violations.join()).toContain('goes under a running task');
  const two = world();
  two.home(ada);
  two.task(ada, 'task', {}, 'UNKNOWN');
  expect(two.violations.join()).toContain('before its gate found the home');
});

test('a task on an access point that is gone is a lost home', () => {
  const { violations, task } = world();
  task(ada, 'task');
  expect(violations.join()).toContain('runs on an access point that is gone');
});

test('ready without a healthy target, or of a generation that nobody asked for, is told', () => {
  const { violations, oracles } = world();
  const ready = { type: 'Ready', status: 'True', reason: 'Settled', message: '', since: '' } as const;
  oracles.told(ada, { ...ada.status, step: 'ready', observedGeneration: 1 } as Workspace['status']);
  oracles.told(ada, { ...ada.status, conditions: [ready], observedGeneration: 2 });
  expect(violations).toEqual([
    `ready without a healthy target: ${ada.slug}`,
    expect.stringContaining('never asked for'),
  ]);
});

test('what a hand does is nobody’s fault, and is not counted', () => {
  const { violations, oracles, truth, group, rule } = world();
  oracles.isHandAtWork = true;
  group(ada);
  rule(ada, group(bob));
  truth.rules.delete(`rule-${ada.id}`);
  expect(violations).toEqual([]);
  expect(oracles.deletes.size).toBe(0);
});

test('what is left of a class that is gone is an orphan, of each kind', () => {
  const { truth, group, rule, home, task } = world();
  rule(ada, group(ada));
  home(ada);
  task(ada, 'task');
  truth.services.put('s', { name: serviceName(deployment, ada.id), status: 'ACTIVE', tags: [] } as never);
  const kinds = ['service', 'target group', 'rule', 'task definition', 'access point', 'task'];
  expect(orphansOf(truth).map(name => name.replace(/ \S+$/, ''))).toEqual(kinds);
});

test('an end that differs, a thing too many, a delete too many and too many passes are each told', () => {
  const { truth, group, rule, oracles } = world();
  rule(ada, group(ada));
  const state = [totalsOf(truth), ...stateOf(truth, deployment, [ada])];
  const reference = { points: [], state, deletes: {}, passes: 3 };
  const sound = { state, deletes: new Map<string, number>(), passes: 3 };
  expect(judge(sound, reference)).toEqual([]);
  group(bob);
  const more = [totalsOf(truth), ...stateOf(truth, deployment, [ada])];
  expect(judge({ ...sound, state: more }, reference).join()).toContain('end state differs');
  truth.rules.delete(`rule-${ada.id}`);
  const once = { ...sound, deletes: oracles.deletes };
  expect(judge(once, reference).join()).toContain('deleted more often');
  expect(judge(once, reference, { rule: 1 })).toEqual([]);
  expect(judge(once, reference, { rule: 0, service: 9 }).join()).toContain('deleted more often');
  expect(judge({ ...sound, passes: 300 }, reference).join()).toContain('busy');
});
