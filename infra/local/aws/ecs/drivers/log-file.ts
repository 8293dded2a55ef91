import { createWriteStream, mkdirSync, renameSync, statSync, type WriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';

/** A container's log is at most two files of this size. */
const fileBytes = 2 << 20;
/** Enough for some hundred lines. */
const tailBytes = 64 << 10;

/** Writes what a container says into a file that never grows beyond its limit. */
export class LogFile {
  readonly #file: string;
  #stream: WriteStream;
  #size = 0;

  constructor(file: string) {
    this.#file = file;
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    this.#stream = this.#open();
    this.#size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Follows a stream; one that is faster than the disk waits. */
  follow(source: Readable): void {
    source.on('data', (chunk: Buffer) => {
      this.#size += chunk.length;
      if (!this.#stream.write(chunk)) {
        source.pause();
        this.#stream.once('drain', () => source.resume());
      }
      if (this.#size > fileBytes) this.#turn();
    });
    source.on('error', () => {});
  }

  close(): void {
    this.#stream.end();
  }

  #turn(): void {
    const full = this.#stream;
    this.#size = 0;
    try {
      renameSync(this.#file, `${this.#file}.1`);
    } catch {
      return;
    }
    this.#stream = this.#open();
    full.end();
  }

  #open(): WriteStream {
    const stream = createWriteStream(this.#file, { flags: 'a', mode: 0o600 });
    // A full disk must not end the machine: the line is lost.
    stream.on('error', () => {});
    return stream;
  }
}

/** The last lines of a file, oldest first; none where there is no file. */
export async function lastLines(file: string, lines: number): Promise<string[]> {
  const handle = await open(file, 'r').catch(() => undefined);
  if (!handle) return [];
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, tailBytes);
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return buffer
      .toString('utf8')
      .split('\n')
      .filter(line => line !== '')
      .slice(-lines);
  } finally {
    await handle.close();
  }
}
