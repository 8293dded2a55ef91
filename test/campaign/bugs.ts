import { DeleteServiceCommand } from '@aws-sdk/client-ecs';
import type { Observed } from '../../reconcilers/workspace/model.ts';
import type { FaultName } from './faults.ts';
import type { WorkspaceReconciler } from './life.ts';
import type { World } from './world.ts';

/** A mistake that controllers were seen to make, planted into ours; and what of the campaign must catch it. */
export interface Bug {
  readonly name: string;
  readonly scenario: string;
  /** Left out: the scenario without faults shows it. */
  readonly faults?: readonly FaultName[];
  /** Only faults of this operation: where the mistake is. */
  readonly operation?: string;
  /** What the oracle says that must fire. */
  readonly says: RegExp;
  readonly plant?: (sound: WorkspaceReconciler, world: () => World) => WorkspaceReconciler;
  /** Changes what is sent to AWS. */
  readonly meddle?: (command: { readonly input: object }) => void;
}

const nothing: Observed = {
  home: undefined,
  blueprint: undefined,
  revisions: [],
  target: undefined,
  slot: null,
  routes: [],
  strangerAtSlot: false,
  service: undefined,
  tasks: [],
  healthy: 'unread',
  refusal: undefined,
};

/** One per class; the classes are those of Sieve and of the incidents in controllers like this one. */
export const bugs: readonly Bug[] = [
  {
    name: 'intermediate state: a target group that exists counts as set up',
    scenario: 'create',
    says: /end state differs/,
    faults: ['throttled x3'],
    operation: 'ModifyTargetGroupAttributes',
    plant: sound => ({
      ...sound,
      async observe(...asked) {
        const seen = await sound.observe(...asked);
        return seen.target?.settings === 'unset' ? { ...seen, target: { ...seen.target, settings: 'set' } } : seen;
      },
    }),
  },
  {
    name: 'stale state: what is deleted is judged by what was seen before',
    scenario: 'delete while creating',
    says: /orphans|wedged|deleted more often/,
    plant(sound) {
      const before = new Map<string, Observed>();
      return {
        ...sound,
        async observe(workspace, context) {
          const known = before.get(workspace.id);
          if (workspace.deletedAt !== null && known) return known;
          const seen = await sound.observe(workspace, context);
          if (!known) before.set(workspace.id, seen);
          return seen;
        },
      };
    },
  },
  {
    name: 'unobserved state: only who saw the stop starts again',
    scenario: 'restart',
    says: /end state differs|wedged/,
    faults: ['crash after'],
    plant(sound) {
      const saw = new Set<string>();
      return {
        ...sound,
        plan(workspace, seen, now) {
          const plan = sound.plan(workspace, seen, now);
          const starts = plan.verdict === 'act' && plan.actions.some(({ type }) => type === 'start-service');
          return starts && !saw.has(workspace.id) ? { verdict: 'settled' } : plan;
        },
        apply(action, workspace, ...rest) {
          if (action.type === 'stop-service') saw.add(workspace.id);
          return sound.apply(action, workspace, ...rest);
        },
      };
    },
  },
  {
    name: 'observation skipped while the generation is unchanged',
    scenario: 'drift: rule deleted',
    says: /not at rest|end state differs/,
    plant(sound) {
      const known = new Map<string, Observed>();
      return {
        ...sound,
        async observe(workspace, context) {
          const key = `${workspace.id} ${workspace.generation}`;
          const isReady = workspace.status.step === 'ready';
          const seen = (isReady && known.get(key)) || (await sound.observe(workspace, context));
          known.set(key, seen);
          return seen;
        },
      };
    },
  },
  {
    name: 'one row that fails stops all that follow',
    scenario: 'start',
    says: /wedged/,
    faults: ['refused after applying'],
    operation: 'DescribeTargetHealth',
    plant(sound) {
      let failure: unknown;
      return {
        ...sound,
        async observe(...asked) {
          if (failure) throw failure;
          return sound.observe(...asked).catch(error => {
            failure = error;
            throw error;
          });
        },
      };
    },
  },
  {
    name: 'indirect: the first of a list is taken for its own',
    scenario: 'drift: rule deleted',
    says: /wrong route/,
    plant: (sound, world) => ({
      ...sound,
      apply(action, workspace, seen, context) {
        const group = world()
          .truth.targetGroups.all()
          .filter(({ name }) => name.startsWith('a-school'))[1];
        const isRoute = action.type === 'create-route' && seen.target && group;
        const mistaken = isRoute && seen.target ? { ...seen, target: { ...seen.target, id: group.arn } } : seen;
        return sound.apply(action, workspace, mistaken, context);
      },
    }),
  },
  {
    name: 'own write not shown yet: a rule that no list has is taken for a stranger’s',
    scenario: 'start',
    says: /deleted more often/,
    faults: ['crash after', 'answer lost'],
    operation: 'CreateRule',
    plant: sound => ({
      ...sound,
      async apply(action, ...rest) {
        const seen = await sound.apply(action, ...rest);
        const isUnseen = action.type === 'create-route' && seen.refusal !== undefined;
        return isUnseen ? { ...seen, refusal: undefined, strangerAtSlot: true } : seen;
      },
    }),
  },
  {
    name: 'place at the balancer never given back',
    scenario: 'stop',
    says: /end state differs|not at rest/,
    plant: sound => ({
      ...sound,
      apply: async (action, workspace, seen, context) =>
        action.type === 'release-slot' ? { ...seen, slot: null } : sound.apply(action, workspace, seen, context),
    }),
  },
  {
    name: 'start before every task has stopped',
    scenario: 'restart',
    says: /double mount/,
    plant: sound => ({
      ...sound,
      async observe(...asked) {
        const seen = await sound.observe(...asked);
        const isStopping = seen.service?.desired === 0;
        if (!isStopping || !seen.service) return seen;
        return { ...seen, tasks: [], service: { ...seen.service, running: 0, pending: 0 } };
      },
    }),
  },
  {
    name: 'an access point on another directory',
    scenario: 'start',
    says: /lost home/,
    plant: sound => ({
      ...sound,
      apply(action, workspace, ...rest) {
        const elsewhere = { ...workspace, home: { ...workspace.home, id: `${workspace.home.id}x` } };
        return sound.apply(action, action.type === 'create-home' ? elsewhere : workspace, ...rest);
      },
    }),
  },
  {
    name: 'ready without a look at the balancer',
    scenario: 'start',
    says: /ready without/,
    plant: sound => ({
      ...sound,
      summarize(workspace, seen, now) {
        const sum = sound.summarize(workspace, seen, now);
        return seen.service?.desired === 1 ? { ...sum, step: 'ready', readyAt: now.toISOString() } : sum;
      },
    }),
  },
  {
    name: 'a failed read taken for absence',
    scenario: 'delete',
    says: /orphans/,
    faults: ['refused after applying'],
    operation: 'DescribeAccessPoints',
    plant: sound => ({
      ...sound,
      observe: (...asked) => sound.observe(...asked).catch(() => nothing),
    }),
  },
  {
    name: 'a database older than AWS: what no row knows is deleted',
    scenario: 'restore',
    says: /lost home/,
    plant: (sound, world) => ({
      ...sound,
      async observe(...asked) {
        const { truth, test, pool } = world();
        const { rows } = await pool.query<{ id: string }>('select id from workspaces');
        const known = new Set(rows.map(({ id }) => id));
        const idOf = ({ tags }: { tags: readonly { key?: string; value?: string }[] }) =>
          tags.find(({ key }) => key === 'armada:id')?.value ?? '';
        for (const service of truth.services.all().filter(each => each.status === 'ACTIVE' && !known.has(idOf(each))))
          await test.clients.ecs.send(
            new DeleteServiceCommand({ cluster: test.ground.cluster, service: service.name, force: true }),
          );
        return sound.observe(...asked);
      },
    }),
  },
  {
    name: 'the editor does not wait for the gate to find the home',
    scenario: 'start',
    says: /lost home: the editor/,
    meddle({ input }) {
      if (!('containerDefinitions' in input)) return;
      for (const container of (input as { containerDefinitions: { dependsOn?: unknown }[] }).containerDefinitions)
        delete container.dependsOn;
    },
  },
];
