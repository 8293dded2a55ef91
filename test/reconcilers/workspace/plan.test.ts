import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { unseenWorkspace, type Workspace } from '../../../api/resources/workspace.ts';
import { settle } from '../../../controller/settle.ts';
import { renderBlueprint } from '../../../reconcilers/workspace/blueprint.ts';
import type { Action, Observed } from '../../../reconcilers/workspace/model.ts';
import { createPlan } from '../../../reconcilers/workspace/plan.ts';
import { createSummarize } from '../../../reconcilers/workspace/summarize.ts';
import { settings, workspaceRow } from '../rows.ts';
import { act, goodTarget, idleService, type Model, pass } from './effects.ts';
import '../../support/seed.ts';

const plan = createPlan(settings);
const summarize = createSummarize(settings);
const start = new Date('2027-01-04T09:00:00Z');
const goodHash = renderBlueprint(workspaceRow(), 'home-0', settings).hash;

const route = fc.record({
  id: fc.constantFrom('route-a', 'route-b', 'route-c'),
  balancer: fc.constant(0),
  priority: fc.constantFrom(7, 9),
  leads: fc.constantFrom('here', 'nowhere', 'astray'),
  owner: fc.constantFrom('ours', 'unmarked'),
});
const task = fc.record({
  id: fc.constantFrom('task-a', 'task-b'),
  state: fc.constantFrom('pending', 'loading', 'running', 'stopping', 'stopped'),
  createdAt: fc.constant(start),
  startedAt: fc.constant(undefined),
  stoppedAt: fc.constant(undefined),
  crash: fc.option(fc.constant({ container: 'ide', exitCode: 1, reason: 'Essential container exited' }), {
    nil: undefined,
  }),
});
const service = fc
  .record({
    arn: fc.constant('service-1'),
    state: fc.constantFrom('active', 'draining'),
    owner: fc.constantFrom('ours', 'unmarked'),
    desired: fc.constantFrom(0, 1, 2),
    running: fc.constantFrom(0, 1),
    pending: fc.constantFrom(0, 1),
    blueprintId: fc.constantFrom('blueprint-0', 'blueprint-old'),
    targetId: fc.constantFrom(goodTarget, 'target-old'),
    noRoom: fc.boolean(),
    rollout: fc.constantFrom('going', 'completed', 'failed'),
  })
  .map(({ rollout, ...rest }) => ({
    ...rest,
    deployment: { ...idleService(start, 0).deployment, rollout },
  }));

/** Half-made, half-deleted, drifted: anything that a look may find. */
const anyObserved = fc.record({
  home: fc.option(
    fc.record({
      id: fc.constant('home-0'),
      state: fc.constantFrom('preparing', 'available'),
      owner: fc.constantFrom('ours', 'unmarked'),
    }),
    { nil: undefined },
  ),
  blueprint: fc.option(
    fc.record({ id: fc.constantFrom('blueprint-0'), hash: fc.constantFrom(goodHash, 'old', undefined) }),
    {
      nil: undefined,
    },
  ),
  revisions: fc.constantFrom([], [{ id: 'blueprint-0', retired: false }]),
  target: fc.option(
    fc.record({
      id: fc.constant(goodTarget),
      owner: fc.constantFrom('ours', 'unmarked'),
      settings: fc.constantFrom('set', 'unset', 'unread'),
    }),
    { nil: undefined },
  ),
  slot: fc.constantFrom(null, 'full', { balancer: 0, priority: 7 }),
  routes: fc.uniqueArray(route, { selector: ({ id }) => id, maxLength: 3 }),
  strangerAtSlot: fc.boolean(),
  service: fc.option(service, { nil: undefined }),
  tasks: fc.array(task, { maxLength: 2 }),
  healthy: fc.constantFrom('unread', true, false),
  refusal: fc.constant(undefined),
}) as fc.Arbitrary<Observed>;

const anyWorkspace = fc
  .record({
    running: fc.boolean(),
    deleted: fc.boolean(),
    restarts: fc.constantFrom(0, 1),
    step: fc.constantFrom('stopped', 'preparing', 'placing', 'starting', 'ready', 'repairing', 'stopping'),
    generation: fc.constantFrom(1, 2),
    readyAt: fc.constantFrom(null, '2027-01-04T09:00:01.000Z'),
    reportedReady: fc.boolean(),
  })
  .map(({ running, deleted, restarts, step, generation, readyAt, reportedReady }) =>
    workspaceRow('aaaabbbbccccdddd', {
      generation,
      deletedAt: deleted ? start.toISOString() : null,
      spec: { running, restarts },
      status: { ...unseenWorkspace, observedGeneration: 1, step, readyAt: step === 'ready' ? readyAt : null } as never,
      reported: { at: start.toISOString(), ready: reportedReady, problem: null, activeAt: null },
    }),
  );

