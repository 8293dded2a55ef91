import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** So much is kept in memory before it goes to the disk. */
const blockBytes = 256 * 1024;

/** Bytes to be read back once, kept in a file without a name that goes with us. */
export class Spool {
  readonly #file: FileHandle;
  #kept: Buffer[] = [];
  #bytes = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Fails when the temporary folder can't be written in. */
  static async open(): Promise<Spool> {
    const name = path.join(tmpdir(), `armada-${randomUUID()}`);
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const file = await open(name, flags, 0o600);
    await rm(name);
    return new Spool(file);
  }

  async write(bytes: Buffer): Promise<void> {
    this.#kept.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes >= blockBytes) await this.#flush();
  }

  /** All that was written, from the start. */
  async *read(): AsyncGenerator<Buffer> {
    await this.#flush();
    for (let at = 0; ; ) {
      const { bytesRead, buffer } = await this.#file.read(Buffer.alloc(blockBytes), 0, blockBytes, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #flush(): Promise<void> {
    if (this.#bytes === 0) return;
    const bytes = Buffer.concat(this.#kept);
    this.#kept = [];
    this.#bytes = 0;
    await this.#file.appendFile(bytes);
  }
}
