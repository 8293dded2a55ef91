import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { archiveOf } from './archive.ts';

/** Going through a home costs its host: who wants more than one archive at a time waits. */
let sending = false;

/**
 * Answers with the home as a zip archive. `busy` is called as it goes on, so that a long one is not taken for idleness.
 * 429 while another one is being sent. Resolves when it is over, cut off or not.
 */
export async function sendFiles(
  request: IncomingMessage,
  response: ServerResponse,
  home: { readonly path: string; readonly name: string; readonly busy: () => void; readonly now: Date },
): Promise<void> {
  if (sending) {
    response.writeHead(429, { 'content-length': 0, 'retry-after': '10', 'cache-control': 'no-store' }).end();
    return;
  }
  response.writeHead(200, {
    'content-type': 'application/zip',
    'content-disposition': `attachment; filename="${home.name}.zip"`,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
  });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  sending = true;
  try {
    await pipeline(Readable.from(counted(archiveOf(home.path, home.now), home.busy), { objectMode: true }), response);
  } finally {
    sending = false;
  }
}

async function* counted(chunks: AsyncIterable<Buffer>, busy: () => void): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    busy();
    yield chunk;
  }
}
