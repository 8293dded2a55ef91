import type { Clock } from '../clock.ts';
import type { Consistency } from '../state.ts';
import type { Arns } from './arns.ts';
import type { Quotas } from './quotas.ts';
import type { RuleIndex } from './rule-index.ts';
import type { Tables } from './tables.ts';

/** What the operations of one account work on. */
export interface Account {
  readonly tables: Tables;
  readonly rules: RuleIndex;
  readonly arns: Arns;
  readonly quotas: Quotas;
  readonly clock: Clock;
  readonly consistency: Readonly<Consistency>;
}
