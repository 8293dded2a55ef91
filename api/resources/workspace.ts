import { type Static, Type } from 'typebox';
import { CourseSpec } from './course.ts';
import { Idle } from './idle.ts';
import { Condition, envelope, Nullable } from './resource.ts';

export const WorkspaceSpec = Type.Object(
  {
    running: Type.Boolean(),
    /** A counter: one more asks for one restart. */
    restarts: Type.Integer({ minimum: 0 }),
  },
  { additionalProperties: false },
);
export type WorkspaceSpec = Static<typeof WorkspaceSpec>;

/**
 * How far a workspace is on its way up or down, in the order in which it goes:
 * stopped → preparing (home, route) → placing (no host yet) → loading (image) → starting (IDE) → connecting (route)
 * → ready; repairing: was ready and is not; stopping.
 */
export const Step = Type.Union([
  Type.Literal('stopped'),
  Type.Literal('preparing'),
  Type.Literal('placing'),
  Type.Literal('loading'),
  Type.Literal('starting'),
  Type.Literal('connecting'),
  Type.Literal('ready'),
  Type.Literal('repairing'),
  Type.Literal('stopping'),
]);
export type Step = Static<typeof Step>;

/** The last failed attempt to run, for people: what the stuck state shows. */
export const Failure = Type.Object({
  /** The container that ended, by our name: gate or ide. */
  container: Type.String(),
  exitCode: Nullable(Type.Integer()),
  reason: Type.String(),
});

export const WorkspaceStatus = Type.Object({
  observedGeneration: Type.Integer(),
  conditions: Type.Array(Condition),
  step: Step,
  /** The value of `spec.restarts` that has been answered. */
  restarts: Type.Integer(),
  /** Image that the present or last task runs. */
  image: Nullable(Type.String()),
  /** When the present task became ready; null unless ready. */
  readyAt: Nullable(Type.String()),
  failure: Nullable(Failure),
  /** Hash of the addresses that the present task was told; absent in rows of before it was noted. */
  addresses: Type.Optional(Type.String()),
});
export type WorkspaceStatus = Static<typeof WorkspaceStatus>;

export const unseenWorkspace: WorkspaceStatus = {
  observedGeneration: 0,
  conditions: [],
  step: 'stopped',
  restarts: 0,
  image: null,
  readyAt: null,
  failure: null,
};

/** What the workspace's gate told us last. Read-only to the loop: the API writes it. */
export const Reported = Type.Object({
  at: Nullable(Type.String()),
  /** True while gate and IDE both answer; the hint to look at the route's health. */
  ready: Type.Boolean(),
  /** Why the gate refuses to open: HomeNotReachable, HomeInUse; null while all is well. */
  problem: Nullable(Type.String()),
  /** When a person last typed or moved, or a job last worked. */
  activeAt: Nullable(Type.String()),
  /** What its files take up, and when one of them was last changed, as counted now and then; null: not yet. */
  homeBytes: Type.Optional(Nullable(Type.Integer())),
  changedAt: Type.Optional(Nullable(Type.String())),
});
export type Reported = Static<typeof Reported>;

export const Reference = Type.Object({ id: Type.String(), slug: Type.String(), name: Type.String() });
export type Reference = Static<typeof Reference>;

/** A place at a balancer: which listener (index into the deployment's balancers), and the rule's priority there. */
export const Slot = Type.Object({ balancer: Type.Integer(), priority: Type.Integer() });
export type Slot = Static<typeof Slot>;

/** One student's IDE in one course. */
export const Workspace = Type.Object({
  kind: Type.Literal('workspace'),
  ...envelope,
  spec: WorkspaceSpec,
  status: WorkspaceStatus,
  course: Reference,
  cohort: Reference,
  student: Type.Object({ id: Type.String(), slug: Type.String(), name: Type.String(), email: Type.String() }),
  /** The course's spec as it is now; a workspace takes it up at its next start. */
  template: CourseSpec,
  home: Type.Object({
    id: Type.String(),
    /** User and group of the IDE in its task; unique in the deployment, from 20000. */
    uid: Type.Integer(),
    /** False until the gate has once marked the directory; then a missing marker means the wrong directory. */
    marked: Type.Boolean(),
  }),
  reported: Reported,
  /** When it stops by itself; null unless it is ready. */
  idle: Type.Optional(Nullable(Idle)),
  slot: Nullable(Slot),
  /** Its place among all that wait for the same scarce thing, from 1; only where an answer knows it. */
  line: Type.Optional(Type.Integer({ minimum: 1 })),
});
export type Workspace = Static<typeof Workspace>;
