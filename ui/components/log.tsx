import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Event } from '../../api/resources/event.ts';
import { type List, request } from '../api.ts';

/**
 * The last events of one object, newest first. Asked anew whenever `version` changes. `words`: how an event is told;
 * those that it has none for are left out.
 */
export function Log({
  about,
  version,
  limit = 10,
  words = event => event.message,
}: {
  about: string;
  version: number;
  limit?: number;
  words?: (event: Event) => string | undefined;
}) {
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
  const told = events.value.map(event => ({ ...event, text: words(event) })).filter(event => event.text !== undefined);
  if (told.length === 0) return <p class="mute">Nothing has happened yet.</p>;
  return (
    <ol class="log">
      {told.map(event => (
        <li key={event.id} class={event.tone}>
          <time dateTime={event.at}>{moment(event.at)}</time>{' '}
          <span dir="auto">{event.by ? event.text?.replace(/\.$/, '') : event.text}</span>
          {event.by && (
            <span class="mute">
              {' '}
              by <bdi>{event.actor ?? 'your instructor'}</bdi>
            </span>
          )}
        </li>
      ))}
    </ol>
  );
}

/** The time by the second today, day and minute before, as the browser's language has it: a log is read for its order. */
export function moment(iso: string): string {
  const at = new Date(iso);
  const today = at.toDateString() === new Date().toDateString();
  return today
    ? at.toLocaleTimeString()
    : at.toLocaleString(undefined, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
}
