import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Course } from '../../api/resources/course.ts';
import type { KeptHome } from '../../api/resources/home.ts';
import { messageOf, Refusal, request } from '../api.ts';

/** A deletion takes seconds for most, and hours for a million files. */
const lookMilliseconds = 2_000;

/** The files of who left the class, and of everybody once it is archived: until when they are kept, and how they go. */
export function KeptFiles({ course, archived }: { course: Course; archived: boolean }) {
  const homes = useSignal<readonly KeptHome[]>([]);
  const asking = useSignal<'those who left' | 'everybody' | null>(null);
  const asked = useSignal(false);
  const problem = useSignal<string | null>(null);
  const list = async () => {
    try {
      homes.value = (await request<{ items: readonly KeptHome[] }>('GET', `courses/${course.slug}/homes`)).items;
      problem.value = null;
    } catch (thrown) {
      problem.value = messageOf(thrown);
    }
  };
  const going = homes.value.filter(({ state }) => state === 'going').length;
  const able = homes.value.filter(({ state }) => state === 'kept' || state === 'stuck').length;
  useEffect(() => void list(), []);
  useEffect(() => {
    if (going === 0) return;
    const timer = setInterval(() => void list(), lookMilliseconds);
    return () => clearInterval(timer);
  }, [going > 0]);
  const isOver = asked.value && going === 0 && !homes.value.some(({ state }) => state === 'stuck');
  if (homes.value.length === 0 && !asked.value && problem.value === null && !archived) return null;
  return (
    <section aria-labelledby="kept">
      <h2 id="kept">{archived ? 'Files of this class' : 'Files of who left'}</h2>
      <p>
        {archived && 'All students’ files are kept until you delete them. '}
        {!(archived && homes.value.length === 0) &&
          `${archived ? 'Those of who left' : 'They'} are kept for 90 days: who is put back into the class before finds them again.`}
      </p>
      {homes.value.length > 0 && (
        <ul class="staff">
          {homes.value.map(home => (
            <li key={home.id}>
              <span>
                <bdi>{home.student.name}</bdi> <span class="mute">{home.student.email}</span>
              </span>
              <span class={home.state === 'stuck' ? 'problem' : 'mute'}>{wordsOf(home)}</span>
            </li>
          ))}
        </ul>
      )}
      {problem.value && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <p role="status" class={going > 0 || isOver ? 'notice' : undefined}>
        {going > 0 ? `The files of ${students(going)} are being deleted.` : isOver ? 'Deleted for good.' : ''}
      </p>
      {able > 0 && (
        <button
          type="button"
          onClick={() => {
            asking.value = 'those who left';
          }}
        >
          Delete the kept files of {students(able)} for good
        </button>
      )}
      {archived && (
        <button
          type="button"
          onClick={() => {
            asking.value = 'everybody';
          }}
        >
          Delete everybody’s files for good
        </button>
      )}
      {asking.value && (
        <NameTheClass
          course={course}
          count={able}
          everybody={asking.value === 'everybody'}
          unmarked={homes.value.some(home => home.unmarked)}
          onAsked={() => {
            asked.value = true;
            void list();
          }}
          onClose={() => {
            asking.value = null;
          }}
        />
      )}
    </section>
  );
}

/** The question that can't be answered by a slip: what goes is said, and the class's name is typed. */
function NameTheClass(options: {
  course: Course;
  count: number;
  everybody: boolean;
  unmarked: boolean;
  onAsked: () => void;
  onClose: () => void;
}) {
  const { course, count, everybody } = options;
  const dialog = useRef<HTMLDialogElement>(null);
  const confirm = useSignal('');
  const unmarked = useSignal(false);
  const problem = useSignal<string | null>(null);
  const sending = useSignal(false);
  useEffect(() => dialog.current?.showModal(), []);
  const send = async () => {
    problem.value = null;
    sending.value = true;
    try {
      await request('POST', `courses/${course.slug}/homes:purge`, {
        confirm: confirm.value,
        ...(unmarked.value && { unmarked: true }),
        ...(everybody && { everybody }),
      });
      options.onAsked();
      dialog.current?.close();
    } catch (thrown) {
      const isOtherName = thrown instanceof Refusal && thrown.status === 422;
      problem.value = isOtherName ? 'That is not the name of this class. Nothing was deleted.' : messageOf(thrown);
    } finally {
      sending.value = false;
    }
  };
  return (
    <dialog ref={dialog} onClose={options.onClose} aria-labelledby="deletion">
      <h2 id="deletion">Delete {everybody ? 'everybody’s files' : `the kept files of ${students(count)}`} for good?</h2>
      <p>
        Everything that they wrote and saved in this class goes. This can’t be undone, and who returns to the class
        begins with nothing.{' '}
        {everybody
          ? 'The students stay on its list: should you bring the class back, all of them begin with nothing.'
          : 'Who is in the class now keeps their files.'}
      </p>
      <form
        onSubmit={event => {
          event.preventDefault();
          void send();
        }}
      >
        <label class="field">
          <span>
            Type the class’s name: <bdi>{course.spec.name}</bdi>
          </span>
          <input
            dir="auto"
            required
            maxLength={200}
            autocomplete="off"
            value={confirm.value}
            onInput={event => {
              confirm.value = event.currentTarget.value;
            }}
          />
        </label>
        {options.unmarked && (
          <label class="check">
            <input
              type="checkbox"
              checked={unmarked.value}
              onChange={event => {
                unmarked.value = event.currentTarget.checked;
              }}
            />
            Also those without a mark of whose they are: their folder alone tells
          </label>
        )}
        {problem.value && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <div class="actions">
          <button type="button" onClick={() => dialog.current?.close()}>
            Keep them
          </button>
          <button type="submit" class="danger" disabled={sending.value}>
            Delete for good
          </button>
        </div>
      </form>
    </dialog>
  );
}

function students(count: number): string {
  return count === 1 ? '1 student' : `${count} students`;
}

function wordsOf({ state, keptUntil, problem }: KeptHome): string {
  switch (state) {
    case 'kept':
      return `Kept until ${new Date(keptUntil).toLocaleDateString(undefined, { day: 'numeric', month: 'long' })}`;
    case 'closing':
      return 'Being put away';
    case 'going':
      return 'Being deleted';
    case 'stuck':
      return problem ?? 'Could not be deleted';
  }
}
