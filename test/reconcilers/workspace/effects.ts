import type { Workspace } from '../../../api/resources/workspace.ts';
import { renderBlueprint } from '../../../reconcilers/workspace/blueprint.ts';
import type { Action, Deployment, Observed, Route, Service, Task } from '../../../reconcilers/workspace/model.ts';
import { settings } from '../rows.ts';

/** A small model of what each action does to the world, and of what the world does by itself; written without the planner. */
export interface Model {
  readonly observed: Observed;
  readonly workspace: Workspace;
  readonly now: Date;
  readonly serial: number;
}

export const goodTarget = 'target-1';

export function act(model: Model, action: Action): Model {
  const { observed, workspace, now } = model;
  const serial = model.serial + 1;
  const to = (change: Partial<Observed>): Model => ({ ...model, serial, observed: { ...observed, ...change } });
  const { service, routes } = observed;
  const lead = (id: string, leads: Route['leads']) =>
    to({ routes: routes.map(route => (route.id === id ? { ...route, leads } : route)) });
  switch (action.type) {
    case 'create-home':
      if (observed.home) throw new Error('a home is there already');
      return to({ home: { id: `home-${serial}`, state: 'preparing', owner: 'ours' } });
    case 'delete-home':
      return to({ home: undefined });
    case 'register-blueprint': {
      if (!observed.home) throw new Error('no home to mount');
      const { hash } = renderBlueprint(workspace, observed.home.id, settings);
      return to({ blueprint: { id: `blueprint-${serial}`, hash } });
    }
    case 'delete-blueprints':
      return to({ revisions: [], blueprint: undefined });
    case 'create-target':
      if (observed.target) throw new Error('a target is there already');
      return to({ target: { id: `target-${serial}`, owner: 'ours', settings: 'unset' } });
    case 'set-target-attributes':
      return to({ target: observed.target && { ...observed.target, settings: 'set' } });
    case 'delete-target':
      if (routes.length > 0) throw new Error('a rule still names the target');
      return to({ target: undefined });
    case 'take-slot':
      return to({ slot: { balancer: 0, priority: 7 } });
    case 'move-slot':
      return to({ slot: { balancer: 0, priority: 8 }, strangerAtSlot: false });
    case 'release-slot':
      if (routes.length > 0) throw new Error('a place is given up while a rule is in it');
      return to({ slot: null, strangerAtSlot: false });
    case 'create-route': {
      const { slot } = observed;
      if (!slot || slot === 'full' || observed.strangerAtSlot || !observed.target)
        throw new Error('no place for a rule');
      if (action.open && !observed.healthy) throw new Error('people are let in before anybody answers');
      const leads = action.open ? ('here' as const) : ('nowhere' as const);
      return to({ routes: [...routes, { id: `route-${serial}`, ...slot, leads, owner: 'ours' }] });
    }
    case 'repair-route':
      return lead(action.routeId, action.open ? 'here' : 'nowhere');
    case 'open-route':
      return lead(action.routeId, 'here');
    case 'park-route':
      return lead(action.routeId, 'nowhere');
    case 'restore-tags': {
      const { home, target } = observed;
      if (action.of === 'home') return to({ home: home && { ...home, owner: 'ours' } });
      if (action.of === 'target') return to({ target: target && { ...target, owner: 'ours' } });
      if (action.of === 'service') return to({ service: service && { ...service, owner: 'ours' } });
      return to({ routes: routes.map(route => ({ ...route, owner: 'ours' as const })) });
    }
    case 'delete-routes':
      return to({ routes: routes.filter(({ id }) => !action.routeIds.includes(id)) });
    case 'create-service':
    case 'start-service': {
      if (action.type === 'create-service' && service) throw new Error('a service is there already');
      if (observed.tasks === 'unread' || observed.tasks.some(({ state }) => state !== 'stopped')) {
        throw new Error('a task is started beside another');
      }
      if (!observed.target || !observed.blueprint || observed.blueprint === 'unread')
        throw new Error('nothing to start');
      if (!routes.some(({ leads }) => leads !== 'astray')) throw new Error('no rule names the target yet');
      return to({
        service: {
          ...idleService(now, serial),
          desired: 1,
          blueprintId: observed.blueprint.id,
          targetId: observed.target.id,
        },
        tasks: 'unread',
        healthy: 'unread',
      });
    }
    case 'trim-service':
      return to({ service: service && { ...service, desired: 1 } });
    case 'stop-service':
      return to({ service: service && { ...service, desired: 0 }, tasks: 'unread', healthy: 'unread' });
    case 'delete-service':
      return to({ service: service && { ...service, desired: 0, state: 'draining' }, tasks: 'unread' });
  }
}

export function idleService(now: Date, serial: number): Service {
  const deployment: Deployment = { id: `deployment-${serial}`, startedAt: now, rollout: 'going', failures: 0 };
  return {
    arn: 'service-1',
    state: 'active',
    owner: 'ours',
    desired: 0,
    running: 0,
    pending: 0,
    blueprintId: 'blueprint-0',
    targetId: goodTarget,
    deployment,
    noRoom: false,
  };
}

/** A second passes: tasks come and go as the service asks, and the next look sees all of it. */
export function pass(model: Model): Model {
  const { observed } = model;
  const now = new Date(model.now.getTime() + 1000);
  const serial = model.serial + 1;
  const before = observed.tasks === 'unread' ? [] : observed.tasks;
  const { service } = observed;
  const wanted = service?.state === 'active' && service.desired > 0;
  const stopped: Task[] = before.map(task => ({ ...task, state: 'stopped', stoppedAt: task.stoppedAt ?? now }));
  const task: Task = {
    id: `task-${serial}`,
    state: 'running',
    createdAt: now,
    startedAt: now,
    stoppedAt: undefined,
    crash: undefined,
  };
  const running = wanted && before.some(({ state }) => state === 'running') ? before : [...stopped, task];
  const gone = service?.state === 'draining' || service?.state === undefined;
  return {
    ...model,
    now,
    serial,
    observed: {
      ...observed,
      home: observed.home && {
        ...observed.home,
        state: observed.home.state === 'preparing' ? 'available' : observed.home.state,
      },
      slot: observed.slot === 'full' ? null : observed.slot,
      tasks: wanted ? running : stopped,
      healthy: wanted ? true : 'unread',
      service: gone
        ? undefined
        : service && {
            ...service,
            running: wanted ? 1 : 0,
            pending: 0,
            deployment: { ...service.deployment, rollout: wanted ? 'completed' : service.deployment.rollout },
          },
      refusal: undefined,
    },
  };
}
