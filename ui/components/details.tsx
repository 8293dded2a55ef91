import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { filesInWords } from '../../api/resources/files.ts';
import { describeStudent } from '../../api/resources/student-labels.ts';
import { when } from '../../api/resources/times.ts';
import { act } from '../act.ts';
import { request, type WorkspaceItem } from '../api.ts';
import { may } from '../boot.ts';
import { slowClock } from '../clock.ts';
import type { Removal } from '../removal.ts';
import type { Row, Rows } from '../state.ts';
import { Download } from './download.tsx';
import { Invitation } from './invitation.tsx';
import { Log } from './log.tsx';
import { Written } from './written.tsx';

/** What opens under a row: the whole sentence, the facts, what one seldom wants, the last events. */
export function Details({ row, rows, removal }: { row: Row; rows: Rows; removal: Removal }) {
  const workspace = row.workspace.value;
  const { staff } = row.description.value;
  const person = rows.people.value.get(workspace.student.slug);
  const account = person ? describeStudent({ student: person, now: slowClock.value }).text : 'Has set a password';
  const used = workspace.reported.activeAt;
  // Lists leave out what a home holds.
  const files = useSignal<WorkspaceItem['reported'] | null>(null);
  useEffect(() => {
    request<WorkspaceItem>('GET', `workspaces/${encodeURIComponent(row.slug)}`).then(
      answer => {
        files.value = answer.reported;
      },
      () => undefined,
    );
  }, [row.slug, workspace.version]);
  const leaver = { cohort: workspace.cohort.slug, slug: workspace.student.slug, name: workspace.student.name };
  return (
    <div class="drawer">
      <div>
        <p dir="auto">{staff.sentence}</p>
        <dl>
          <dt>Address</dt>
          <dd>
            {workspace.url ? (
              <a href={workspace.url}>{workspace.url.replace(/^https?:\/\//, '')}</a>
            ) : (
              <a href={`/wake/${workspace.slug}`}>{workspace.slug}</a>
            )}
          </dd>
          <dt>Last use</dt>
          <dd>{used === null ? 'Never' : when(used, slowClock.value)}</dd>
          <dt>Files</dt>
          <dd>{files.value === null ? '…' : filesInWords(files.value, slowClock.value)}</dd>
          <dt>Account</dt>
          <dd>{account}</dd>
          {rows.list.value.some(other => other.workspace.peek().cohort.slug !== workspace.cohort.slug) && (
            <>
              <dt>Group</dt>
              <dd dir="auto">{workspace.cohort.name}</dd>
            </>
          )}
        </dl>
        {person && <Invitation student={workspace.student} person={person} />}
        <div class="actions">
          {staff.actions.includes('restart') && (
            <button type="button" onClick={() => void act(row, rows, 'restart')}>
              Restart
            </button>
          )}
          {staff.actions.includes('settings') && may('GET /classes/:course/settings') && (
            <a class="button" href={`/classes/${workspace.course.slug}/settings`}>
              Class settings
            </a>
          )}
          {workspace.idle && (
            <button type="button" onClick={() => void rows.keep(row)}>
              Keep it running for an hour
            </button>
          )}
          <Download
            workspace={workspace}
            text="Download the files"
            onStart={async () => {
              // One that is on its way is only waited for.
              if (!row.workspace.peek().spec.running) await act(row, rows, 'start');
              return row.workspace.peek().spec.running;
            }}
          />
          {may('DELETE /v1/cohorts/:cohort/students/:student') && (
            <button type="button" class="quiet" onClick={() => removal.remove([leaver])}>
              Remove from class
            </button>
          )}
        </div>
      </div>
      <section aria-label="What happened last">
        <Log about={row.slug} version={workspace.version} />
        <Written slug={row.slug} />
      </section>
    </div>
  );
}
