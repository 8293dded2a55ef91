import http from 'node:http';
import https from 'node:https';
import type { Logger } from 'pino';
import type { Heartbeat, HeartbeatAnswer } from '../../api/resources/entrance.ts';

export interface HeartbeatOptions {
  /** Where the API is, without `/v1/heartbeats`. */
  readonly url: URL;
  readonly token: string;
  /** What to report now. */
  readonly beat: () => Heartbeat;
  /** `sent` is what this is the answer to. */
  readonly onAnswer: (answer: HeartbeatAnswer, sent: Heartbeat) => void;
  /** A report did not arrive; nothing of it is known to the API. */
  readonly onFailure: (sent: Heartbeat) => void;
  /** The API has been silent for so long that nobody's right to be here is known any more. */
  readonly onSilence: () => void;
  /** Milliseconds. */
  readonly now: () => number;
  readonly log: Logger;
}

/** Source: entrance.ts. */
const everyMilliseconds = 20_000;
const firstRetryMilliseconds = 500;
const timeoutMilliseconds = 10_000;
/** A stop waits for the last report, and no longer. */
const lastMilliseconds = 1_000;
/** How long people who are inside may stay on while nobody can say whether they still may. Source: design §9. */
const silenceMilliseconds = 15 * 60_000;
/** Answers are small; a stranger's may not be. */
const largestAnswer = 256 * 1024;

/** Reports to the API: at once when told so, else every 20 s; a report that failed is repeated sooner. */
export class Heartbeats {
  readonly #options: HeartbeatOptions;
  readonly #target: URL;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<HeartbeatAnswer | undefined> | undefined;
  #again = false;
  #failures = 0;
  #answered = false;
  #answeredAt: number;
  #closed = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#target = new URL(`${options.url.href.replace(/\/$/, '')}/v1/heartbeats`);
    this.#answeredAt = options.now();
  }

  /** Something changed: report it as soon as the last report is through. */
  soon(): void {
    if (this.#sending) this.#again = true;
    else void this.#send();
  }

  /** The answer to a report of now; undefined if the API can't be reached. */
  async ask(): Promise<HeartbeatAnswer | undefined> {
    await this.#sending;
    return this.#sending ?? this.#send();
  }

  /** Whether the API can be reached: the last report was answered, or else one that is under way or sent now is. */
  async reached(): Promise<boolean> {
    if (this.#answered && this.#failures === 0) return true;
    return (await (this.#sending ?? this.#send())) !== undefined;
  }

  /** Reports once more, for a moment at most, and then never again. */
  async close(): Promise<void> {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#closed = true;
    if (!this.#answered || this.#failures > 0) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const patience = setTimeout(resolve, lastMilliseconds);
    await Promise.race([(this.#sending ?? Promise.resolve(undefined)).then(() => this.#report()), promise]);
    clearTimeout(patience);
  }

  #send(): Promise<HeartbeatAnswer | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    clearTimeout(this.#timer);
    this.#again = false;
    this.#sending = this.#report().finally(() => {
      this.#sending = undefined;
      if (this.#closed) return;
      const pause = this.#failures === 0 ? everyMilliseconds : firstRetryMilliseconds * 2 ** (this.#failures - 1);
      if (this.#again && this.#failures === 0) void this.#send();
      else this.#timer = setTimeout(() => void this.#send(), Math.min(pause, everyMilliseconds));
    });
    return this.#sending;
  }

  async #report(): Promise<HeartbeatAnswer | undefined> {
    const { beat, onAnswer, onFailure, onSilence, now, log } = this.#options;
    const sent = beat();
    try {
      const answer = await post(this.#target, this.#options.token, sent);
      if (this.#failures > 0) log.info({ failures: this.#failures }, 'heartbeat is answered again');
      this.#failures = 0;
      this.#answered = true;
      this.#answeredAt = now();
      onAnswer(answer, sent);
      return answer;
    } catch (error) {
      this.#failures += 1;
      if (this.#failures === 1) log.warn({ reason: error instanceof Error ? error.message : '' }, 'heartbeat failed');
      onFailure(sent);
      if (now() - this.#answeredAt >= silenceMilliseconds) onSilence();
      return undefined;
    }
  }
}

/** By node:http, not fetch: fetch costs 10 MB in every gate. */
function post(target: URL, token: string, beat: Heartbeat): Promise<HeartbeatAnswer> {
  const body = JSON.stringify(beat);
  const { promise, resolve, reject } = Promise.withResolvers<HeartbeatAnswer>();
  const request = (target.protocol === 'https:' ? https : http).request(target, {
    method: 'POST',
    // A kept connection that the server closes just then would look like a server that is gone.
    agent: false,
    signal: AbortSignal.timeout(timeoutMilliseconds),
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    },
  });
  request.on('error', reject);
  request.on('response', response => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > largestAnswer) request.destroy(new Error('the answer is too large'));
    });
    response.on('error', reject);
    response.on('end', () => {
      if (response.statusCode !== 200) reject(new Error(`the answer is ${response.statusCode}`));
      else resolve(readAnswer(text));
    });
  });
  request.end(body);
  return promise;
}

/** Rejects by throwing inside the promise chain: a wrong answer is no answer. */
async function readAnswer(text: string): Promise<HeartbeatAnswer> {
  const { mayMark, revoked }: { mayMark?: unknown; revoked?: unknown } = JSON.parse(text);
  if (typeof mayMark !== 'boolean' || !Array.isArray(revoked)) throw new Error('the answer is not one of a heartbeat');
  return { mayMark, revoked: revoked.filter(sid => typeof sid === 'string') };
}
