import { type Signal, useSignal } from '@preact/signals';
import type { Course, CourseSpec } from '../../api/resources/course.ts';
import { messageOf, Refusal, request } from '../api.ts';
import type { Confirm as Question } from './confirm.tsx';
import { KeptFiles } from './kept-files.tsx';
import { JoinLinks, Staff } from './staff.tsx';

/** CPU in 1/1024 vCPU, memory in MiB: what a class is usually given. */
const sizes = [
  { cpu: 256, memory: 1024, text: 'Small: ¼ CPU, 1 GB' },
  { cpu: 512, memory: 2048, text: 'Medium: ½ CPU, 2 GB' },
  { cpu: 1024, memory: 4096, text: 'Large: 1 CPU, 4 GB' },
  { cpu: 2048, memory: 8192, text: 'Very large: 2 CPUs, 8 GB' },
] as const;

/** What a class's workspaces are made of. Saving says when it takes effect. `Confirm` is the page's own, not a second one. */
export function Settings({ course, Confirm }: { course: Course; Confirm: typeof Question }) {
  const spec = useSignal<CourseSpec>(course.spec);
  const generation = useSignal(course.generation);
  const archived = useSignal(course.spec.archived === true);
  const said = useSignal<string | null>(null);
  const problem = useSignal<string | null>(null);
  const set = (part: Partial<CourseSpec>) => {
    spec.value = { ...spec.value, ...part };
    said.value = null;
  };
  const save = async () => {
    problem.value = null;
    try {
      const ifMatch = { 'if-match': `"${generation.value}"` };
      const saved = await request<Course>('PATCH', `courses/${course.slug}`, spec.value, ifMatch);
      generation.value = saved.generation;
      said.value = 'Saved. A running workspace takes it up at its next start.';
    } catch (thrown) {
      const stale = thrown instanceof Refusal && thrown.status === 412;
      problem.value = stale
        ? 'Somebody else has changed it meanwhile. Load the page anew, then change it again.'
        : messageOf(thrown);
    }
  };
  const { name, image, repository, idleMinutes, cpu, memory } = spec.value;
  const usual = sizes.some(size => size.cpu === cpu && size.memory === memory);
  return (
    <main id="main" class="column">
      <p>
        <a href={`/classes/${course.slug}`}>
          ← <bdi>{course.spec.name}</bdi>
        </a>
      </p>
      <h1>Class settings</h1>
      <form
        onSubmit={event => {
          event.preventDefault();
          void save();
        }}
      >
        <label class="field">
          Name
          <input
            dir="auto"
            required
            maxLength={200}
            value={name}
            onInput={event => set({ name: event.currentTarget.value })}
          />
        </label>
        <label class="field">
          Starter files
          <input
            type="url"
            pattern="https://.*"
            placeholder="https://github.com/you/starter"
            value={repository ?? ''}
            onInput={event => set({ repository: event.currentTarget.value || null })}
          />
          <span class="mute hint">A Git address, copied into an empty home at the first start.</span>
        </label>
        <label class="field">
          Starting point
          <input
            placeholder="The usual editor"
            value={image ?? ''}
            onInput={event => set({ image: event.currentTarget.value || null })}
          />
          <span class="mute hint">An image of your own; empty for the usual one.</span>
        </label>
        <label class="field">
          Size
          <select
            value={`${cpu} ${memory}`}
            onChange={event => {
              const [cpus = cpu, mebibytes = memory] = event.currentTarget.value.split(' ').map(Number);
              set({ cpu: cpus, memory: mebibytes });
            }}
          >
            {sizes.map(size => (
              <option key={size.cpu} value={`${size.cpu} ${size.memory}`}>
                {size.text}
              </option>
            ))}
            {!usual && <option value={`${cpu} ${memory}`}>{`${cpu / 1024} CPU, ${memory} MiB`}</option>}
          </select>
        </label>
        <label class="field">
          Stop when idle for
          <select
            value={String(idleMinutes ?? '')}
            onChange={event =>
              set({ idleMinutes: event.currentTarget.value === '' ? null : Number(event.currentTarget.value) })
            }
          >
            {[...new Set([15, 30, 60, 120, 240, ...(idleMinutes === null ? [] : [idleMinutes])])].map(minutes => (
              <option key={minutes} value={String(minutes)}>
                {minutes < 60 ? `${minutes} minutes` : minutes === 60 ? '1 hour' : `${minutes / 60} hours`}
              </option>
            ))}
            <option value="">Never</option>
          </select>
        </label>
        {problem.value && (
          <p class="problem" role="alert">
            {problem.value}
          </p>
        )}
        {said.value && (
          <p class="notice" role="status">
            {said}
          </p>
        )}
        <button type="submit" class="primary">
          Save
        </button>
      </form>
      <Staff course={course.slug} />
      <JoinLinks course={course.slug} />
      <Archive course={course} archived={archived} Confirm={Confirm} />
      <KeptFiles course={course} archived={archived.value} />
    </main>
  );
}

/** Puts the class away, or brings it back: nothing runs in an archived one, and all files are kept. */
function Archive(options: { course: Course; archived: Signal<boolean>; Confirm: typeof Question }) {
  const { course, archived, Confirm } = options;
  const asking = useSignal(false);
  const problem = useSignal<string | null>(null);
  const set = async (away: boolean) => {
    problem.value = null;
    try {
      await request<Course>('PATCH', `courses/${course.slug}`, { archived: away });
      archived.value = away;
    } catch (thrown) {
      problem.value = messageOf(thrown);
    }
  };
  return (
    <section class="archive" aria-labelledby="archive">
      <h2 id="archive">{archived.value ? 'This class is archived' : 'Archive'}</h2>
      <p>
        {archived.value
          ? 'Nothing runs in it, and all files are kept.'
          : 'When the course is over: its workspaces are stopped and can’t be started. All files are kept, and it can be brought back.'}
      </p>
      {problem.value && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
      <button
        type="button"
        onClick={() => {
          if (archived.value) void set(false);
          else asking.value = true;
        }}
      >
        {archived.value ? 'Bring it back' : 'Archive this class'}
      </button>
      {asking.value && (
        <Confirm
          title={`Archive ${course.spec.name}?`}
          text="Its workspaces are stopped. Files are kept; running programs end."
          yes="Archive"
          no="Leave it"
          onYes={() => void set(true)}
          onClose={() => {
            asking.value = false;
          }}
        />
      )}
    </section>
  );
}
