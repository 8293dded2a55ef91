import { crc32 as crc, createDeflateRaw, deflateRawSync } from 'node:zlib';
import type { Spool } from './spool.ts';

/** One file as it goes into the archive. */
export interface ZipFile {
  /** Bytes, with `/` between folders: what a name is on Linux, whatever its encoding. */
  readonly name: Buffer;
  /** Unix mode, type included. */
  readonly mode: number;
  readonly modified: Date;
  /** At most so many bytes come; fewer are no fault. */
  readonly size: number;
  readonly chunks: () => AsyncIterable<Buffer>;
}

/** What is no larger is packed in one piece: a stream for each of a million small files would cost more than they do. */
const wholeBytes = 256 * 1024;
/** Quick rather than small: a gate has a share of a processor. */
const level = 3;
/** What does not shrink grows by a little; zlib's own buffer of 16 KiB for each small file would fill the memory. */
const packRoom = 128;
const most32 = 0xffffffff;
const most16 = 0xffff;
/** Versions of the format: 2.0 knows deflate, 4.5 sizes beyond 4 GB; 3 is Unix, whose modes are kept. */
const version = { plain: 20, large: 45, unix: 3 << 8 };
const flags = { sizesFollow: 1 << 3, utf8: 1 << 11 };
const methods = { stored: 0, deflated: 8 };
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Writes a zip archive file by file, in memory that does not grow with their number or size: the list that stands at
 * its end is kept in `spool` meanwhile. Made for homes of a million files, which libraries hold in memory.
 */
export class ZipWriter {
  readonly #spool: Spool;
  #offset = 0;
  #count = 0;
  #listBytes = 0;

  constructor(spool: Spool) {
    this.#spool = spool;
  }

  /** The bytes of one more file. */
  async *file(file: ZipFile): AsyncGenerator<Buffer> {
    const start = this.#offset;
    for await (const bytes of file.size <= wholeBytes ? this.#whole(file, start) : this.#streamed(file, start)) {
      this.#offset += bytes.length;
      yield bytes;
    }
  }

