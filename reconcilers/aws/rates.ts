import { AsyncLocalStorage } from 'node:async_hooks';
import { setMaxListeners } from 'node:events';
import { is } from './errors.ts';

/** Services whose calls are paced, by AWS's names. */
export type PacedService = 'ecs' | 'elb' | 'efs' | 'cognito';

/** Says how urgent the calls to AWS within `call` are. `urgent`: a person waits for them. */
export type Pace = <T>(service: PacedService, urgent: boolean, call: () => Promise<T>) => Promise<T>;

/** Lets one attempt of one operation through once AWS's rates allow it. `operation`: AWS's name, such as CreateRule. */
export type Gateway = <T>(service: PacedService, operation: string, attempt: () => Promise<T>) => Promise<T>;

/** The time that the buckets go by, in milliseconds. `after` calls back once; its answer calls that off. */
export interface RatesClock {
  now(): number;
  after(milliseconds: number, callback: () => void): () => void;
}

interface Bucket {
  readonly burst: number;
  readonly perSecond: number;
}

/** AWS's token buckets for an account and region. Sources: ECS API request throttling; ELB API throttling; Cognito quotas. */
const buckets = {
  'ecs-service-modify': { burst: 50, perSecond: 5 },
  'ecs-blueprint-modify': { burst: 20, perSecond: 1 },
  'ecs-blueprint-delete': { burst: 5, perSecond: 1 },
  'ecs-service-read': { burst: 100, perSecond: 20 },
  'ecs-blueprint-read': { burst: 50, perSecond: 20 },
  'ecs-task-read': { burst: 100, perSecond: 20 },
  'elb-mutating': { burst: 20, perSecond: 3 },
  'elb-reading': { burst: 40, perSecond: 10 },
  // AWS publishes none; others were throttled when they made hundreds at once.
  efs: { burst: 20, perSecond: 10 },
  'cognito-creation': { burst: 50, perSecond: 50 },
  'cognito-read': { burst: 120, perSecond: 120 },
  'cognito-update': { burst: 25, perSecond: 25 },
} as const satisfies Readonly<Record<string, Bucket>>;

type BucketName = keyof typeof buckets;

/** Calls arrive closer together than they left: what is kept back so that this costs no refusal. */
const shareOfBurst = 0.9;
const shareOfRate = 0.95;

const ecsBuckets: Readonly<Record<string, BucketName>> = {
  CreateService: 'ecs-service-modify',
  UpdateService: 'ecs-service-modify',
  DeleteService: 'ecs-service-modify',
  RegisterTaskDefinition: 'ecs-blueprint-modify',
  DeregisterTaskDefinition: 'ecs-blueprint-modify',
  DeleteTaskDefinitions: 'ecs-blueprint-delete',
  DescribeServices: 'ecs-service-read',
  ListServices: 'ecs-service-read',
  DescribeTasks: 'ecs-task-read',
  ListTasks: 'ecs-task-read',
};

function bucketOf(service: PacedService, operation: string): BucketName {
  switch (service) {
    case 'ecs':
      return ecsBuckets[operation] ?? 'ecs-blueprint-read';
    case 'elb':
      return operation.startsWith('Describe') ? 'elb-reading' : 'elb-mutating';
    case 'efs':
      return 'efs';
    case 'cognito':
      if (operation === 'AdminCreateUser') return 'cognito-creation';
      return /Get|List|Describe/.test(operation) ? 'cognito-read' : 'cognito-update';
  }
}

const urgency = new AsyncLocalStorage<boolean>();

/** Marks the calls within as urgent or not; calls outside any mark count as background. */
export const markUrgency: Pace = (_service, urgent, call) => urgency.run(urgent, call);

const patience = new AsyncLocalStorage<AbortSignal | undefined>();

/** Whoever waits for a token or for a shared answer within `work` gives up when `signal` is aborted. */
export function withSignal<T>(signal: AbortSignal | undefined, work: () => T): T {
  // A pass waits for many things at once.
  if (signal) setMaxListeners(0, signal);
  return patience.run(signal, work);
}

/** The signal of the `withSignal` around the caller. */
export function presentSignal(): AbortSignal | undefined {
  return patience.getStore();
}

/**
 * Holds every attempt back until AWS's token buckets allow it: urgent ones first, then in order of asking. Who gives up
 * meanwhile (`withSignal`) leaves the line and makes no attempt.
 */
export function createGateway(clock: RatesClock): Gateway {
  const lines = new Map<BucketName, Line>();
  return async (service, operation, attempt) => {
    const name = bucketOf(service, operation);
    const line = lines.get(name) ?? new Line(buckets[name], clock);
    lines.set(name, line);
    await line.take(urgency.getStore() ?? false, patience.getStore());
    try {
      return await attempt();
    } catch (error) {
      if (is(error, 'throttled')) line.empty();
      throw error;
    }
  };
}

/** One bucket and those who wait at it. */
class Line {
  readonly #clock: RatesClock;
  readonly #burst: number;
  readonly #perMillisecond: number;
  readonly #urgent = new Set<() => void>();
  readonly #others = new Set<() => void>();
  #tokens: number;
  #filledAt: number;
  #timer: (() => void) | undefined;

  constructor({ burst, perSecond }: Bucket, clock: RatesClock) {
    this.#clock = clock;
    this.#burst = burst * shareOfBurst;
    this.#perMillisecond = (perSecond * shareOfRate) / 1000;
    this.#tokens = this.#burst;
    this.#filledAt = clock.now();
  }

  /** Resolves when it is one's turn; rejects, and leaves the line, when the signal is aborted before. */
  take(urgent: boolean, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const line = urgent ? this.#urgent : this.#others;
      const abort = () => {
        line.delete(go);
        reject(signal?.reason);
      };
      const go = () => {
        line.delete(go);
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      line.add(go);
      signal?.addEventListener('abort', abort, { once: true });
      this.#serve();
    });
  }

  /** AWS says that its bucket is empty: another client of the account takes from it too. */
  empty(): void {
    this.#fill();
    this.#tokens = 0;
  }

  #fill(): void {
    const now = this.#clock.now();
    this.#tokens = Math.min(this.#burst, this.#tokens + Math.max(0, now - this.#filledAt) * this.#perMillisecond);
    this.#filledAt = now;
  }

  #serve(): void {
    this.#fill();
    while (this.#tokens >= 1) {
      const next = first(this.#urgent) ?? first(this.#others);
      if (!next) return;
      this.#tokens -= 1;
      next();
    }
    if (this.#urgent.size + this.#others.size === 0) return;
    const milliseconds = Math.ceil((1 - this.#tokens) / this.#perMillisecond);
    this.#timer ??= this.#clock.after(milliseconds, () => {
      this.#timer = undefined;
      this.#serve();
    });
  }
}

function first<T>(set: ReadonlySet<T>): T | undefined {
  return set.values().next().value;
}
