import PQueue from 'p-queue';

/** `urgent`: a person waits for it. `background`: a look to make sure. */
export type Urgency = 'background' | 'urgent';

const priorities = { background: 0, urgent: 1 } as const satisfies Record<Urgency, number>;

/** When to look at a key again, and how urgently. */
export interface Again {
  readonly seconds: number;
  readonly urgency: Urgency;
}

/** Timers hold 2^31 ms at most; what is due later is looked at earlier. */
const longestMilliseconds = 2 ** 31 - 1;

/** What is owed to a key that is not being worked on, or after it. */
interface Due {
  readonly at: number;
  readonly urgency: Urgency;
}

/** A key is in at most one of these at a time. */
type Entry =
  /** Its time has not come. */
  | { readonly phase: 'later'; readonly due: Due; readonly timer: NodeJS.Timeout }
  /** In the p-queue. */
  | { readonly phase: 'waiting'; readonly urgency: Urgency; readonly since: number }
  /** `due`: it was added while it ran, so it runs once more. */
  | { readonly phase: 'running'; due: Due | undefined; readonly hurry: AbortController };

/** How a queue stands; ages in seconds, 0 where nobody waits. */
export interface QueueLook {
  /** Keys in each phase: waiting for room, being worked on, and not due yet. */
  readonly waiting: number;
  readonly running: number;
  readonly later: number;
  /** How long the key that has waited longest has waited. */
  readonly oldestSeconds: Readonly<Record<Urgency, number>>;
}

/**
 * The keys to look at. A key is queued once however often it is added, is never worked on twice at once, and is worked
 * on once more when it was added meanwhile. Of several times at which it is due the earliest counts, and of several
 * urgencies the highest. What is worked on in the background is told to hurry when it becomes urgent.
 */
export class Queue {
  readonly #entries = new Map<string, Entry>();
  readonly #tasks: PQueue;
  /** Where the urgent ones have room of their own; the same as `#tasks` where they have not. */
  readonly #urgent: PQueue;
  readonly #work: QueueOptions['work'];
  readonly #failed: QueueOptions['failed'];
  readonly #now: () => number;
  #stopped = false;

  constructor(options: QueueOptions) {
    this.#tasks = new PQueue({ concurrency: options.concurrency });
    this.#urgent = options.reserved ? new PQueue({ concurrency: options.reserved }) : this.#tasks;
    this.#work = options.work;
    this.#failed = options.failed;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Has the key worked on as soon as there is room. */
  add(key: string, urgency: Urgency): void {
    this.addAfter(key, { seconds: 0, urgency });
  }

  /** Has the key worked on in `seconds`, unless that is owed earlier. */
  addAfter(key: string, { seconds, urgency }: Again): void {
    if (this.#stopped) return;
    const due = { at: this.#now() + seconds * 1000, urgency };
    const entry = this.#entries.get(key);
    switch (entry?.phase) {
      case undefined:
        this.#owe(key, due);
        break;
      case 'later':
        clearTimeout(entry.timer);
        this.#owe(key, sooner(entry.due, due));
        break;
      case 'waiting':
        if (priorities[urgency] > priorities[entry.urgency]) {
          this.#entries.set(key, { ...entry, urgency });
          if (this.#urgent === this.#tasks) this.#tasks.setPriority(key, priorities[urgency]);
          else this.#enter(key, urgency);
        }
        break;
      case 'running':
        entry.due = entry.due ? sooner(entry.due, due) : due;
        // Whoever asks waits for this pass to end before theirs begins.
        if (urgency === 'urgent') entry.hurry.abort();
        break;
    }
  }

  /** Depth and age, counted now. */
  look(): QueueLook {
    const now = this.#now();
    const counts = { waiting: 0, running: 0, later: 0 };
    const oldestSeconds = { background: 0, urgent: 0 };
    for (const entry of this.#entries.values()) {
      counts[entry.phase] += 1;
      if (entry.phase !== 'waiting') continue;
      const { urgency, since } = entry;
      oldestSeconds[urgency] = Math.max(oldestSeconds[urgency], (now - since) / 1000);
    }
    return { ...counts, oldestSeconds };
  }

  /** Starts nothing more and forgets what is owed; resolves when what runs has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const entry of this.#entries.values()) if (entry.phase === 'later') clearTimeout(entry.timer);
    this.#entries.clear();
    this.#tasks.clear();
    this.#urgent.clear();
    await Promise.all([this.#tasks.onIdle(), this.#urgent.onIdle()]);
  }

  #owe(key: string, due: Due): void {
    const milliseconds = due.at - this.#now();
    if (milliseconds <= 0) {
      this.#entries.set(key, { phase: 'waiting', urgency: due.urgency, since: this.#now() });
      this.#enter(key, due.urgency);
      return;
    }
    const timer = setTimeout(() => this.#owe(key, { ...due, at: 0 }), Math.min(milliseconds, longestMilliseconds));
    this.#entries.set(key, { phase: 'later', due, timer });
  }

  #enter(key: string, urgency: Urgency): void {
    const tasks = urgency === 'urgent' ? this.#urgent : this.#tasks;
    // Never rejects: `#run` catches.
    void tasks.add(() => this.#run(key, tasks), { priority: priorities[urgency], id: key });
  }

  async #run(key: string, tasks: PQueue): Promise<void> {
    const waited = this.#entries.get(key);
    const urgency = waited?.phase === 'waiting' ? waited.urgency : 'background';
    // It has become urgent, and has its turn there or had it already.
    if (
      this.#urgent !== this.#tasks &&
      (waited?.phase !== 'waiting' || (tasks === this.#urgent) !== (urgency === 'urgent'))
    )
      return;
    const running: Entry = { phase: 'running', due: undefined, hurry: new AbortController() };
    this.#entries.set(key, running);
    let again: Again | undefined;
    try {
      again = await this.#work(key, urgency, running.hurry.signal);
    } catch (error) {
      again = this.#failed(key, error);
    }
    this.#entries.delete(key);
    if (this.#stopped) return;
    // Together, for what is owed now may be running before the next line: then it would be owed once more.
    const asked = again && { at: this.#now() + again.seconds * 1000, urgency: again.urgency };
    const due = running.due && asked ? sooner(running.due, asked) : (running.due ?? asked);
    if (due) this.#owe(key, due);
  }
}

/** What a queue needs. */
export interface QueueOptions {
  /** How many keys are worked on at once. */
  readonly concurrency: number;
  /** How many urgent ones besides: they wait for no background's end. Left out: they go first, and share the room. */
  readonly reserved?: number;
  /** Works on a key; answers when to look again, if that is known. `hurry` is aborted when a person begins to wait. */
  readonly work: (key: string, urgency: Urgency, hurry: AbortSignal) => Promise<Again | undefined>;
  /** Told of everything that `work` threw; answers when to try again. */
  readonly failed: (key: string, error: unknown) => Again | undefined;
  /** Milliseconds on a clock that never goes back. */
  readonly now?: () => number;
}

function sooner(a: Due, b: Due): Due {
  return {
    at: Math.min(a.at, b.at),
    urgency: priorities[a.urgency] > priorities[b.urgency] ? a.urgency : b.urgency,
  };
}
