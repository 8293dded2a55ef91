import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** Beside the IDE's socket: the start script of its image keeps there what the IDE writes. */
const logName = 'ide.log';
/** About the last hundred lines. */
export const tailBytes = 8 * 1024;
/** The folder is the student's as well: no link is followed, no pipe waited for. */
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** What no text holds, once commands to a terminal are gone. */
const controls = /[^\P{Cc}\n\t]/gu;

/** The end of the IDE's log: what it said last, for people. */
export class LogTail {
  readonly #path: string;
  #told = '';

  constructor(ideSocket: string) {
    this.#path = path.join(path.dirname(ideSocket), logName);
  }

  /** The last lines, if they are not those that were taken before; undefined: nothing new, or no log. */
  take(): string | undefined {
    const text = this.#read();
    if (text === undefined || text === this.#told) return undefined;
    this.#told = text;
    return text;
  }

  /** What was taken did not arrive: it is new again. */
  putBack(): void {
    this.#told = '';
  }

  #read(): string | undefined {
    try {
      const file = openSync(this.#path, flags);
      try {
        const stats = fstatSync(file);
        if (!stats.isFile()) return undefined;
        const bytes = Buffer.alloc(Math.min(stats.size, tailBytes));
        const start = stats.size - bytes.length;
        const read = readSync(file, bytes, 0, bytes.length, start);
        const text = stripVTControlCharacters(bytes.toString('utf8', 0, read)).replaceAll(controls, '');
        // The first line is cut where the log is longer.
        return start === 0 ? text : text.slice(text.indexOf('\n') + 1);
      } finally {
        closeSync(file);
      }
    } catch {
      return undefined;
    }
  }
}
