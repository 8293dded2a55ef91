import { useSignal } from '@preact/signals';
import { describeStudent } from '../../api/resources/student-labels.ts';
import { when } from '../../api/resources/times.ts';
import { act } from '../act.ts';
import { messageOf, request } from '../api.ts';
import { slowClock } from '../clock.ts';
import type { Row, Rows } from '../state.ts';
import { Confirm } from './confirm.tsx';
import { Log } from './log.tsx';

/** What opens under a row: the whole sentence, the facts, what one seldom wants, the last events. */
export function Details({ row, rows }: { row: Row; rows: Rows }) {
  const removing = useSignal(false);
  const workspace = row.workspace.value;
  const { staff } = row.description.value;
  const person = rows.people.value.get(workspace.student.slug);
  const invitation = person && describeStudent({ student: person, now: slowClock.value });
  const used = workspace.reported.activeAt;
  const remove = () =>
    request('DELETE', `cohorts/${workspace.cohort.slug}/students/${workspace.student.slug}`).catch(thrown => {
      row.problem.value = messageOf(thrown);
    });
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
          {invitation && (
            <>
              <dt>Account</dt>
              <dd>{invitation.text}</dd>
            </>
          )}
          {rows.list.value.some(other => other.workspace.peek().cohort.slug !== workspace.cohort.slug) && (
            <>
              <dt>Group</dt>
              <dd dir="auto">{workspace.cohort.name}</dd>
            </>
          )}
        </dl>
        <div class="actions">
          {staff.actions.includes('restart') && (
            <button type="button" onClick={() => void act(row, rows, 'restart')}>
              Restart
            </button>
          )}
          {staff.actions.includes('settings') && (
            <a class="button" href={`/classes/${workspace.course.slug}/settings`}>
              Class settings
            </a>
          )}
          <button
            type="button"
            class="quiet"
            onClick={() => {
              removing.value = true;
            }}
          >
            Remove from class
          </button>
        </div>
      </div>
      <section aria-label="What happened last">
        <Log about={row.id} version={workspace.version} />
      </section>
      {removing.value && (
        <Confirm
          title={`Remove ${workspace.student.name}?`}
          text="The workspace stops and goes. The files are kept for 90 days: adding the same address again brings them back."
          yes="Remove"
          no="Keep"
          onYes={() => void remove()}
          onClose={() => {
            removing.value = false;
          }}
        />
      )}
    </div>
  );
}
