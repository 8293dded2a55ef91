import type { Plan, Reference, Result } from './run.ts';

/** What a campaign asks of one of its processes. */
export type Task =
  | { readonly type: 'refer'; readonly scenario: string; readonly seed: number }
  | { readonly type: 'run'; readonly plan: Plan; readonly reference: Reference; readonly seed: number };

/** What that process answers. */
export type Answer =
  | { readonly type: 'referred'; readonly reference: Reference }
  | { readonly type: 'ran'; readonly result: Result }
  | { readonly type: 'failed'; readonly message: string };
