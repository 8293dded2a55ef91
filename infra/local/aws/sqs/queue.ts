import { createHash, randomUUID } from 'node:crypto';
import type { Message } from '@aws-sdk/client-sqs';
import type { Clock } from '../clock.ts';
import { invalidHandle } from './errors.ts';

/** What a queue is told of time, in seconds. */
export interface QueueTimes {
  readonly visibility: number;
  readonly retention: number;
  readonly wait: number;
  readonly delay: number;
}

interface Stored {
  readonly id: string;
  readonly body: string;
  readonly sentAt: number;
  /** Hidden from receivers until then. */
  visibleAt: number;
  receives: number;
}

interface Receiver {
  readonly most: number;
  readonly visibility: number;
  take(messages: Message[]): void;
}

/**
 * A standard queue: at least once, in no promised order. Messages are in memory: what waits when the process ends is
 * gone, as the tasks that most of them are about.
 */
export class Queue {
  readonly #clock: Clock;
  readonly #times: () => QueueTimes;
  readonly #messages = new Map<string, Stored>();
  readonly #receivers = new Set<Receiver>();
  #look: (() => void) | undefined;

  constructor(clock: Clock, times: () => QueueTimes) {
    this.#clock = clock;
    this.#times = times;
  }

  /** Puts a message in and answers with its id. */
  send(body: string, delaySeconds = this.#times().delay): string {
    const now = this.#clock.now();
    const id = randomUUID();
    this.#messages.set(id, { id, body, sentAt: now, visibleAt: now + delaySeconds * 1000, receives: 0 });
    this.#serve();
    return id;
  }

  /** Messages that are visible now, at most `most`; where there are none it waits for some, `wait` seconds at most. */
  receive(most: number, visibility = this.#times().visibility, wait = this.#times().wait): Promise<Message[]> {
    const found = this.#take(most, visibility);
    if (found.length > 0 || wait === 0) return Promise.resolve(found);
    return new Promise(resolve => {
      const take = (messages: Message[]) => {
        this.#receivers.delete(receiver);
        giveUp();
        resolve(messages);
      };
      const receiver: Receiver = { most, visibility, take };
      const giveUp = this.#clock.after(wait * 1000, () => take([]));
      this.#receivers.add(receiver);
      this.#serve();
    });
  }

  /** Deletes what the handle of its last receive names; an older handle deletes nothing and says so to nobody. */
  delete(handle: string): void {
    const [id = '', receive] = Buffer.from(handle, 'base64url').toString().split('/');
    if (receive === undefined || !/^\d+$/.test(receive)) throw invalidHandle();
    const message = this.#messages.get(id);
    if (message?.receives === Number(receive)) this.#messages.delete(id);
  }

  /** How many wait, and how many were received and not yet deleted. */
  counts(): { readonly visible: number; readonly hidden: number } {
    this.#forgetOld();
    const now = this.#clock.now();
    const visible = [...this.#messages.values()].filter(({ visibleAt }) => visibleAt <= now).length;
    return { visible, hidden: this.#messages.size - visible };
  }

  /** Sends everybody who waits away with nothing. */
  close(): void {
    for (const { take } of [...this.#receivers]) take([]);
    this.#look?.();
    this.#look = undefined;
  }

  #take(most: number, visibility: number): Message[] {
    this.#forgetOld();
    const now = this.#clock.now();
    const taken: Message[] = [];
    for (const message of this.#messages.values()) {
      if (taken.length >= most) break;
      if (message.visibleAt > now) continue;
      message.visibleAt = now + visibility * 1000;
      message.receives += 1;
      taken.push(shown(message));
    }
    return taken;
  }

  #serve(): void {
    for (const receiver of [...this.#receivers]) {
      const messages = this.#take(receiver.most, receiver.visibility);
      if (messages.length === 0) break;
      receiver.take(messages);
    }
    this.#look?.();
    this.#look = undefined;
    if (this.#receivers.size === 0) return;
    const now = this.#clock.now();
    const hidden = [...this.#messages.values()].map(({ visibleAt }) => visibleAt).filter(at => at > now);
    if (hidden.length === 0) return;
    const soonest = hidden.reduce((least, at) => Math.min(least, at));
    this.#look = this.#clock.after(soonest - now, () => this.#serve());
  }

  #forgetOld(): void {
    const before = this.#clock.now() - this.#times().retention * 1000;
    // In order of sending: the first that is young enough ends the search.
    for (const { id, sentAt } of this.#messages.values()) {
      if (sentAt >= before) break;
      this.#messages.delete(id);
    }
  }
}

/** The MD5 that SQS answers with; the SDK compares it. */
export function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}

function shown({ id, body, sentAt, receives }: Stored): Message {
  return {
    MessageId: id,
    ReceiptHandle: Buffer.from(`${id}/${receives}`).toString('base64url'),
    MD5OfBody: md5(body),
    Body: body,
    Attributes: { SentTimestamp: String(sentAt), ApproximateReceiveCount: String(receives) },
  };
}
