import type { Action } from '../api/resources/labels.ts';
import type { Row, Rows } from './state.ts';

/** Asks for what a button says. */
export function act(row: Row, rows: Rows, action: Action): Promise<void> {
  switch (action) {
    case 'start':
      return rows.ask(row, { running: true });
    case 'restart':
    case 'retry':
      return rows.ask(row, { running: true, restarts: row.workspace.peek().spec.restarts + 1 });
    default:
      return rows.ask(row, { running: false });
  }
}
