import { useComputed, useSignal } from '@preact/signals';
import { act } from '../act.ts';
import type { Row, Rows } from '../state.ts';
import { Details } from './details.tsx';
import { Pill } from './pill.tsx';

/** One student's line in the class: drawn anew only when its own workspace changes. */
export function ClassRow({
  row,
  rows,
  picked,
  onPick,
}: {
  row: Row;
  rows: Rows;
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
            <Details row={row} rows={rows} />
          </td>
        </tr>
      )}
    </>
  );
}

/** At most two: what one most likely wants, and how to undo it. */
function RowActions({ row, rows }: { row: Row; rows: Rows }) {
  const actions = useComputed(() =>
    row.description.value.staff.actions
      .filter(action => action !== 'settings')
      .slice(0, 2)
      .join(' '),
  );
  const of = `workspace of ${row.workspace.value.student.name}`;
  const url = row.workspace.value.url;
  return (
    <>
      {actions.value.split(' ').map(action => {
        if (action === 'open') {
          return (
            url && (
              <a key={action} class="button" href={url} target="_blank" rel="noopener" aria-label={`Open ${of}`}>
                Open
              </a>
            )
          );
        }
        const text = actionTexts[action];
        return (
          text && (
            <button key={action} type="button" onClick={() => void act(row, rows, action)} aria-label={`${text} ${of}`}>
              {text}
            </button>
          )
        );
      })}
    </>
  );
}

const actionTexts: Readonly<Record<string, string>> = {
  start: 'Start',
  stop: 'Stop',
  cancel: 'Stop',
  restart: 'Restart',
  retry: 'Try again',
};
