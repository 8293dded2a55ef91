import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Student } from '../../api/resources/student.ts';
import { messageOf, request } from '../api.ts';
import { copy } from '../copy.ts';

interface Link {
  readonly name: string;
  readonly email: string;
  readonly url: string;
}

/** Who runs the class: instructors change it, assistants help in it. */
export function Staff({ course }: { course: string }) {
  const staff = useSignal<readonly Student[]>([]);
  const email = useSignal('');
  const role = useSignal<'assistant' | 'instructor'>('assistant');
  const problem = useSignal<string | null>(null);
  const list = async () => {
    staff.value = (await request<{ items: readonly Student[] }>('GET', `courses/${course}/staff`)).items;
  };
  const change = async (work: () => Promise<unknown>) => {
    problem.value = null;
    try {
      await work();
      await list();
    } catch (thrown) {
      problem.value = messageOf(thrown);
    }
  };
  useEffect(() => void change(async () => undefined), []);
  const pathOf = (person: string) => `courses/${course}/staff/${encodeURIComponent(person)}`;
  const add = () =>
    change(async () => {
      await request('PUT', pathOf(email.value.trim()), role.value === 'instructor' ? { role: 'instructor' } : {});
      email.value = '';
    });
  return (
    <section aria-labelledby="staff">
      <h2 id="staff">Staff</h2>
      <p>Instructors see and change this class. Assistants see it, start, stop and open workspaces.</p>
      <ul class="staff">
        {staff.value.map(person => (
          <li key={person.id}>
            <span>
              <bdi>{person.spec.name}</bdi> <span class="mute">{person.spec.email}</span>
            </span>
            <span class="mute">{person.role === 'instructor' ? 'Instructor' : 'Assistant'}</span>
            <button
              type="button"
              class="quiet"
              aria-label={`Remove ${person.spec.name} from the staff`}
              onClick={() => void change(() => request('DELETE', pathOf(person.id)))}
            >
              Remove
            </button>
          </li>
        ))}
      </ul>
      <form
        onSubmit={event => {
          event.preventDefault();
          void add();
        }}
      >
        <label class="field">
          Add by e-mail
          <input
            type="email"
            required
            maxLength={254}
            value={email.value}
            onInput={event => {
              email.value = event.currentTarget.value;
            }}
          />
        </label>
        <label class="field">
          As
          <select
            value={role.value}
            onChange={event => {
              role.value = event.currentTarget.value === 'instructor' ? 'instructor' : 'assistant';
            }}
          >
            <option value="assistant">Assistant</option>
            <option value="instructor">Instructor, who may make classes too</option>
          </select>
        </label>
        {problem.value && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <button type="submit">Add to staff</button>
      </form>
    </section>
  );
}

/** What a sheet would take for a formula is pasted as text. */
function asText(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

/** Links for all who have not joined, to hand out where no mail arrives. */
export function JoinLinks({ course }: { course: string }) {
  const said = useSignal<string | null>(null);
  const problem = useSignal<string | null>(null);
  const links = useSignal('');
  const make = async () => {
    problem.value = null;
    try {
      const { items } = await request<{ items: readonly Link[] }>('POST', `courses/${course}/join-links`);
      const lines = items.map(({ name, email, url }) => [asText(name), asText(email), url].join('\t'));
      links.value = lines.join('\n');
      const copied = items.length > 0 && (await copy(links.value));
      const many = items.length === 1 ? '1 link' : `${items.length} links`;
      said.value =
        items.length === 0
          ? 'Everybody in this class has joined.'
          : `${many}${copied ? ' copied, with names: paste them into a sheet or a mail.' : ': copy them from below.'}`;
    } catch (thrown) {
      problem.value = messageOf(thrown);
    }
  };
  return (
    <section aria-labelledby="links">
      <h2 id="links">Join links</h2>
      <p>For students whom no mail reaches: each link lets its student choose a password, once, within 7 days.</p>
      <button type="button" onClick={() => void make()}>
        Copy join links
      </button>
      {said.value && (
        <p class="notice" role="status">
          {said}
        </p>
      )}
      {links.value !== '' && <textarea readOnly rows={5} value={links.value} aria-label="Join links" />}
      {problem.value && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
    </section>
  );
}
