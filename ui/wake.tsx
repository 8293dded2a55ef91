import { computed, effect, signal } from '@preact/signals';
import { render } from 'preact';
import { filesPath } from '../api/resources/entrance-paths.ts';
import { duration, when } from '../api/resources/times.ts';
import type { Step } from '../api/resources/workspace.ts';
import { act } from './act.ts';
import { messageOf, request, type WorkspaceItem } from './api.ts';
import { boot } from './boot.ts';
import { slowClock } from './clock.ts';
import { Bar } from './components/bar.tsx';
import { Pill } from './components/pill.tsx';
import { Steps } from './components/steps.tsx';
import { later } from './later.tsx';
import { live } from './live.ts';
import { Rows } from './state.ts';

const Story = later(() => import('./components/story.tsx').then(part => part.Story));

const rows = new Rows(boot.usualSeconds ?? null);
const problem = signal<string | null>(null);
/** True once the page has begun to open the workspace by itself. */
const opening = signal(false);
/** True once one wants to read what happened. */
const told = signal(false);
/** True when it came back here right after being opened: then a person opens it, so that nothing goes round. */
const held = signal(false);
const own = () => rows.list.value[0]?.workspace.value.student.slug === boot.person.slug;
const row = computed(() => rows.list.value[0]);
const path = `workspaces/${encodeURIComponent(boot.workspace ?? '')}`;
let asked = false;

/** Comes back here within so many milliseconds, so many times: it is going round. */
const roundMilliseconds = 30_000;
const rounds = 2;

function Page() {
  return (
    <>
      <Bar boot={boot} />
      <main id="main" class="column">
        {problem.value && !row.value ? (
          <p class="problem" role="alert">
            {problem.value}
          </p>
        ) : (
          <Wake />
        )}
      </main>
    </>
  );
}

function Wake() {
  const present = row.value;
  if (!present) return <p class="mute">…</p>;
  const workspace = present.workspace.value;
  const description = present.description.value;
  const { state } = description;
  const said = own() ? description.student : description.staff;
  const stuck = state === 'stuck';
  const resting = state === 'stopped' || state === 'invited' || state === 'stopping' || state === 'removed';
  const step: Step = workspace.status.step;
  return (
    <>
      <h1 dir="auto">{workspace.course.name}</h1>
      {!own() && (
        <p>
          Workspace of <bdi>{workspace.student.name}</bdi>
        </p>
      )}
      <p role="status">
        <Pill description={description} />{' '}
        <span class="now">{opening.value && !fetching() ? 'Opening…' : description.now}</span>
      </p>
      {!stuck && !resting && state !== 'running' && (
        <Steps step={step} reached={workspace.status.observedGeneration >= workspace.generation} />
      )}
      <p dir="auto">{opening.value && fetching() ? 'The download begins in a moment.' : said.sentence}</p>
      {resting && workspace.reported.changedAt && (
        <p class="mute">Files last changed {when(workspace.reported.changedAt, slowClock.value)}.</p>
      )}
      {state === 'starting' && boot.usualSeconds && <p class="mute">Usually {duration(boot.usualSeconds)}.</p>}
      {present.problem.value && (
        <p class="problem" role="alert">
          {present.problem.value}
        </p>
      )}
      <div class="actions">
        {stuck && said.actions.includes('retry') && (
          <button type="button" class="primary big" onClick={() => void act(present, rows, 'retry')}>
            Try again
          </button>
        )}
        {said.actions.includes('start') && (
          <button type="button" class="primary big" onClick={() => void act(present, rows, 'start')}>
            {own() ? 'Start' : `Start it for ${workspace.student.name}`}
          </button>
        )}
        {state === 'running' && workspace.url && (
          <a class="button primary big" href={workspace.url + (fetching() ? '/' : target())}>
            Open
          </a>
        )}
        {state === 'running' && workspace.url && fetching() && (
          <a class="button" href={workspace.url + filesPath}>
            Download again
          </a>
        )}
        {workspace.idle && (
          <button type="button" onClick={() => void rows.keep(present)}>
            Keep it running for an hour
          </button>
        )}
        {(said.actions.includes('cancel') || (!own() && state === 'starting')) && (
          <button type="button" onClick={() => void act(present, rows, 'stop')}>
            Cancel
          </button>
        )}
        <a class="button quiet" href={own() ? '/?stay' : '/'}>
          Back
        </a>
      </div>
      <details
        class="story"
        open={stuck}
        onToggle={event => {
          told.value = event.currentTarget.open;
        }}
      >
        <summary>What happened so far</summary>
        {told.value && <Story workspace={workspace} student={own()} />}
      </details>
    </>
  );
}

/** Where in the workspace to go: a path, never another site. */
function target(): string {
  const to = boot.to ?? '/';
  return to.startsWith('/') && !to.startsWith('//') ? to : '/';
}

/** Whether one came for the files: then the page stays. */
function fetching(): boolean {
  return target() === filesPath;
}

/** Wakes one's own sleeping workspace, once per page and never after a failure. */
function wake(): void {
  const present = row.peek();
  if (asked || !present) return;
  asked = true;
  const { state } = present.description.peek();
  const { spec, status } = present.workspace.peek();
  const asleep = (state === 'stopped' || state === 'invited') && !spec.running;
  if (own() && asleep && status.failure === null) void act(present, rows, 'start');
}

/** Opens it as soon as it runs, unless it has just come back from there. */
function openWhenReady(): void {
  const present = row.value;
  if (!present || opening.peek() || held.value) return;
  const { url } = present.workspace.value;
  if (present.description.value.state !== 'running' || !url) return;
  const key = `opened ${present.slug}`;
  const recent = (sessionStorage.getItem(key) ?? '')
    .split(' ')
    .filter(at => at !== '' && Date.now() - Number(at) < roundMilliseconds);
  if (recent.length >= rounds) {
    held.value = true;
    return;
  }
  sessionStorage.setItem(key, [...recent, Date.now()].join(' '));
  opening.value = true;
  // A download leaves the page where it is.
  if (fetching()) location.assign(url + target());
  else location.replace(url + target());
}

/** While it is in line its place there changes, which no stream tells. */
function lookAtLine(): void {
  if (slowClock.value && row.peek()?.description.peek().state === 'waiting') void relist().catch(() => undefined);
}

async function relist(): Promise<void> {
  try {
    rows.replace([await request<WorkspaceItem>('GET', path)]);
    problem.value = null;
    wake();
  } catch (thrown) {
    problem.value = messageOf(thrown);
    throw thrown;
  }
}

render(<Page />, document.getElementById('app') ?? document.body);
effect(openWhenReady);
effect(lookAtLine);

/** Looks once, then stays live: the stream's address needs the course. */
async function begin(): Promise<void> {
  await relist().catch(() => undefined);
  const course = row.peek()?.workspace.peek().course.slug;
  live(course === undefined ? '/v1/watch' : `/v1/watch?course=${encodeURIComponent(course)}`, {
    relist,
    change: change => {
      if (change.kind === 'workspace' && change.id === row.peek()?.workspace.peek().id) rows.change(change);
    },
  });
}

void begin();
