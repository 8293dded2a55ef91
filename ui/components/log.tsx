import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Event } from '../../api/resources/event.ts';
import { type List, request } from '../api.ts';

/** The last events of one object, newest first. Asked anew whenever `version` changes. */
export function Log({ about, version, limit = 10 }: { about: string; version: number; limit?: number }) {
  const events = useSignal<readonly Event[] | null>(null);
  useEffect(() => {
    request<List<Event>>('GET', `events?about=${encodeURIComponent(about)}&limit=${limit}`)
      .then(answer => {
        events.value = answer.items;
      })
      .catch(() => {
        events.value ??= [];
      });
  }, [about, version, limit]);
  if (events.value === null) return <p class="mute">…</p>;
  if (events.value.length === 0) return <p class="mute">Nothing has happened yet.</p>;
  return (
    <ol class="log">
      {events.value.map(event => (
        <li key={event.id} class={event.tone}>
          <time dateTime={event.at}>{timeOfDay(event.at)}</time> <span dir="auto">{event.message}</span>
          {event.by && <span class="mute"> by {event.by}</span>}
        </li>
      ))}
    </ol>
  );
}

/** The time by the second today, day and minute before: a log is read for its order. */
function timeOfDay(iso: string): string {
  const at = new Date(iso);
  const today = at.toDateString() === new Date().toDateString();
  return today
    ? at.toLocaleTimeString('en-GB')
    : at.toLocaleString('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
}
