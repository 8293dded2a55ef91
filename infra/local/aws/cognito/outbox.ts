import type { State, Table } from '../state.ts';
import { limitExceeded } from './errors.ts';

/** One mail that Cognito would have sent. `at` is an ISO time. */
export interface Mail {
  readonly id: string;
  readonly at: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** What a pool without SES of its own may send in a day. Source: Cognito quotas, default e-mail functionality. */
export const defaultMailsPerDay = 50;

/** Old mails hold old passwords and nobody reads them. */
const mailsKept = 2_000;
/** Wide enough that ids sort as text in the order of sending. */
const idDigits = 12;

/** The mails sent, kept across restarts, for the person at this machine to read. */
export class Outbox {
  readonly #state: State;
  readonly #mails: Table<Mail>;
  readonly #mailsPerDay: number;
  #next: number;

  constructor(state: State, mailsPerDay: number) {
    this.#state = state;
    this.#mailsPerDay = mailsPerDay;
    this.#mails = state.table('cognito-mail');
    this.#next = 1 + Math.max(0, ...this.#mails.all().map(mail => Number(mail.id)));
  }

  /** Refuses with LimitExceededException when the day's mails (UTC) are used. */
  checkQuota(): void {
    const today = this.#now().slice(0, 10);
    const sent = this.#mails.all().filter(mail => mail.at.startsWith(today)).length;
    if (sent < this.#mailsPerDay) return;
    throw limitExceeded(
      'Exceeded daily email limit for the operation or the account. If a higher limit is required, please configure your user pool to use your own Amazon SES configuration for sending email.',
    );
  }

  /** Keeps a mail. The text is plain: a template's line breaks in HTML become real ones. */
  send(mail: { readonly to: string; readonly subject: string; readonly text: string }): void {
    const id = String(this.#next++).padStart(idDigits, '0');
    const text = mail.text.replaceAll(/<br\s*\/?>/gi, '\n');
    this.#mails.put(id, { id, at: this.#now(), to: mail.to, subject: mail.subject, text });
    if (this.#mails.size > mailsKept) {
      const oldest = this.list().at(-1);
      if (oldest) this.#mails.delete(oldest.id);
    }
  }

  /** All mails that are kept, newest first. */
  list(): Mail[] {
    return this.#mails.all().sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  #now(): string {
    return new Date(this.#state.clock.now()).toISOString();
  }
}
