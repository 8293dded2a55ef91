import { useComputed, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { State } from '../../api/resources/labels.ts';
import type { Rows } from '../state.ts';

/** Those who listen hear at most one summary in this time. */
const spokenMilliseconds = 5000;

const parts: readonly (readonly [State, string])[] = [
  ['running', 'running'],
  ['starting', 'starting'],
  ['waiting', 'waiting'],
  ['repairing', 'repairing'],
  ['stopping', 'stopping'],
];

/** "30 students · 18 running · 2 starting · 1 needs you", and the same aloud, now and then. */
export function Summary({ rows }: { rows: Rows }) {
  const text = useComputed(() => {
    const counts = new Map<State, number>();
    for (const row of rows.list.value) {
      const { state } = row.description.value;
      counts.set(state, (counts.get(state) ?? 0) + 1);
    }
    const size = rows.list.value.length;
    const stuck = counts.get('stuck') ?? 0;
    return [
      size === 1 ? '1 student' : `${size} students`,
      ...parts.flatMap(([state, word]) => (counts.has(state) ? [`${counts.get(state)} ${word}`] : [])),
      ...(stuck === 0 ? [] : [stuck === 1 ? '1 needs you' : `${stuck} need you`]),
    ].join(' · ');
  });
  const spoken = useSignal('');
  useEffect(() => {
    const timer = setInterval(() => {
      spoken.value = text.value;
    }, spokenMilliseconds);
    return () => clearInterval(timer);
  }, [spoken, text]);
  return (
    <>
      <p class="summary">{text}</p>
      <p class="unseen" aria-live="polite">
        {spoken}
      </p>
    </>
  );
}
