import type { Socket } from 'node:net';

/**
 * Whether somebody worked since the last report. Signs: what the page's own script tells (person.ts); where a page
 * can't run it, a WebSocket that is busier than an open tab makes it by itself
 * (a person who types, a job that prints), a request that changes something, a page opened by a click.
 */
export class Activity {
  readonly #now: () => number;
  #seen = false;

  /** `now` gives milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  mark(): void {
    this.#seen = true;
  }

  /** Answers and forgets. */
  take(): boolean {
    const seen = this.#seen;
    this.#seen = false;
    return seen;
  }

  /** Reads along what a browser sends over a WebSocket; it counts while `counts`, for pages that can't tell by themselves. */
  follow(socket: Socket, counts: () => boolean = () => true): void {
    let start = this.#now();
    let count = 0;
    const frames = new ClientFrames(() => {
      if (this.#now() - start >= windowMilliseconds) {
        start = this.#now();
        count = 0;
      }
      count += 1;
      if (count === busyMessages && counts()) this.mark();
    });
    socket.on('data', chunk => frames.read(chunk));
  }
}

/**
 * code-server 4.139 sends, with nobody at it, at most 8 messages in 5 s over one connection of a tab, 13 after the use
 * of a terminal: keep-alives, pings of the extension host, acknowledgements. Typing makes 26 and more. Sizes tell
 * nothing: the messages are compressed, and a keystroke is as small as an acknowledgement.
 */
const windowMilliseconds = 5000;
const busyMessages = 18;

/** Finds the messages in one direction of a WebSocket. Source: RFC 6455 §5.2; contents are not looked at. */
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
