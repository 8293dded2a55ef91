import type { FileHandle } from 'node:fs/promises';
import { Spool } from './spool.ts';
import { type Folder, type LeftOut, walk } from './walk.ts';
import { type ZipFile, ZipWriter } from './zip.ts';

/** At the top of the archive, when something of the home is not in it. */
export const leftOutName = 'NOT IN THIS ARCHIVE.txt';
/** The gate's own lock and marker. */
const ours = new Set(['.armada']);
/** A larger one is a file of holes: EFS has no room for it. */
const largestFile = 1024 ** 4;
const chunkBytes = 256 * 1024;
/** Lines of what was left out; more would only be counted. */
const mostLines = 10_000;

const words: Readonly<Record<LeftOut['why'] | 'large', string>> = {
  link: 'a link; links are not followed',
  special: 'a pipe, socket or device',
  unreadable: 'could not be read',
  deep: 'nested too deeply',
  large: 'too large',
};

/**
 * A home as a zip archive, streamed: every file below `home` but the gate's own, none outside it. What is left out is
 * named in a text file of the archive. Memory does not grow with the number of files.
 */
export async function* archiveOf(home: string, now: Date): AsyncGenerator<Buffer> {
  const spool = await Spool.open();
  try {
    const zip = new ZipWriter(spool);
    const left: string[] = [];
    let leftOut = 0;
    const leave = (name: Buffer, why: keyof typeof words) => {
      leftOut += 1;
      if (left.length < mostLines) left.push(`${JSON.stringify(name.toString()).slice(1, -1)}: ${words[why]}`);
    };
    for await (const entry of walk(home, ours)) {
      if (entry.type === 'left out') leave(entry.name, entry.why);
      else if (entry.type === 'folder') yield* zip.file(folderOf(entry));
      else if (entry.stats.size > largestFile) leave(entry.name, 'large');
      else {
        const { name, file, stats } = entry;
        const { size, mode, mtime: modified } = stats;
        yield* zip.file({ name, mode, modified, size, chunks: () => read(file, size) });
      }
    }
    if (leftOut > 0) {
      const more = leftOut > left.length ? [`… and ${leftOut - left.length} more`] : [];
      const text = Buffer.from([...left, ...more, ''].join('\n'));
      yield* zip.file({
        name: Buffer.from(leftOutName),
        mode: 0o100644,
        modified: now,
        size: text.length,
        chunks: async function* () {
          yield text;
        },
      });
    }
    yield* zip.end();
  } finally {
    await spool.close();
  }
}

function folderOf({ name, stats }: Folder): ZipFile {
  const slashed = Buffer.concat([name, Buffer.from('/')]);
  return { name: slashed, mode: stats.mode, modified: stats.mtime, size: 0, chunks: async function* () {} };
}

/** At most `size` bytes of a file: one that is being written to would never end. A read that fails ends it. */
async function* read(file: FileHandle, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < size; ) {
    const wanted = Math.min(chunkBytes, size - at);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(wanted), 0, wanted, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
