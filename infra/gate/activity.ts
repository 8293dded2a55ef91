import type { Socket } from 'node:net';

/**
 * Whether somebody worked since the last report. Signs: a message in a WebSocket that is larger than what an open tab
 * sends by itself, a request that changes something, a page opened by a click.
 */
export class Activity {
  #seen = false;

  mark(): void {
    this.#seen = true;
  }

  /** Answers and forgets. */
  take(): boolean {
    const seen = this.#seen;
    this.#seen = false;
    return seen;
  }

  /** Reads along what a browser sends over a WebSocket. */
  follow(socket: Socket): void {
    const frames = new ClientFrames(bytes => {
      if (bytes > idleFrameBytes) this.mark();
    });
    socket.on('data', chunk => frames.read(chunk));
  }
}

/**
 * VS Code's connection sends, with nobody at it, keep-alives and acknowledgements of 13 bytes, one per frame, and some
 * more when a few are joined. A keystroke in a terminal or an edit is a call of more than a hundred bytes.
 */
const idleFrameBytes = 64;

/** The sizes of the messages in one direction of a WebSocket. Source: RFC 6455 §5.2; contents are not looked at. */
export class ClientFrames {
  readonly #onMessage: (bytes: number) => void;
  /** Bytes of a frame's payload that are still to come. */
  #left = 0;
  #header: number[] = [];

  constructor(onMessage: (bytes: number) => void) {
    this.#onMessage = onMessage;
  }

  read(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const skipped = Math.min(this.#left, chunk.length - at);
        this.#left -= skipped;
        at += skipped;
        continue;
      }
      this.#header.push(chunk[at] ?? 0);
      at += 1;
      const payload = payloadOf(this.#header);
      if (payload === undefined) continue;
      const isControl = ((this.#header[0] ?? 0) & 0x08) !== 0;
      if (!isControl) this.#onMessage(payload);
      this.#left = payload;
      this.#header = [];
    }
  }
}

/** The payload's length once the header, mask included, is complete. */
function payloadOf(header: readonly number[]): number | undefined {
  const second = header[1];
  if (second === undefined) return undefined;
  const short = second & 0x7f;
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
  const mask = (second & 0x80) === 0 ? 0 : 4;
  if (header.length < 2 + extended + mask) return undefined;
  if (extended === 0) return short;
  return header.slice(2, 2 + extended).reduce((sum, byte) => sum * 256 + byte, 0);
}
