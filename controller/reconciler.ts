import type { Logger } from 'pino';
import type { Resource } from '../api/resources/resource.ts';
import type { Slot } from '../api/resources/workspace.ts';

/**
 * A kind of object that the loop keeps as asked. The loop calls `observe` once per pass, then `plan`; while the plan
 * is to act, it applies the actions and plans again from what they returned. The next pass observes afresh, so a lie
 * in a returned observation lives for one pass.
 */
export interface Reconciler<R extends Resource, Observed, Action extends { readonly type: string }> {
  readonly kind: R['kind'];
  /** Reads everything `plan` needs. Changes nothing. Throws when anything could not be read whole. */
  observe(resource: R, context: Context): Promise<Observed>;
  /** Says what to do next. A deleted resource is one that should own nothing. Pure. */
  plan(resource: R, observed: Observed, now: Date): Plan<Action>;
  /** Does one thing, and returns the observation as it stands after it. Safe to repeat after a crash. */
  apply(action: Action, resource: R, observed: Observed, context: Context): Promise<Observed>;
  /** Sums the observation up for people. Pure. */
  summarize(resource: R, observed: Observed, now: Date): Omit<R['status'], 'conditions' | 'observedGeneration'>;
}

/** What a reconciler is handed besides the resource. */
export interface Context {
  readonly log: Logger;
  /** Aborted when the controller stops or is deposed, or the pass takes too long. */
  readonly signal: AbortSignal;
  readonly now: () => Date;
  /** The port to what is unique in Postgres. */
  readonly slots: RouteSlots;
  /** True when a person waits for this pass: its calls go ahead of a resync's. */
  readonly urgent: boolean;
  /** Aborted when a person begins to wait for a pass that began in the background: it goes on as an urgent one. */
  readonly hurry?: AbortSignal;
}

/** Places at the balancers, unique in Postgres: at most one per workspace, at most one workspace per place. */
export interface RouteSlots {
  /** The workspace's place, taken now if it has none: at its last balancer while there is room. `full` when no balancer has. */
  take(workspaceId: string): Promise<Slot | 'full'>;
  /** Gives the workspace's place up for another priority at any balancer, when AWS says that a stranger holds it. */
  move(workspaceId: string): Promise<Slot | 'full'>;
  /** Gives the place back. Repeating is harmless. */
  release(workspaceId: string): Promise<void>;
  /** Left out where no order of waiting is kept. */
  readonly line?: Line;
}

/** Who waits for something that AWS has a quota of, first come, first served; kept in Postgres. */
export interface Line {
  /** Joins; who is in line keeps the place. */
  join(workspaceId: string, what: string): Promise<void>;
  /** `open`: nobody waits. `yours`: nobody who came before the workspace does. */
  turn(workspaceId: string, what: string): Promise<'open' | 'yours' | 'later'>;
  /** Served, or not in need any more; the next one is looked at at once. */
  leave(workspaceId: string, what: string): Promise<void>;
  /** One was given back: who is first in line is looked at at once. */
  freed(what: string): Promise<void>;
}

/** The four answers to "what now?". Each is an ordinary outcome: none of them is thrown. */
export type Plan<Action> =
  /** The actions are independent of each other: they may run side by side. */
  | { readonly verdict: 'act'; readonly actions: readonly Action[] }
  /** Nothing to do but look again in `seconds`; `reason` is PascalCase, `message` a sentence for people. */
  | { readonly verdict: 'wait'; readonly reason: string; readonly message: string; readonly seconds: number }
  | { readonly verdict: 'settled' }
  /** A person must act; looked at again at each resync. */
  | { readonly verdict: 'stuck'; readonly reason: string; readonly message: string };

/** What a pass over one object came to; `settle` turns it into conditions and the time of the next look. */
export type Outcome =
  | Exclude<Plan<never>, { readonly verdict: 'act' }>
  /** Acted as often as a pass may; there is more to do at once. */
  | { readonly verdict: 'progressed' }
  /** Something threw. */
  | { readonly verdict: 'failed'; readonly error: unknown };
