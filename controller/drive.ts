import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { NewEvent } from '../api/resources/event.ts';
import { type Condition, conditionOf, type Resource, type Status } from '../api/resources/resource.ts';
import { classifyFailure } from './failure.ts';
import type { Context, Outcome, Plan, Reconciler } from './reconciler.ts';
import { type Settlement, settle } from './settle.ts';

/** The rows of one kind. */
export interface Store<R extends Resource> {
  /** Ids of all rows, those that are to be deleted included. */
  keys(): Promise<readonly string[]>;
  load(id: string): Promise<R | undefined>;
  /**
   * Returns the new version; undefined, and no status written, when the row has changed since it was loaded. Events are
   * recorded either way: what they tell was done.
   */
  writeStatus(resource: R, status: Status, events: readonly NewEvent[]): Promise<number | undefined>;
  /** Removes the row of something that owns nothing any more; false when it has changed or is still needed. */
  remove(resource: R): Promise<boolean>;
  record(events: readonly NewEvent[]): Promise<void>;
}

/** What the loop hands to one pass, besides what reconcilers get. */
export interface PassOptions extends Context {
  /** Aborted when the controller stops or is deposed: nothing is written any more. */
  readonly stopping: AbortSignal;
  /** Seconds until the next try, should this one fail. */
  readonly retrySeconds: () => number;
}

/** What a pass came to. */
export interface Passed {
  readonly verdict: Outcome['verdict'] | 'gone' | 'overtaken';
  /** Seconds until the next look; undefined: at the next resync. */
  readonly againSeconds: number | undefined;
}

/** A kind as the loop knows it: a name, its keys, and how to pass over one. */
export interface Kind {
  readonly name: string;
  keys(): Promise<readonly string[]>;
  pass(id: string, options: PassOptions): Promise<Passed>;
}

/** A start needs five; what acts longer than this in one go makes room for others. */
export const mostRounds = 10;

/** Ties a reconciler to its rows. */
export function createKind<R extends Resource, Observed extends object, Action extends { readonly type: string }>(
  reconciler: Reconciler<R, Observed, Action>,
  store: Store<R>,
): Kind {
  return {
    name: reconciler.kind,
    keys: () => store.keys(),
    async pass(id, options) {
      const resource = await store.load(id);
      if (!resource) return { verdict: 'gone', againSeconds: undefined };
      return new Pass(reconciler, store, resource, options).run();
    },
  };
}

/** One pass over one object: observe, then plan and apply in rounds, and tell what came of it. */
class Pass<R extends Resource, Observed extends object, Action extends { readonly type: string }> {
  readonly #reconciler: Reconciler<R, Observed, Action>;
  readonly #store: Store<R>;
  readonly #options: PassOptions;
  readonly #log: Logger;
  /** The row, with the status as it would be told now. */
  #resource: R;
  /** The status as it was last told. */
  #told: Status;
  #observed: Observed | undefined;
  #events: NewEvent[] = [];

