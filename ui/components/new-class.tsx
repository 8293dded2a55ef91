import { useSignal } from '@preact/signals';
import { slugify, slugLengths, uniqueSlug } from '../../api/resources/slug.ts';
import { messageOf, Refusal, request } from '../api.ts';

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

/** How many slugs like it are tried before giving up: `python-101`, `python-101-2`, … */
const tries = 9;

async function makeClass(name: string): Promise<string> {
  const taken = new Set<string>();
  for (;;) {
    const base = slugify(name, slugLengths.course) || 'class';
    const slug = uniqueSlug(base, slugLengths.course, one => taken.has(one));
    try {
      const onlyNew = { 'if-none-match': '*' };
      await request('PUT', `cohorts/${slug}`, { name }, onlyNew);
      await request('PUT', `courses/${slug}`, { name }, onlyNew);
    } catch (thrown) {
      taken.add(slug);
      if (thrown instanceof Refusal && thrown.status === 412 && taken.size < tries) continue;
      throw thrown;
    }
    await request('PUT', `courses/${slug}/cohorts/${slug}`);
    return slug;
  }
}
