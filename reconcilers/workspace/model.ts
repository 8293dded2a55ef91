import type { Slot } from '../../api/resources/workspace.ts';
import type { Ownership } from '../aws/names.ts';

/** What a workspace has in AWS, in our words. `unread`: not asked for, since nothing depends on it now. */
export interface Observed {
  readonly home: Home | undefined;
  /** The newest task definition that new tasks can be made of. */
  readonly blueprint: Blueprint | undefined | 'unread';
  /** Every revision that is left; read only of a workspace that is to go. */
  readonly revisions: readonly Revision[];
  readonly target: Target | undefined;
  readonly slot: Slot | null | 'full';
  readonly routes: readonly Route[];
  /** A rule that is not ours has the place that `slot` names. */
  readonly strangerAtSlot: boolean;
  readonly service: Service | undefined;
  readonly tasks: readonly Task[] | 'unread';
  /** Whether the balancer sees the task as healthy. */
  readonly healthy: boolean | 'unread';
  /** What AWS answered to the last write in place of doing it; never outlives a pass. */
  readonly refusal: Refusal | undefined;
}

/** What stands around a service: as it was seen whole, and as our own writes left it since. */
export interface Surroundings {
  readonly seenAt: Date;
  readonly generation: number;
  /** Undefined until a service is to run, and when something around it is not as it should be. */
  readonly observed: Observed | undefined;
}

/** The access point through which a task sees its home. */
export interface Home {
  readonly id: string;
  readonly state: 'preparing' | 'available' | 'going';
  readonly owner: Ownership;
}

/** A revision of the workspace's task definition; `hash` is that of the text that it was rendered from. */
export interface Blueprint {
  readonly id: string;
  readonly hash: string | undefined;
}

export interface Revision {
  readonly id: string;
  /** New tasks can't be made of it: the state before it can be deleted. */
  readonly retired: boolean;
}

/** The target group; it lasts as long as the workspace. */
export interface Target {
  readonly id: string;
  readonly owner: Ownership;
  readonly settings: 'set' | 'unset' | 'unread';
}

/** A listener rule that names our host or our target group, or sits in our place. */
export interface Route {
  readonly id: string;
  /** Index into the deployment's balancers. */
  readonly balancer: number;
  readonly priority: number;
  /**
   * Where its address leads. `here`: people come in by it. `nowhere`: parked at a host that nobody visits, so that the
   * balancer looks after the target while the app answers people. `astray`: its host or target is not ours.
   */
  readonly leads: 'here' | 'nowhere' | 'astray';
  /** By its tags, where they were read; `ours` where they were not. */
  readonly owner: Exclude<Ownership, 'foreign'>;
}

/** The ECS service; it lasts from the first start until deletion. */
export interface Service {
  readonly arn: string;
  readonly state: 'active' | 'draining';
  readonly owner: Ownership;
  readonly desired: number;
  readonly running: number;
  readonly pending: number;
  /** Blueprint that new tasks are made of. */
  readonly blueprintId: string;
  readonly targetId: string | undefined;
  readonly deployment: Deployment;
  /** ECS said after the deployment's start that no host has room. */
  readonly noRoom: boolean;
}

/** The present attempt to run; each start is one. */
export interface Deployment {
  readonly id: string;
  readonly startedAt: Date;
  readonly rollout: 'going' | 'completed' | 'failed';
  readonly failures: number;
}

export interface Task {
  readonly id: string;
  /** pending: a host is found; loading: the image is being fetched; stopping: its containers may still write. */
  readonly state: 'pending' | 'loading' | 'running' | 'stopping' | 'stopped';
  readonly createdAt: Date;
  readonly startedAt: Date | undefined;
  readonly stoppedAt: Date | undefined;
  /** It ended by itself: this is why. Undefined while it runs, or when it was told to stop. */
  readonly crash: Crash | undefined;
}

export interface Crash {
  readonly container: string;
  readonly exitCode: number | null;
  /** In AWS's words. */
  readonly reason: string;
}

export interface Refusal {
  readonly reason: 'QuotaReached' | 'Draining' | 'Preparing';
  readonly message: string;
}

/** What AWS gives a limited number of, as people are told. */
export type Scarce = 'routes at a balancer' | 'target groups' | 'ECS services';

/** One thing to do. Those that a plan names together touch different fields of Observed. */
export type Action =
  | { readonly type: 'create-home' }
  | { readonly type: 'register-blueprint' }
  | { readonly type: 'create-target' }
  | { readonly type: 'set-target-attributes' }
  /** A hand stripped them: what is ours by name is marked as ours again. */
  | { readonly type: 'restore-tags'; readonly of: 'home' | 'target' | 'service' | 'routes' }
  | { readonly type: 'take-slot' }
  | { readonly type: 'move-slot' }
  | { readonly type: 'release-slot' }
  /** Parked, or open for people where it was and got lost. */
  | { readonly type: 'create-route'; readonly open: boolean }
  | { readonly type: 'repair-route'; readonly routeId: string; readonly open: boolean }
  /** Lets people in, once the balancer sees their IDE as healthy. */
  | { readonly type: 'open-route'; readonly routeId: string }
  /** The app answers people in its place: they see the wake page, and no error of the balancer. */
  | { readonly type: 'park-route'; readonly routeId: string }
  | { readonly type: 'delete-routes'; readonly routeIds: readonly string[] }
  | { readonly type: 'create-service' }
  | { readonly type: 'start-service' }
  /** Back to one task, without a new attempt: a hand asked for more. */
  | { readonly type: 'trim-service' }
  | { readonly type: 'stop-service' }
  | { readonly type: 'delete-service' }
  | { readonly type: 'delete-target' }
  | { readonly type: 'delete-blueprints' }
  | { readonly type: 'delete-home' };
