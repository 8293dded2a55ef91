import { describe, expect, test } from 'vitest';
import type { Condition, Status } from '../../api/resources/resource.ts';
import type { Outcome } from '../../controller/reconciler.ts';
import { settle } from '../../controller/settle.ts';

const earlier = '2026-01-01T00:00:00.000Z';
const now = new Date('2026-01-02T00:00:00.000Z');
const later = now.toISOString();

type Row = [status: Condition['status'], reason: string];
function status(ready: Row, stalled: Row, observedGeneration = 3): Status {
  const condition = (type: Condition['type'], [value, reason]: Row): Condition => ({
    type,
    status: value,
    reason,
    message: `${reason}!`,
    since: earlier,
  });
  return { observedGeneration, conditions: [condition('Ready', ready), condition('Stalled', stalled)] };
}

const befores = {
  unseen: { observedGeneration: 0, conditions: [] },
  ready: status(['True', 'Settled'], ['False', 'Settled']),
  readyBeforeTheChange: status(['True', 'Settled'], ['False', 'Settled'], 2),
  waiting: status(['False', 'Placing'], ['False', 'Progressing']),
  stuck: status(['False', 'ImageNotFound'], ['True', 'ImageNotFound']),
} satisfies Record<string, Status>;

const outcomes = {
  settled: { verdict: 'settled' },
  wait: { verdict: 'wait', reason: 'IdeStarting', message: 'Soon.', seconds: 7 },
  stuck: { verdict: 'stuck', reason: 'OutOfMemory', message: 'Give it more.' },
  progressed: { verdict: 'progressed' },
  throttled: { verdict: 'failed', error: Object.assign(new Error(), { name: 'ThrottlingException' }) },
  denied: { verdict: 'failed', error: Object.assign(new Error(), { name: 'AccessDenied' }) },
  failed: { verdict: 'failed', error: new Error('x') },
} satisfies Record<string, Outcome>;

/** before, outcome → Ready, Stalled; observed generation; seconds. A time moves ('now') only with its status. */
const table: [keyof typeof befores, keyof typeof outcomes, string, string, number, number | undefined][] = [
  ['unseen', 'settled', 'True Settled now', 'False Settled now', 3, undefined],
  ['ready', 'settled', 'True Settled', 'False Settled', 3, undefined],
  ['readyBeforeTheChange', 'settled', 'True Settled', 'False Settled', 3, undefined],
  ['waiting', 'settled', 'True Settled now', 'False Settled', 3, undefined],
  ['stuck', 'settled', 'True Settled now', 'False Settled now', 3, undefined],

  ['unseen', 'wait', 'False IdeStarting now', 'False Progressing now', 3, 7],
  ['ready', 'wait', 'False IdeStarting now', 'False Progressing', 3, 7],
  ['readyBeforeTheChange', 'wait', 'False IdeStarting now', 'False Progressing', 3, 7],
  ['waiting', 'wait', 'False IdeStarting', 'False Progressing', 3, 7],
  ['stuck', 'wait', 'False IdeStarting', 'False Progressing now', 3, 7],

  ['unseen', 'stuck', 'False OutOfMemory now', 'True OutOfMemory now', 3, undefined],
  ['ready', 'stuck', 'False OutOfMemory now', 'True OutOfMemory now', 3, undefined],
  ['readyBeforeTheChange', 'stuck', 'False OutOfMemory now', 'True OutOfMemory now', 3, undefined],
  ['waiting', 'stuck', 'False OutOfMemory', 'True OutOfMemory now', 3, undefined],
  ['stuck', 'stuck', 'False OutOfMemory', 'True OutOfMemory', 3, undefined],

  ['unseen', 'progressed', 'False Progressing now', 'False Progressing now', 3, 0],
  ['ready', 'progressed', 'False Progressing now', 'False Progressing', 3, 0],
  ['readyBeforeTheChange', 'progressed', 'False Progressing now', 'False Progressing', 3, 0],
  ['waiting', 'progressed', 'False Placing', 'False Progressing', 3, 0],
  ['stuck', 'progressed', 'False Progressing', 'False Progressing now', 3, 0],

  ['unseen', 'throttled', 'Unknown Throttled now', 'False Throttled now', 0, 11],
  ['ready', 'throttled', 'True Settled', 'False Throttled', 3, 11],
  ['readyBeforeTheChange', 'throttled', 'Unknown Throttled now', 'False Throttled', 2, 11],
  ['waiting', 'throttled', 'Unknown Throttled now', 'False Throttled', 3, 11],
  ['stuck', 'throttled', 'Unknown Throttled now', 'False Throttled now', 3, 11],

  ['unseen', 'denied', 'Unknown NoPermission now', 'True NoPermission now', 0, 11],
  ['ready', 'denied', 'True Settled', 'True NoPermission now', 3, 11],
  ['readyBeforeTheChange', 'denied', 'Unknown NoPermission now', 'True NoPermission now', 2, 11],
  ['waiting', 'denied', 'Unknown NoPermission now', 'True NoPermission now', 3, 11],
  ['stuck', 'denied', 'Unknown NoPermission now', 'True NoPermission', 3, 11],

  ['unseen', 'failed', 'Unknown Failing now', 'False Failing now', 0, 11],
  ['ready', 'failed', 'True Settled', 'False Failing', 3, 11],
  ['readyBeforeTheChange', 'failed', 'Unknown Failing now', 'False Failing', 2, 11],
  ['waiting', 'failed', 'Unknown Failing now', 'False Failing', 3, 11],
  ['stuck', 'failed', 'Unknown Failing now', 'False Failing now', 3, 11],
];

describe('the settlement', () => {
  test.each(table)('of what was %s and is now %s: Ready %s, Stalled %s', (from, to, ready, stalled, seen, seconds) => {
    const settlement = settle({
      outcome: outcomes[to],
      before: befores[from],
      generation: 3,
      now,
      retrySeconds: 11,
    });
    const words = settlement.conditions.map(
      ({ status: value, reason, since }) => `${value} ${reason}${since === later ? ' now' : ''}`,
    );
    expect(settlement.conditions.map(({ type }) => type)).toEqual(['Ready', 'Stalled']);
    expect(words).toEqual([ready, stalled]);
    expect(settlement.observedGeneration).toBe(seen);
    expect(settlement.againSeconds).toBe(seconds);
    if (from === 'unseen') for (const { since } of settlement.conditions) expect(since).toBe(later);
  });

  test('has a row for every pair', () => {
    const pairs = new Set(table.map(([from, to]) => `${from} ${to}`));
    expect(pairs.size).toBe(Object.keys(befores).length * Object.keys(outcomes).length);
  });

  test('says the reconciler’s sentence, and says it where a person looks', () => {
    const { conditions } = settle({
      outcome: outcomes.stuck,
      before: befores.unseen,
      generation: 3,
      now,
      retrySeconds: 0,
    });
    expect(conditions.map(({ message }) => message)).toEqual(['Give it more.', 'Give it more.']);
  });
});
