import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Course } from '../../api/resources/course.ts';
import type { Event } from '../../api/resources/event.ts';
import { type List, messageOf, request } from '../api.ts';
import { moment } from './log.tsx';

/** So many at once. */
const page = 100;

/** What happened in a class and who did it, newest first. */
export function History({ course }: { course: Course }) {
  const events = useSignal<readonly Event[] | null>(null);
  const cursor = useSignal<string | null>(null);
  const everything = useSignal(false);
  const problem = useSignal<string | null>(null);
  const load = async (after: string | null) => {
    problem.value = null;
    const query = `course=${encodeURIComponent(course.slug)}&limit=${page}${everything.value ? '' : '&by=people'}`;
    try {
      const answer = await request<List<Event>>('GET', `events?${query}${after === null ? '' : `&cursor=${after}`}`);
      events.value = after === null ? answer.items : [...(events.value ?? []), ...answer.items];
      cursor.value = answer.cursor;
    } catch (thrown) {
      problem.value = messageOf(thrown);
    }
  };
  useEffect(() => void load(null), [everything.value]);
  return (
    <main id="main">
      <p>
        <a href={`/classes/${course.slug}`}>
          ← <bdi>{course.spec.name}</bdi>
        </a>
      </p>
      <h1>History</h1>
      <label class="check">
        <input
          type="checkbox"
          checked={everything.value}
          onChange={event => {
            everything.value = event.currentTarget.checked;
          }}
        />
        Also what Armada did by itself
      </label>
      {problem.value && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
      {events.value?.length === 0 && <p class="empty">Nothing has happened yet.</p>}
      {events.value !== null && events.value.length > 0 && (
        <table class="class history">
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">What</th>
              <th scope="col">About</th>
              <th scope="col">By</th>
            </tr>
          </thead>
          <tbody>
            {events.value.map(event => (
              <tr key={event.id}>
                <td class="at">
                  <time dateTime={event.at}>{moment(event.at)}</time>
                </td>
                <td dir="auto">{event.message}</td>
                <td>
                  <bdi>{event.subject}</bdi>
                </td>
                <td>
                  <bdi>{event.actor ?? event.by ?? 'Armada'}</bdi>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {cursor.value && (
        <button type="button" onClick={() => void load(cursor.value)}>
          Show older
        </button>
      )}
    </main>
  );
}
