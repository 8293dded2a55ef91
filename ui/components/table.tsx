import type { Removal } from '../removal.ts';
import type { Row, Rows } from '../state.ts';
import { ClassRow } from './row.tsx';

/** The class, one line for each of those shown; any of them, or all, can be chosen. */
export function ClassTable({
  shown,
  rows,
  removal,
  picked,
  onPick,
}: {
  shown: readonly Row[];
  rows: Rows;
  removal: Removal;
  /** Slugs of workspaces. */
  picked: ReadonlySet<string>;
  onPick: (slugs: readonly string[], on: boolean) => void;
}) {
  const all = shown.map(row => row.slug);
  return (
    <table class="class">
      <thead>
        <tr>
          <td class="pick">
            <input
              type="checkbox"
              aria-label="Choose all"
              checked={all.length > 0 && all.every(id => picked.has(id))}
              onChange={event => onPick(all, event.currentTarget.checked)}
            />
          </td>
          <th scope="col">Student</th>
          <th scope="col">State</th>
          <th scope="col">Now</th>
          <th scope="col">
            <span class="unseen">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {shown.map(row => (
          <ClassRow
            key={row.slug}
            row={row}
            rows={rows}
            removal={removal}
            picked={picked.has(row.slug)}
            onPick={on => onPick([row.slug], on)}
          />
        ))}
      </tbody>
    </table>
  );
}
