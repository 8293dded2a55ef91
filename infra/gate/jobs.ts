import { lstatSync } from 'node:fs';
import path from 'node:path';

/** Beside the IDE's socket; its start.sh touches it while a job of the student's uses the processor. */
const signName = 'busy';

/** Tells of jobs at work, by a file that the IDE's side touches: a gate can't see another container's processes. */
export class Jobs {
  readonly #path: string;
  #last = 0;

  constructor(ideSocket: string) {
    this.#path = path.join(path.dirname(ideSocket), signName);
  }

  /** Whether a job worked since the last call. Times are compared with each other alone: clocks may jump. */
  worked(): boolean {
    // Never follows a link: the folder is the student's as well.
    const touched = lstatSync(this.#path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    const isNew = touched !== this.#last;
    this.#last = touched;
    return isNew && touched !== 0;
  }
}