/** What happened until the loop had nothing to do: with the row's status written after every round, as drive.ts does. */
function run(first: Model, steps = 60) {
  const actions: Action[] = [];
  let model = first;
  for (let step = 0; step < steps; step += 1) {
    const { workspace, observed, now } = model;
    const next = plan(workspace, observed, now);
    if (next.verdict === 'act') {
      for (const action of next.actions) {
        actions.push(action);
        model = act(model, action);
      }
      model = told(model, { verdict: 'progressed' });
      continue;
    }
    model = told(model, next);
    if (next.verdict !== 'wait') return { verdict: next.verdict, model, actions, steps: step };
    model = pass(model);
  }
  return { verdict: 'unsettled' as const, model, actions, steps };
}

function told(model: Model, outcome: Parameters<typeof settle>[0]['outcome']): Model {
  const { workspace, observed, now } = model;
  const before = workspace.status;
  const { conditions, observedGeneration } = settle({
    outcome,
    before,
    generation: workspace.generation,
    now,
    retrySeconds: 0,
  });
  const summary = summarize(workspace, observed, now);
  return {
    ...model,
    workspace: { ...workspace, status: { ...before, ...summary, conditions: [...conditions], observedGeneration } },
  };
}

/** What was asked, in the words of the product; knows nothing of the planner. */
function expectAsAsked({ workspace, observed }: Model) {
  const { home, target, service, routes, slot, tasks, revisions } = observed;
  if (workspace.deletedAt !== null) {
    expect({ home, target, routes, revisions, slot }).toEqual({
      home: undefined,
      target: undefined,
      routes: [],
      revisions: [],
      slot: null,
    });
    expect(service?.state).not.toBe('active');
    return;
  }
  expect(home?.state).toBe('available');
  expect(target).toBeDefined();
  expect(target?.settings).not.toBe('unset');
  expect(workspace.status.restarts).toBe(workspace.spec.restarts);
  if (workspace.spec.running) {
    expect(service).toMatchObject({ state: 'active', desired: 1, running: 1, targetId: target?.id });
    expect(slot).toMatchObject({ balancer: 0 });
    expect(routes).toEqual([expect.objectContaining({ leads: 'here', owner: 'ours', ...(slot as object) })]);
    expect(workspace.status.step).toBe('ready');
  } else {
    expect(service?.state === 'active' ? service.desired : 0).toBe(0);
    expect(routes).toEqual([]);
    expect(slot === 'full' ? null : slot).toBeNull();
    expect(tasks === 'unread' ? [] : tasks.filter(({ state }) => state !== 'stopped')).toEqual([]);
    expect(workspace.status.step).toBe('stopped');
  }
}

const model = (workspace: Workspace, observed: Observed): Model => ({ workspace, observed, now: start, serial: 100 });

