import { useSignal } from '@preact/signals';
import type { Action } from '../../api/resources/labels.ts';
import { act } from '../act.ts';
import { later } from '../later.tsx';
import type { Removal } from '../removal.ts';
import type { Row, Rows } from '../state.ts';
import { Pill } from './pill.tsx';

const Details = later(() => import('./details.tsx').then(part => part.Details));

/** One student's line in the class: drawn anew only when its own workspace changes. */
export function ClassRow({
  row,
  rows,
  removal,
  picked,
  onPick,
}: {
  row: Row;
  rows: Rows;
  removal: Removal;
  picked: boolean;
  onPick: (on: boolean) => void;
}) {
  const open = useSignal(false);
  const student = row.workspace.value.student;
  const description = row.description.value;
  return (
    <>
      <tr class={open.value ? 'open' : undefined} data-slug={row.workspace.value.slug}>
        <td class="pick">
          <input
            type="checkbox"
            checked={picked}
            onChange={event => onPick(event.currentTarget.checked)}
            aria-label={`Choose ${student.name}`}
          />
        </td>
        <th scope="row" class="who">
          <button
            type="button"
            class="name"
            aria-expanded={open.value}
            onClick={() => {
              open.value = !open.value;
            }}
          >
            <bdi>{student.name}</bdi>
          </button>
          <span class="mute">{student.email}</span>
        </th>
        <td class="state">
          <Pill description={description} />
        </td>
        <td class="now">
          {description.now}
          {row.problem.value && (
            <span class="said" role="alert">
              {row.problem.value}
            </span>
          )}
        </td>
        <td class="act">
          <RowActions row={row} rows={rows} />
        </td>
      </tr>
      {open.value && (
        <tr class="details">
          <td colSpan={5}>
            <Details row={row} rows={rows} removal={removal} />
          </td>
        </tr>
      )}
    </>
  );
}

/**
 * At most two: what one most likely wants, and how to undo it. A button stays in its place when its word changes, so
 * that the focus stays too; the second click of a double click therefore does not count.
 */
function RowActions({ row, rows }: { row: Row; rows: Rows }) {
  const { name } = row.workspace.value.student;
  const url = row.workspace.value.url;
  const actions = row.description.value.staff.actions.filter(action => action !== 'settings').slice(0, 2);
  return (
    <>
      {actions.map((action, index) =>
        action === 'open' ? (
          url && (
            <a
              key="open"
              class="button"
              href={url}
              target="_blank"
              rel="noopener"
              aria-label={`Open workspace of ${name}`}
            >
              Open
            </a>
          )
        ) : (
          <button
            key={index}
            type="button"
            onClick={event => event.detail < 2 && void act(row, rows, action)}
            aria-label={`${actionTexts[action]} workspace of ${name}`}
          >
            {actionTexts[action]}
          </button>
        ),
      )}
    </>
  );
}

const actionTexts: Readonly<Record<Exclude<Action, 'open'>, string>> = {
  start: 'Start',
  stop: 'Stop',
  cancel: 'Stop',
  restart: 'Restart',
  retry: 'Try again',
  settings: 'Settings',
};
