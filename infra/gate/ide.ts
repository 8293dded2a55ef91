import { type FSWatcher, watch } from 'node:fs';
import http from 'node:http';
import path from 'node:path';

/** After a sign of life the IDE is about to listen: its socket is there first, then its mode is set, then it answers. */
const eagerMilliseconds = 10;
const eagerTries = 100;
/** For file systems whose changes are not told. */
const slowMilliseconds = 250;
/** How often an IDE that answers is asked whether it still does. */
const healthyMilliseconds = 5000;
const answerWithinMilliseconds = 3000;
/** A busy IDE (a build on one CPU) may miss one; it is down when it misses this many. Refused connections count at once. */
const missesUntilDown = 3;

/** Watches one IDE behind a unix socket: any answer below 500 to `/healthz` counts as alive. */
export class IdeWatch {
  answering = false;
  readonly #socketPath: string;
  readonly #onChange: () => void;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #eager = 0;
  #misses = 0;
  #asking = false;
  #closed = false;

  constructor(socketPath: string, onChange: () => void) {
    this.#socketPath = socketPath;
    this.#onChange = onChange;
  }

  start(): void {
    const name = path.basename(this.#socketPath);
    try {
      this.#watcher = watch(path.dirname(this.#socketPath), { persistent: false }, (_event, changed) => {
        if (changed === name || changed === null) this.#wake();
      });
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch {
      // The folder can't be watched: the slow way sees the socket too.
    }
    void this.#ask();
  }

  /** Tells that a request could not be passed on, so that it is found out at once whether the IDE is gone. */
  suspect(): void {
    this.#wake();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#watcher?.close();
  }

  #wake(): void {
    this.#eager = eagerTries;
    if (!this.#asking) void this.#ask();
  }

  async #ask(): Promise<void> {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#asking = true;
    const answer = await ask(this.#socketPath);
    this.#asking = false;
    if (this.#closed) return;
    this.#misses = answer === 'alive' ? 0 : this.#misses + 1;
    const answering = answer === 'alive' || (answer === 'silent' && this.answering && this.#misses < missesUntilDown);
    if (answer === 'alive') this.#eager = 0;
    const changed = answering !== this.answering;
    this.answering = answering;
    if (changed) this.#onChange();
    this.#timer = setTimeout(() => void this.#ask(), this.#pause());
  }

  #pause(): number {
    if (this.answering && this.#misses === 0) return healthyMilliseconds;
    if (this.#eager > 0) {
      this.#eager -= 1;
      return eagerMilliseconds;
    }
    return slowMilliseconds;
  }
}

/** `gone`: nobody listens. `silent`: somebody does, but gives no good answer in time. */
function ask(socketPath: string): Promise<'alive' | 'silent' | 'gone'> {
  return new Promise(resolve => {
    const request = http.get(
      { socketPath, path: '/healthz', headers: { host: 'localhost' }, agent: false, timeout: answerWithinMilliseconds },
      response => {
        response.resume();
        resolve((response.statusCode ?? 500) < 500 ? 'alive' : 'silent');
      },
    );
    request.on('timeout', () => request.destroy());
    request.on('error', error => {
      const code = 'code' in error ? error.code : undefined;
      resolve(code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'EACCES' ? 'gone' : 'silent');
    });
  });
}