describe('the planner', () => {
  test('comes from anything that a look may find to what was asked, or says who must act; and stays there', () => {
    fc.assert(
      fc.property(anyWorkspace, anyObserved, (workspace, observed) => {
        const { verdict, model: end } = run(model(workspace, observed));
        expect(['settled', 'stuck']).toContain(verdict);
        if (verdict === 'settled') expectAsAsked(end);
        else expect(end.observed.service?.desired).toBe(0);
        const again = run(pass(end));
        expect({ verdict: again.verdict, actions: again.actions }).toEqual({ verdict, actions: [] });
      }),
      { numRuns: 2000 },
    );
  });

  test('a workspace that is to stay keeps its home, its blueprints and its target, whatever is found', () => {
    fc.assert(
      fc.property(anyWorkspace, anyObserved, (workspace, observed) => {
        const { actions } = run(model({ ...workspace, deletedAt: null }, observed));
        const deleted = actions.filter(({ type }) => /^delete-(home|blueprints|target)$/.test(type));
        expect(deleted).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });

  test('nothing that carries our name and another’s tags is ever touched', () => {
    fc.assert(
      fc.property(
        anyWorkspace,
        anyObserved,
        fc.constantFrom('home', 'target', 'service'),
        (workspace, observed, part) => {
          const found = observed[part as 'home'];
          fc.pre(found !== undefined);
          const foreign = { ...observed, [part]: { ...found, owner: 'foreign' } } as Observed;
          const next = plan(workspace, foreign, start);
          if (workspace.deletedAt === null) {
            expect(next).toMatchObject({ verdict: 'stuck', reason: 'NameTaken' });
            return;
          }
          const { actions } = run(model(workspace, foreign));
          expect(actions.map(({ type }) => type)).not.toContain(`delete-${part}`);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('a rule stays until its service was told to stop, for AWS may refuse that of a target group without one', () => {
    fc.assert(
      fc.property(anyWorkspace, anyObserved, (workspace, observed) => {
        const next = plan(workspace, observed, start);
        if (next.verdict !== 'act' || !next.actions.some(({ type }) => type === 'stop-service')) return;
        expect(next.actions.map(({ type }) => type)).toEqual(['stop-service']);
      }),
      { numRuns: 1000 },
    );
  });

  test('a failed attempt is stopped, and not tried again until something else is asked', () => {
    const failed: Observed = {
      home: { id: 'home-0', state: 'available', owner: 'ours' },
      blueprint: { id: 'blueprint-0', hash: goodHash },
      revisions: [],
      target: { id: goodTarget, owner: 'ours', settings: 'set' },
      slot: { balancer: 0, priority: 7 },
      routes: [{ id: 'route-a', balancer: 0, priority: 7, leads: 'here', owner: 'ours' }],
      strangerAtSlot: false,
      service: {
        ...idleService(start, 0),
        desired: 1,
        deployment: { ...idleService(start, 0).deployment, rollout: 'failed', failures: 2 },
      },
      tasks: [
        {
          id: 't',
          state: 'stopped',
          createdAt: start,
          startedAt: start,
          stoppedAt: start,
          crash: { container: 'ide', exitCode: 3, reason: 'Essential container exited' },
        },
      ],
      healthy: false,
      refusal: undefined,
    };
    const running = workspaceRow('aaaabbbbccccdddd', {
      spec: { running: true, restarts: 0 },
      status: { ...unseenWorkspace, observedGeneration: 1, step: 'starting' },
    });
    const end = run(model(running, failed));
    expect(end.verdict).toBe('stuck');
    expect(end.actions.map(({ type }) => type)).toEqual(['stop-service', 'delete-routes', 'release-slot']);
    expect(end.model.workspace.status.failure).not.toBeNull();
    const again = run({ ...end.model, workspace: { ...end.model.workspace, generation: 2 } });
    expect(again.verdict).toBe('settled');
    expect(again.actions.map(({ type }) => type)).toEqual(['take-slot', 'create-route', 'start-service', 'open-route']);
  });

  test('no blueprint is registered, and nothing started, on an access point that goes', () => {
    const observed: Observed = {
      home: { id: 'home-1', state: 'going', owner: 'ours' },
      blueprint: { id: 'blueprint-0', hash: goodHash },
      revisions: [],
      target: { id: goodTarget, owner: 'ours', settings: 'set' },
      slot: null,
      routes: [],
      strangerAtSlot: false,
      service: undefined,
      tasks: [],
      healthy: 'unread',
      refusal: undefined,
    };
    const workspace = workspaceRow('aaaabbbbccccdddd', { spec: { running: true, restarts: 0 } });
    expect(plan(workspace, observed, start)).toMatchObject({ verdict: 'wait', reason: 'HomePreparing' });
    const anew: Observed = { ...observed, home: { id: 'home-1', state: 'available', owner: 'ours' } };
    expect(plan(workspace, anew, start)).toEqual({ verdict: 'act', actions: [{ type: 'register-blueprint' }] });
  });

  test('a failed service that a hand deleted is made anew once it has drained', () => {
    const failed = { ...idleService(start, 0).deployment, rollout: 'failed' as const };
    const observed: Observed = {
      home: { id: 'home-0', state: 'available', owner: 'ours' },
      blueprint: { id: 'blueprint-0', hash: goodHash },
      revisions: [],
      target: { id: goodTarget, owner: 'ours', settings: 'set' },
      slot: null,
      routes: [],
      strangerAtSlot: false,
      service: { ...idleService(start, 0), state: 'draining', deployment: failed },
      tasks: [],
      healthy: 'unread',
      refusal: undefined,
    };
    const workspace = workspaceRow('aaaabbbbccccdddd', {
      spec: { running: true, restarts: 0 },
      status: { ...unseenWorkspace, observedGeneration: 1 },
    });
    const { verdict, actions } = run(model(workspace, observed));
    expect(verdict).toBe('settled');
    expect(actions.map(({ type }) => type)).toContain('create-service');
  });
});