  /** The bytes after the last file. */
  async *end(): AsyncGenerator<Buffer> {
    const listStart = this.#offset;
    yield* this.#spool.read();
    const large = Buffer.alloc(76);
    large.writeUInt32LE(0x06064b50, 0);
    large.writeBigUInt64LE(44n, 4);
    large.writeUInt16LE(version.unix | version.large, 12);
    large.writeUInt16LE(version.large, 14);
    large.writeBigUInt64LE(BigInt(this.#count), 24);
    large.writeBigUInt64LE(BigInt(this.#count), 32);
    large.writeBigUInt64LE(BigInt(this.#listBytes), 40);
    large.writeBigUInt64LE(BigInt(listStart), 48);
    large.writeUInt32LE(0x07064b50, 56);
    large.writeBigUInt64LE(BigInt(listStart + this.#listBytes), 64);
    large.writeUInt32LE(1, 72);
    yield large;
    const end = Buffer.alloc(22);
    end.writeUInt32LE(0x06054b50, 0);
    end.writeUInt16LE(Math.min(this.#count, most16), 8);
    end.writeUInt16LE(Math.min(this.#count, most16), 10);
    end.writeUInt32LE(Math.min(this.#listBytes, most32), 12);
    end.writeUInt32LE(Math.min(listStart, most32), 16);
    yield end;
  }

  async *#whole(file: ZipFile, start: number): AsyncGenerator<Buffer> {
    const parts: Buffer[] = [];
    for await (const chunk of file.chunks()) parts.push(chunk);
    const content = Buffer.concat(parts);
    // Folders are files of nothing, and readers want those stored.
    const packed =
      content.length === 0
        ? content
        : deflateRawSync(content, { level, memLevel: 5, chunkSize: content.length + packRoom });
    const sums: Sums = { crc: crc(content), packed: packed.length, size: content.length };
    yield Buffer.concat([header(file, sums, 0, false), packed]);
    await this.#list(file, sums, start, 0);
  }

  async *#streamed(file: ZipFile, start: number): AsyncGenerator<Buffer> {
    // What does not shrink grows by five bytes in sixteen thousand: near the limit the larger form is the safe one.
    const large = file.size > most32 * 0.99;
    yield header(file, { crc: 0, packed: 0, size: 0 }, flags.sizesFollow, large);
    const sums = { crc: 0, packed: 0, size: 0 };
    const pack = createDeflateRaw({ level });
    const feeding = feed(pack, file, sums);
    // It is awaited below; until then a failure reaches the reader through the stream.
    feeding.catch(() => {});
    try {
      for await (const chunk of pack) {
        const bytes: Buffer = chunk;
        sums.packed += bytes.length;
        yield bytes;
      }
      await feeding;
    } finally {
      pack.destroy();
    }
    const after = Buffer.alloc(large ? 24 : 16);
    after.writeUInt32LE(0x08074b50, 0);
    after.writeUInt32LE(sums.crc, 4);
    if (large) {
      after.writeBigUInt64LE(BigInt(sums.packed), 8);
      after.writeBigUInt64LE(BigInt(sums.size), 16);
    } else {
      after.writeUInt32LE(sums.packed, 8);
      after.writeUInt32LE(sums.size, 12);
    }
    yield after;
    await this.#list(file, sums, start, flags.sizesFollow);
  }

  /** Notes a file for the list at the end. */
  async #list(file: ZipFile, sums: Sums, start: number, flag: number): Promise<void> {
    const wide: bigint[] = [];
    const narrow = (value: number) => {
      if (value < most32) return value;
      wide.push(BigInt(value));
      return most32;
    };
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    common(entry, 6, file, flag, methodOf(sums, flag));
    entry.writeUInt32LE(sums.crc, 16);
    entry.writeUInt32LE(narrow(sums.size), 24);
    entry.writeUInt32LE(narrow(sums.packed), 20);
    entry.writeUInt32LE(narrow(start), 42);
    entry.writeUInt16LE(version.unix | (wide.length > 0 ? version.large : version.plain), 4);
    entry.writeUInt16LE(file.name.length, 28);
    entry.writeUInt16LE(wide.length === 0 ? 0 : 4 + 8 * wide.length, 30);
    entry.writeUInt32LE(((file.mode & 0xffff) << 16) >>> 0, 38);
    const extra = Buffer.alloc(wide.length === 0 ? 0 : 4 + 8 * wide.length);
    if (wide.length > 0) {
      extra.writeUInt16LE(1, 0);
      extra.writeUInt16LE(8 * wide.length, 2);
      for (const [index, value] of wide.entries()) extra.writeBigUInt64LE(value, 4 + 8 * index);
    }
    const bytes = Buffer.concat([entry, file.name, extra]);
    this.#count += 1;
    this.#listBytes += bytes.length;
    await this.#spool.write(bytes);
  }
}

interface Sums {
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
}

/** Gives a file's bytes to the packer, at the pace at which it takes them. */
async function feed(pack: ReturnType<typeof createDeflateRaw>, file: ZipFile, sums: { crc: number; size: number }) {
  try {
    for await (const chunk of file.chunks()) {
      sums.crc = crc(chunk, sums.crc);
      sums.size += chunk.length;
      if (pack.destroyed) return;
      if (!pack.write(chunk)) await room(pack);
    }
    pack.end();
  } catch (error) {
    pack.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}

/** Resolves once it takes more, or never will. */
function room(pack: ReturnType<typeof createDeflateRaw>): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      pack.off('drain', done).off('close', done);
      resolve();
    };
    pack.on('drain', done).on('close', done);
  });
}

/** What stands before a file's bytes. */
function header(file: ZipFile, sums: Sums, flag: number, large: boolean): Buffer {
  const bytes = Buffer.alloc(30);
  bytes.writeUInt32LE(0x04034b50, 0);
  common(bytes, 4, file, flag, methodOf(sums, flag));
  if (large) bytes.writeUInt16LE(version.large, 4);
  bytes.writeUInt32LE(sums.crc, 14);
  bytes.writeUInt32LE(large ? most32 : sums.packed, 18);
  bytes.writeUInt32LE(large ? most32 : sums.size, 22);
  bytes.writeUInt16LE(file.name.length, 26);
  const extra = Buffer.alloc(large ? 20 : 0);
  if (large) {
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(16, 2);
  }
  bytes.writeUInt16LE(extra.length, 28);
  return Buffer.concat([bytes, file.name, extra]);
}

/** The five fields that both kinds of header have in this order: version, flags, method, time, date. */
function common(bytes: Buffer, at: number, { name, modified }: ZipFile, flag: number, method: number): void {
  bytes.writeUInt16LE(version.plain, at);
  bytes.writeUInt16LE(flag | (isUtf8(name) ? flags.utf8 : 0), at + 2);
  bytes.writeUInt16LE(method, at + 4);
  const year = Math.min(Math.max(modified.getFullYear(), 1980), 2107);
  bytes.writeUInt16LE(
    (modified.getHours() << 11) | (modified.getMinutes() << 5) | (modified.getSeconds() >> 1),
    at + 6,
  );
  bytes.writeUInt16LE(((year - 1980) << 9) | ((modified.getMonth() + 1) << 5) | modified.getDate(), at + 8);
}

function methodOf({ size }: Sums, flag: number): number {
  return size === 0 && flag === 0 ? methods.stored : methods.deflated;
}

function isUtf8(name: Buffer): boolean {
  try {
    utf8.decode(name);
    return true;
  } catch {
    return false;
  }
}