  constructor(reconciler: Reconciler<R, Observed, Action>, store: Store<R>, resource: R, options: PassOptions) {
    this.#reconciler = reconciler;
    this.#store = store;
    this.#resource = resource;
    this.#told = resource.status;
    this.#options = options;
    this.#log = options.log.child({
      kind: resource.kind,
      id: resource.id,
      slug: resource.slug,
      generation: resource.generation,
    });
  }

  async run(): Promise<Passed> {
    let outcome: Outcome | 'overtaken';
    try {
      outcome = await this.#rounds();
    } catch (error) {
      // A controller that was stopped or deposed has nothing to say about the object.
      if (this.#options.stopping.aborted) throw error;
      const { reason } = classifyFailure(error);
      this.#log[reason === 'Throttled' ? 'warn' : 'error']({ err: error, reason }, 'reconcile failed');
      outcome = { verdict: 'failed', error };
    }
    if (outcome === 'overtaken') return { verdict: 'overtaken', againSeconds: 0 };
    if (outcome.verdict === 'settled' && this.#resource.deletedAt !== null) return this.#remove();
    const settlement = await this.#tell(outcome);
    await this.#record();
    if (!settlement) return { verdict: 'overtaken', againSeconds: 0 };
    return { verdict: outcome.verdict, againSeconds: settlement.againSeconds };
  }

  async #rounds(): Promise<Outcome | 'overtaken'> {
    const context = { ...this.#options, log: this.#log };
    const { signal, now } = this.#options;
    let observed = await this.#reconciler.observe(this.#resource, context);
    for (let round = 0; round < mostRounds; round += 1) {
      this.#observed = observed;
      signal.throwIfAborted();
      const plan: Plan<Action> = this.#reconciler.plan(this.#resource, observed, now());
      if (plan.verdict !== 'act') return plan;
      // What is done is told before more is. Where no more is to do it is told with what came of it: nobody reads half.
      if (round > 0 && !(await this.#tell({ verdict: 'progressed' }))) return 'overtaken';
      const next = await this.#apply(plan.actions, observed, context);
      if (!next) return { verdict: 'progressed' };
      observed = next;
      this.#observed = observed;
      this.#resource = { ...this.#resource, status: this.#sumUp({ verdict: 'progressed' }).status };
    }
    return { verdict: 'progressed' };
  }

  /**
   * Applies actions side by side. Each returns what it was given with its own part changed; those parts are put
   * together. Undefined when two changed the same part: then only a fresh look tells how it stands.
   */
  async #apply(actions: readonly Action[], observed: Observed, context: Context): Promise<Observed | undefined> {
    const results = await Promise.allSettled(
      actions.map(async action => {
        const result = await this.#reconciler.apply(action, this.#resource, observed, context);
        this.#applied(action);
        return result;
      }),
    );
    const failures = results.filter(result => result.status === 'rejected').map(result => result.reason);
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, `${failures.length} actions failed`);
    const changes = results.flatMap(result => (result.status === 'fulfilled' ? changed(observed, result.value) : []));
    const parts = Object.fromEntries(changes);
    if (Object.keys(parts).length < changes.length) return undefined;
    return { ...observed, ...parts };
  }

  #applied(action: Action): void {
    this.#log.info({ action: action.type }, 'applied');
    const words = action.type.replaceAll('-', ' ');
    const reason = action.type.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
    this.#note('normal', reason, `${words[0]?.toUpperCase()}${words.slice(1)}.`);
  }

  #note(tone: NewEvent['tone'], reason: string, message: string): void {
    const { kind, id } = this.#resource;
    this.#events.push({ kind, about: id, tone, reason, message });
  }

  /** What is to be told of an outcome: conditions by what was told before, the rest by what was seen. */
  #sumUp(outcome: Outcome): { readonly settlement: Settlement; readonly status: Status } {
    const resource = this.#resource;
    const now = this.#options.now();
    const retrySeconds = outcome.verdict === 'failed' ? this.#options.retrySeconds() : 0;
    const settlement = settle({ outcome, before: this.#told, generation: resource.generation, now, retrySeconds });
    const { conditions, observedGeneration } = settlement;
    const summary = this.#observed && this.#reconciler.summarize(resource, this.#observed, now);
    return { settlement, status: { ...resource.status, ...summary, conditions, observedGeneration } };
  }

  /** Writes what is to be told, if it is new, with the events so far. Undefined: the row has changed, so this pass is about the past. */
  async #tell(outcome: Outcome): Promise<Settlement | undefined> {
    const resource = this.#resource;
    const { settlement, status } = this.#sumUp(outcome);
    const news = newReason(this.#told, status);
    if (news) this.#note(outcome.verdict === 'stuck' || outcome.verdict === 'failed' ? 'warning' : 'normal', ...news);
    if (isDeepStrictEqual(status, this.#told)) return settlement;
    const version = await this.#store.writeStatus(resource, status, this.#takeEvents());
    if (version === undefined) return undefined;
    this.#resource = { ...resource, status, version };
    this.#told = status;
    return settlement;
  }

  async #remove(): Promise<Passed> {
    await this.#record();
    const removed = await this.#store.remove(this.#resource);
    if (removed) this.#log.info('removed');
    else await this.#tell({ verdict: 'settled' });
    await this.#record();
    return { verdict: removed ? 'gone' : 'settled', againSeconds: undefined };
  }

  async #record(): Promise<void> {
    if (this.#events.length > 0) await this.#store.record(this.#takeEvents());
  }

  #takeEvents(): readonly NewEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}

/** The parts of an observation that an action changed. */
function changed(before: object, after: object): [string, unknown][] {
  const known = new Map<string, unknown>(Object.entries(before));
  return Object.entries(after).filter(([part, value]) => !Object.is(value, known.get(part)));
}

/** Reason and message of the condition that tells most, if it differs from the one before and says something. */
function newReason(before: Status, after: Status): [string, string] | undefined {
  const told = telling(after);
  if (told?.reason === telling(before)?.reason || told === undefined || told.reason === 'Progressing') return undefined;
  return [told.reason, told.message || (told.reason === 'Settled' ? 'As asked.' : told.reason)];
}

function telling(status: Status): Condition | undefined {
  const stalled = conditionOf(status, 'Stalled');
  const failing = stalled?.reason !== 'Settled' && stalled?.reason !== 'Progressing';
  return failing ? stalled : conditionOf(status, 'Ready');
}
