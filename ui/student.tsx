import { signal } from '@preact/signals';
import { render } from 'preact';
import { when } from '../api/resources/times.ts';
import { act } from './act.ts';
import { listAll, type WorkspaceItem } from './api.ts';
import { boot } from './boot.ts';
import { slowClock } from './clock.ts';
import { Bar } from './components/bar.tsx';
import { Download } from './components/download.tsx';
import { Pill } from './components/pill.tsx';
import { live } from './live.ts';
import { type Row, Rows } from './state.ts';

const rows = new Rows();
const failed = signal(false);

function Page() {
  const own = rows.list.value;
  return (
    <>
      <Bar boot={boot} />
      <main id="main" class="column">
        <h1>{own.length > 1 ? 'Your classes' : 'Your class'}</h1>
        {rows.loaded.value && own.length === 0 && (
          <p class="empty">
            You are signed in as {boot.person.email}, no class lists that address. Ask your instructor.
          </p>
        )}
        {failed.value && !rows.loaded.value && (
          <p class="problem">The portal can’t be reached. It is tried again by itself.</p>
        )}
        {own.map(row => (
          <Card key={row.slug} row={row} />
        ))}
      </main>
    </>
  );
}

/** One class: how it stands, one big button. */
function Card({ row }: { row: Row }) {
  const workspace = row.workspace.value;
  const { student, now, tone, label } = row.description.value;
  const main = student.actions[0];
  const { activeAt: used, changedAt } = workspace.reported;
  return (
    <article class="card">
      <h2 dir="auto">{workspace.course.name}</h2>
      <p>
        <Pill description={{ tone, label }} /> <span class="now">{now}</span>
      </p>
      <p>{student.sentence}</p>
      {row.problem.value && (
        <p class="problem" role="alert">
          {row.problem.value}
        </p>
      )}
      <div class="actions">
        {main === 'open' || main === 'start' ? (
          <a
            class="button primary big"
            href={main === 'open' && workspace.url ? workspace.url : `/wake/${workspace.slug}`}
          >
            {main === 'open' ? 'Open' : 'Start'}
          </a>
        ) : main === 'cancel' ? (
          <a class="button primary big" href={`/wake/${workspace.slug}`}>
            Wait for it
          </a>
        ) : main === 'retry' ? (
          <button type="button" class="primary big" onClick={() => void act(row, rows, 'retry')}>
            Try again
          </button>
        ) : null}
        {student.actions.includes('cancel') && (
          <button type="button" onClick={() => void act(row, rows, 'stop')}>
            Cancel
          </button>
        )}
        {workspace.idle && (
          <button type="button" onClick={() => void rows.keep(row)}>
            Keep it running for an hour
          </button>
        )}
        {student.actions.includes('stop') && (
          <button type="button" onClick={() => void act(row, rows, 'stop')}>
            Stop
          </button>
        )}
        {student.actions.includes('restart') && (
          <button type="button" class="quiet" onClick={() => void act(row, rows, 'restart')}>
            Restart
          </button>
        )}
      </div>
      <p class="mute hint">
        {used !== null && workspace.spec.running && `Last used ${when(used, slowClock.value)}. `}
        {changedAt && `Files last changed ${when(changedAt, slowClock.value)}. `}Stopping keeps your files.{' '}
        {(main === 'open' || main === 'start') && <Download workspace={workspace} text="Download my files" plain />}
      </p>
    </article>
  );
}

async function relist(): Promise<void> {
  try {
    rows.replace(await listAll<WorkspaceItem>(`workspaces?student=${encodeURIComponent(boot.person.slug)}`));
    failed.value = false;
  } catch (thrown) {
    failed.value = true;
    throw thrown;
  }
}

render(<Page />, document.getElementById('app') ?? document.body);
live('/v1/watch', {
  relist,
  change: change => {
    if (!rows.change(change)) void relist().catch(() => undefined);
  },
});
