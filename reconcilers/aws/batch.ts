import { presentSignal, withSignal } from './rates.ts';

/** How long after a call the next questions are gathered. The first after a pause is asked at once. */
const gatheringMilliseconds = 20;
/** The same where nobody waits: until no further question has come for this long, */
const patientMilliseconds = 250;
/** but no longer than this: a resync of thousands takes seconds to come by. */
const mostPatientMilliseconds = 5_000;

/**
 * Answers many questions by one call (or one set of pages): the questions in, a look-up of their answers out. `urgent`:
 * somebody waits for them.
 */
type AnswerTogether<Question, Answer> = (
  questions: readonly Question[],
  urgent: boolean,
) => Promise<(question: Question) => Answer | Promise<Answer>>;

interface BatchOptions {
  /** The most questions that one call can hold. */
  readonly size: number;
  /** One call at a time: what is asked meanwhile shares the next one. For sets of pages, which answer everybody. */
  readonly alone?: boolean;
}

/**
 * Gathers the questions of a moment and has them answered together, each distinct question once. No answer ever
 * began before its question was asked. When a call fails, all who waited for it are told. Urgent questions are gathered
 * apart: they neither wait for a resync's nor make its calls urgent.
 */
export class Batch<Question, Answer> {
  readonly #urgent: Lane<Question, Answer>;
  readonly #patient: Lane<Question, Answer>;

  /** Questions are told apart as a Map does. */
  constructor(options: BatchOptions, answer: AnswerTogether<Question, Answer>) {
    const pause = (sinceLast: number) => Math.max(0, gatheringMilliseconds - sinceLast);
    this.#urgent = new Lane(options, pause, 0, questions => answer(questions, true));
    this.#patient = new Lane(
      options,
      () => patientMilliseconds,
      mostPatientMilliseconds,
      questions => answer(questions, false),
    );
  }

  /**
   * Asks; the answer arrives with those to the other questions of the moment. Whoever is not urgent waits for more of
   * them. Rejects as soon as the signal of `withSignal` is aborted; the others' answer comes all the same.
   */
  ask(question: Question, urgent = true): Promise<Answer> {
    return (urgent ? this.#urgent : this.#patient).ask(question);
  }

  /** Whoever has asked patiently waits no longer for others' questions. */
  hurry(): void {
    this.#patient.hurry();
  }
}

interface Waiting<Answer> {
  resolve(answer: Answer | Promise<Answer>): void;
  reject(error: unknown): void;
}

/** The questions of one urgency. */
class Lane<Question, Answer> {
  readonly #options: BatchOptions;
  /** How long to gather, by the milliseconds since the last call. */
  readonly #pause: (sinceLast: number) => number;
  /** For how long further questions put the call off, in milliseconds. */
  readonly #patience: number;
  readonly #answer: (questions: readonly Question[]) => Promise<(question: Question) => Answer | Promise<Answer>>;
  #waiting = new Map<Question, Waiting<Answer>[]>();
  #timer: NodeJS.Timeout | undefined;
  #busy = false;
  #sentAt = Number.NEGATIVE_INFINITY;
  #firstAt = 0;

  constructor(
    options: BatchOptions,
    pause: (sinceLast: number) => number,
    patience: number,
    answer: (questions: readonly Question[]) => Promise<(question: Question) => Answer | Promise<Answer>>,
  ) {
    this.#options = options;
    this.#pause = pause;
    this.#patience = patience;
    this.#answer = answer;
  }

  ask(question: Question): Promise<Answer> {
    const signal = presentSignal();
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise<Answer>((resolve, reject) => {
      const abort = () => reject(signal?.reason);
      signal?.addEventListener('abort', abort, { once: true });
      const done = () => signal?.removeEventListener('abort', abort);
      const waiting = this.#waiting.get(question) ?? [];
      waiting.push({
        resolve(answer) {
          done();
          resolve(answer);
        },
        reject(error) {
          done();
          reject(error);
        },
      });
      this.#waiting.set(question, waiting);
      this.#schedule(true);
    });
  }

  hurry(): void {
    if (!this.#timer) return;
    clearTimeout(this.#timer);
    void withSignal(undefined, () => this.#send());
  }

  #schedule(isAsked = false): void {
    if (this.#busy || this.#waiting.size === 0) return;
    if (this.#timer && isAsked && this.#patience > 0 && performance.now() - this.#firstAt < this.#patience)
      this.#timer.refresh();
    if (!this.#timer) this.#firstAt = performance.now();
    const milliseconds = this.#pause(performance.now() - this.#sentAt);
    // Whoever asked first may give up; those who share the call do not.
    this.#timer ??= withSignal(undefined, () => setTimeout(() => void this.#send(), milliseconds));
  }

  async #send(): Promise<void> {
    const entries = [...this.#waiting];
    this.#sentAt = performance.now();
    this.#waiting = new Map();
    this.#timer = undefined;
    this.#busy = this.#options.alone === true;
    const calls: Promise<void>[] = [];
    for (let from = 0; from < entries.length; from += this.#options.size) {
      calls.push(this.#settle(entries.slice(from, from + this.#options.size)));
    }
    await Promise.all(calls);
    if (!this.#options.alone) return;
    this.#busy = false;
    this.#schedule();
  }

  async #settle(entries: readonly (readonly [Question, readonly Waiting<Answer>[]])[]): Promise<void> {
    try {
      const answerTo = await this.#answer(entries.map(([question]) => question));
      for (const [question, waiting] of entries) for (const { resolve } of waiting) resolve(answerTo(question));
    } catch (error) {
      for (const [, waiting] of entries) for (const { reject } of waiting) reject(error);
    }
  }
}
