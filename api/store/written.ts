import type { Scope } from './scope.ts';

/** What a writer knew before: the generation that it read, or that there was nothing. */
export type Precondition =
  | { readonly generation: readonly number[] | 'any' }
  | { readonly generation: 'none' }
  | undefined;

/** Who writes something that may not be there yet: what they may touch, and whose it is to be (null: nobody's but the operator's). */
export interface Maker {
  readonly scope: Scope;
  readonly personId: string | null;
}

/** What became of a write. `stale`: nothing was written, and `object` is what is there (undefined: nothing is). */
export type Written<T> =
  | { readonly outcome: 'created' | 'changed' | 'unchanged'; readonly object: T }
  | { readonly outcome: 'stale'; readonly object: T | undefined };

/** Whether a write may go on over what is there. */
export function holds(precondition: Precondition, present: { readonly generation: number } | undefined): boolean {
  if (!precondition) return true;
  if (precondition.generation === 'none') return present === undefined;
  if (!present) return false;
  return precondition.generation === 'any' || precondition.generation.includes(present.generation);
}
