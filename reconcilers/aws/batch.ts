/** How long after a call the next questions are gathered. The first after a pause is asked at once. */
const gatheringMilliseconds = 5;
/** The same where nobody waits: long enough for a whole resync's passes to come by. */
const patientMilliseconds = 250;

/**
 * Answers many questions by one call (or one set of pages): the questions in, a look-up of their answers out. `urgent`:
 * somebody waits for one of them.
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

interface Waiting<Answer> {
  readonly resolve: (answer: Answer | Promise<Answer>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gathers the questions of a moment and has them answered together, each distinct question once. No answer ever
 * began before its question was asked. When a call fails, all who waited for it are told.
 */
export class Batch<Question, Answer> {
  readonly #options: BatchOptions;
  readonly #answer: AnswerTogether<Question, Answer>;
  #waiting = new Map<Question, Waiting<Answer>[]>();
  #timer: NodeJS.Timeout | undefined;
  #urgent = false;
  #busy = false;
  #sentAt = Number.NEGATIVE_INFINITY;

  /** Questions are told apart as a Map does. */
  constructor(options: BatchOptions, answer: AnswerTogether<Question, Answer>) {
    this.#options = options;
    this.#answer = answer;
  }

  /** Asks; the answer arrives with those to the other questions of the moment. Whoever is not urgent waits for more of them. */
  ask(question: Question, urgent = true): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) => {
      const waiting = this.#waiting.get(question) ?? [];
      waiting.push({ resolve, reject });
      this.#waiting.set(question, waiting);
      if (urgent && !this.#urgent) {
        this.#urgent = true;
        clearTimeout(this.#timer);
        this.#timer = undefined;
      }
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#busy || this.#waiting.size === 0) return;
    const sinceLast = performance.now() - this.#sentAt;
    const milliseconds = this.#urgent ? Math.max(0, gatheringMilliseconds - sinceLast) : patientMilliseconds;
    this.#timer ??= setTimeout(() => void this.#send(), milliseconds);
  }

  async #send(): Promise<void> {
    const entries = [...this.#waiting];
    const urgent = this.#urgent;
    this.#sentAt = performance.now();
    this.#waiting = new Map();
    this.#timer = undefined;
    this.#urgent = false;
    this.#busy = this.#options.alone === true;
    const calls: Promise<void>[] = [];
    for (let from = 0; from < entries.length; from += this.#options.size) {
      calls.push(this.#settle(entries.slice(from, from + this.#options.size), urgent));
    }
    await Promise.all(calls);
    if (!this.#options.alone) return;
    this.#busy = false;
    this.#schedule();
  }

  async #settle(entries: readonly (readonly [Question, readonly Waiting<Answer>[]])[], urgent: boolean): Promise<void> {
    try {
      const answerTo = await this.#answer(
        entries.map(([question]) => question),
        urgent,
      );
      for (const [question, waiting] of entries) for (const { resolve } of waiting) resolve(answerTo(question));
    } catch (error) {
      for (const [, waiting] of entries) for (const { reject } of waiting) reject(error);
    }
  }
}
