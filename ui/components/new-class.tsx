import { useSignal } from '@preact/signals';
import { messageOf, Refusal, request } from '../api.ts';
import { slugOf } from '../roster-text.ts';

/** A class from its name: a cohort and a course of that name, and the first takes the second. */
export function NewClass({ first }: { first: boolean }) {
  const name = useSignal('');
  const problem = useSignal<string | null>(null);
  const busy = useSignal(false);
  const make = async () => {
    busy.value = true;
    problem.value = null;
    try {
      location.assign(`/classes/${await makeClass(name.value.trim())}`);
    } catch (thrown) {
      problem.value = messageOf(thrown);
      busy.value = false;
    }
  };
  return (
    <main id="main" class="column">
      <h1>{first ? 'Make your first class' : 'New class'}</h1>
      <p>Its name is enough.</p>
      <form
        onSubmit={event => {
          event.preventDefault();
          if (name.value.trim() !== '' && !busy.value) void make();
        }}
      >
        <label class="field">
          Name of the class
          <input
            dir="auto"
            maxLength={200}
            placeholder="Python 101"
            value={name.value}
            onInput={event => {
              name.value = event.currentTarget.value;
            }}
          />
        </label>
        {problem.value && (
          <p class="problem" role="alert">
            {problem.value}
          </p>
        )}
        <button type="submit" class="primary" disabled={busy.value || name.value.trim() === ''}>
          Make class
        </button>
      </form>
    </main>
  );
}

/** How many names like it are tried before giving up: `python-101`, `python-101-2`, … */
const tries = 9;

async function makeClass(name: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const slug = number === 1 ? slugOf(name) : `${slugOf(name, 16)}-${number}`;
    try {
      await request('PUT', `courses/${slug}`, { name }, { 'if-none-match': '*' });
    } catch (thrown) {
      const taken = thrown instanceof Refusal && (thrown.status === 412 || thrown.status === 409);
      if (taken && number < tries) continue;
      throw thrown;
    }
    await request('PUT', `cohorts/${slug}`, { name });
    await request('PUT', `courses/${slug}/cohorts/${slug}`);
    return slug;
  }
}
