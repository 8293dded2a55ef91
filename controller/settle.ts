import { type Condition, conditionOf, type Status } from '../api/resources/resource.ts';
import { classifyFailure, type Failure } from './failure.ts';
import type { Outcome } from './reconciler.ts';

/** What a pass came to: the conditions to tell, and when to look again. */
export interface Settlement {
  readonly conditions: readonly Condition[];
  readonly observedGeneration: number;
  /** Seconds until the next look; undefined: at the next resync. */
  readonly againSeconds: number | undefined;
}

/** A condition before it is known since when it holds. */
type Finding = Omit<Condition, 'since'>;

/**
 * Turns the outcome of a pass into conditions. Pure, and the only writer of conditions. `since` moves only when a
 * condition's status does. `retrySeconds`: the backoff, should the pass have failed.
 */
export function settle(options: {
  readonly outcome: Outcome;
  readonly before: Status;
  /** Generation of the resource that the pass worked on. */
  readonly generation: number;
  readonly now: Date;
  readonly retrySeconds: number;
}): Settlement {
  const { outcome, before, generation, now, retrySeconds } = options;
  const findings = findingsOf(outcome, before, generation);
  return {
    conditions: findings.map(finding => dated(finding, before, now)),
    // A pass that failed may have seen nothing of what was asked.
    observedGeneration: outcome.verdict === 'failed' ? before.observedGeneration : generation,
    againSeconds: againSeconds(outcome, retrySeconds),
  };
}

function againSeconds(outcome: Outcome, retrySeconds: number): number | undefined {
  switch (outcome.verdict) {
    case 'settled':
    case 'stuck':
      return undefined;
    case 'wait':
      return outcome.seconds;
    case 'progressed':
      return 0;
    case 'failed':
      return retrySeconds;
  }
}

function findingsOf(outcome: Outcome, before: Status, generation: number): readonly Finding[] {
  switch (outcome.verdict) {
    case 'settled':
      return [ready('True', 'Settled', ''), stalled('False', 'Settled', '')];
    case 'wait':
      return [ready('False', outcome.reason, outcome.message), stalled('False', 'Progressing', '')];
    case 'stuck':
      return [ready('False', outcome.reason, outcome.message), stalled('True', outcome.reason, outcome.message)];
    case 'progressed':
      return [onTheWay(before), stalled('False', 'Progressing', '')];
    case 'failed':
      return failed(classifyFailure(outcome.error), before, generation);
  }
}

/** What it waited for is told until something else is known: no flicker between two looks. */
function onTheWay(before: Status): Finding {
  const known = conditionOf(before, 'Ready');
  const waiting = known?.status === 'False' && conditionOf(before, 'Stalled')?.status === 'False';
  return waiting ? known : ready('False', 'Progressing', '');
}

function failed(failure: Failure, before: Status, generation: number): readonly Finding[] {
  const { reason, message } = failure;
  const known = conditionOf(before, 'Ready');
  // One unanswered question does not make a running workspace less ready: what was last seen stands.
  const stands = known?.status === 'True' && before.observedGeneration === generation;
  return [
    stands ? known : ready('Unknown', reason, message),
    stalled(reason === 'NoPermission' ? 'True' : 'False', reason, message),
  ];
}

function ready(status: Condition['status'], reason: string, message: string): Finding {
  return { type: 'Ready', status, reason, message };
}

function stalled(status: Condition['status'], reason: string, message: string): Finding {
  return { type: 'Stalled', status, reason, message };
}

function dated({ type, status, reason, message }: Finding, before: Status, now: Date): Condition {
  const known = conditionOf(before, type);
  const since = known?.status === status ? known.since : now.toISOString();
  return { type, status, reason, message, since };
}
