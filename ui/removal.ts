import { type Signal, signal } from '@preact/signals';
import { messageOf, request } from './api.ts';
import type { Leaver, Rows } from './state.ts';

/** How long one may change one's mind. Source: experience §5. */
const undoMilliseconds = 10_000;

/** Those whom the page no longer shows, and who can be put back at a click: the API is told when that time is over. */
export class Removal {
  readonly pending: Signal<readonly Leaver[]> = signal([]);
  readonly problem: Signal<string | null> = signal(null);
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly rows: Rows;

  constructor(rows: Rows) {
    this.rows = rows;
    // A page that is left has not been undone.
    addEventListener('pagehide', () => this.settle());
  }

  /** Takes them off the page. Those of an earlier removal are final then. */
  remove(leavers: readonly Leaver[]): void {
    this.settle();
    this.problem.value = null;
    this.pending.value = leavers;
    this.rows.hide(leavers);
    this.timer = setTimeout(() => this.settle(), undoMilliseconds);
  }

  undo(): void {
    clearTimeout(this.timer);
    this.rows.unhide(this.pending.peek());
    this.pending.value = [];
  }

  private settle(): void {
    clearTimeout(this.timer);
    const leavers = this.pending.peek();
    this.pending.value = [];
    for (const leaver of leavers) {
      const path = `cohorts/${encodeURIComponent(leaver.cohort)}/students/${encodeURIComponent(leaver.slug)}`;
      request('DELETE', path, undefined, {}, true).then(
        () => this.rows.drop(leaver),
        thrown => {
          this.rows.unhide([leaver]);
          this.problem.value = `${leaver.name} is still in the class. ${messageOf(thrown)}`;
        },
      );
    }
  }
}
