import { expect, test } from 'vitest';
import { unseenWorkspace, type Workspace } from '../../../api/resources/workspace.ts';
import type { Observed, Service, Task } from '../../../reconcilers/workspace/model.ts';
import { createPlan } from '../../../reconcilers/workspace/plan.ts';
import { createSummarize } from '../../../reconcilers/workspace/summarize.ts';
import { settings, workspaceRow } from '../rows.ts';
import { goodTarget, idleService } from './effects.ts';

const start = new Date('2027-01-04T09:00:00Z');
const now = new Date('2027-01-04T09:00:10Z');
const summarize = createSummarize(settings);
const plan = createPlan(settings);

const empty: Observed = {
  home: { id: 'home-0', state: 'available', owner: 'ours' },
  blueprint: 'unread',
  revisions: [],
  target: { id: goodTarget, owner: 'ours', settings: 'set' },
  slot: { balancer: 0, priority: 7 },
  routes: [{ id: 'route-a', balancer: 0, priority: 7, leads: 'here', owner: 'ours' }],
  strangerAtSlot: false,
  service: undefined,
  tasks: [],
  healthy: 'unread',
  refusal: undefined,
};
const task = (state: Task['state']): Task => ({
  id: 't',
  state,
  createdAt: start,
  startedAt: start,
  stoppedAt: undefined,
  crash: undefined,
});
const up = (change: Partial<Service> = {}): Service => ({
  ...idleService(start, 0),
  desired: 1,
  pending: 1,
  ...change,
});
const wanted = (status: Partial<Workspace['status']> = {}, reported: Partial<Workspace['reported']> = {}) =>
  workspaceRow('aaaabbbbccccdddd', {
    spec: { running: true, restarts: 0 },
    status: { ...unseenWorkspace, observedGeneration: 1, ...status },
    reported: { at: now.toISOString(), ready: false, problem: null, activeAt: null, ...reported },
  });
const runs = { service: up({ running: 1, pending: 0 }), tasks: [task('running')] };
const wasReady = { step: 'ready', readyAt: '2027-01-04T09:00:05.000Z' } as const;

test.each<[string, Workspace, Partial<Observed>, step: string, reason: string]>([
  ['no host yet', wanted(), { service: up() }, 'placing', 'Placing'],
  ['no host has room', wanted(), { service: up({ noRoom: true }) }, 'placing', 'NoRoom'],
  ['a host is found', wanted(), { service: up(), tasks: [task('pending')] }, 'placing', 'Placing'],
  ['the image is fetched', wanted(), { service: up(), tasks: [task('loading')] }, 'loading', 'ImageLoading'],
  ['containers run', wanted(), runs, 'starting', 'IdeStarting'],
  ['the gate says ready', wanted({}, { ready: true }), runs, 'connecting', 'Connecting'],
  ['the balancer sees it healthy', wanted({}, { ready: true }), { ...runs, healthy: true }, 'ready', 'settled'],
  ['healthy, and every heartbeat lost', wanted(), { ...runs, healthy: true }, 'ready', 'settled'],
  [
    'ready before, not asked again',
    wanted(wasReady, { ready: true }),
    { ...runs, tasks: 'unread' },
    'ready',
    'settled',
  ],
  [
    'ready in an earlier attempt alone',
    wanted({ ...wasReady, readyAt: '2027-01-04T08:00:00.000Z' }),
    runs,
    'repairing',
    'Repairing',
  ],
  ['its gate says that it went down', wanted(wasReady), { ...runs, healthy: true }, 'repairing', 'Repairing'],
  [
    'its task died',
    wanted(wasReady, { ready: true }),
    { service: up(), tasks: [task('stopped')] },
    'repairing',
    'Repairing',
  ],
  ['the gate cannot reach the home', wanted({}, { problem: 'HomeNotReachable' }), runs, 'starting', 'HomeNotReachable'],
  ['another holds the home', wanted({}, { problem: 'HomeInUse' }), runs, 'starting', 'HomeInUse'],
])('%s', (_, workspace, observed, step, reason) => {
  // People are let in when it is ready, and not before.
  const routes = empty.routes.map(route => ({
    ...route,
    leads: step === 'ready' ? ('here' as const) : ('nowhere' as const),
  }));
  const seen = { ...empty, routes, ...observed };
  expect(summarize(workspace, seen, now).step).toBe(step);
  const next = plan(workspace, seen, now);
  expect('reason' in next ? next.reason : next.verdict).toBe(reason);
});

test('it is stopping until the last task has ended', () => {
  const service = { ...idleService(start, 0), running: 1 };
  const workspace = workspaceRow();
  expect(summarize(workspace, { ...empty, service, tasks: [task('stopping')] }, now).step).toBe('stopping');
  expect(
    summarize(workspace, { ...empty, service: { ...service, running: 0 }, tasks: [task('stopping')] }, now).step,
  ).toBe('stopping');
  expect(
    summarize(workspace, { ...empty, service: { ...service, running: 0 }, tasks: [task('stopped')] }, now).step,
  ).toBe('stopped');
});

test('the time since when it is ready stays while it is', () => {
  const workspace = wanted(wasReady, { ready: true });
  expect(summarize(workspace, { ...empty, ...runs }, now).readyAt).toBe(wasReady.readyAt);
  expect(summarize(wanted(), { ...empty, ...runs, healthy: true }, now).readyAt).toBe(now.toISOString());
});
