import type { Clock } from '../clock.ts';
import { AwsError } from '../protocol.ts';
import { notAuthorized } from './errors.ts';

/** Lets so many calls a second through, and a second's worth at once; refuses the rest as Cognito does. */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #perSecond: number;
  #tokens: number;
  #filledAt: number;

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
    this.#filledAt = clock.now();
  }

  /** Takes a token, or throws TooManyRequestsException. */
  take(): void {
    const now = this.#clock.now();
    this.#tokens = Math.min(this.#perSecond, this.#tokens + ((now - this.#filledAt) / 1000) * this.#perSecond);
    this.#filledAt = now;
    if (this.#tokens < 1) throw new AwsError('TooManyRequestsException', 'Too many requests', 429);
    this.#tokens -= 1;
  }
}

/** Failures before a user is locked, the first lock and the longest. Source: Cognito guide, "Lockout behavior for failed sign-in attempts". */
const freeFailures = 5;
const firstLockMilliseconds = 1_000;
const longestLockMilliseconds = 15 * 60 * 1_000;

interface Failures {
  readonly count: number;
  readonly lockedUntil: number;
  readonly last: number;
}

/** Slows the guessing of passwords: from the fifth failure on, each locks the user twice as long as the one before. */
export class Lockout {
  readonly #clock: Clock;
  readonly #failures = new Map<string, Failures>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws NotAuthorizedException while the user is locked. */
  check(user: string): void {
    const failures = this.#failures.get(user);
    if (failures && this.#clock.now() < failures.lockedUntil) throw notAuthorized('Password attempts exceeded');
  }

  /** Counts a wrong password. */
  failed(user: string): void {
    const now = this.#clock.now();
    const before = this.#failures.get(user);
    const count = before && now - before.last < longestLockMilliseconds ? before.count + 1 : 1;
    const lock = count < freeFailures ? 0 : firstLockMilliseconds * 2 ** (count - freeFailures);
    this.#failures.set(user, { count, last: now, lockedUntil: now + Math.min(lock, longestLockMilliseconds) });
  }

  /** Forgets the wrong ones. */
  succeeded(user: string): void {
    this.#failures.delete(user);
  }
}
