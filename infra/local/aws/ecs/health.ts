import type { HealthCheck } from '@aws-sdk/client-ecs';
import type { Clock } from '../clock.ts';
import type { CheckAnswer } from './driver.ts';

/** Defaults of a container's health check. Source: the SDK's comments on HealthCheck. */
const defaults = { interval: 30, timeout: 5, retries: 3, startPeriod: 0 };

export interface HealthWatchOptions {
  readonly clock: Clock;
  readonly check: HealthCheck;
  /** Milliseconds between checks until the first success: what starts quickly is seen to be ready quickly. */
  readonly pace: number;
  readonly ask: (command: readonly string[], timeoutSeconds: number) => Promise<CheckAnswer>;
  readonly changed: (status: 'HEALTHY' | 'UNHEALTHY') => void;
}

/**
 * Watches one container's health: HEALTHY at the first success; UNHEALTHY after `retries` failures in a row, or when
 * none succeeded within the start period and `retries` intervals.
 */
export class HealthWatch {
  readonly #options: HealthWatchOptions;
  readonly #startedAt: number;
  #status: 'UNKNOWN' | 'HEALTHY' | 'UNHEALTHY' = 'UNKNOWN';
  #failures = 0;
  #cancel: () => void = () => {};
  #ended = false;

  constructor(options: HealthWatchOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
    void this.#ask();
  }

  stop(): void {
    this.#ended = true;
    this.#cancel();
  }

  async #ask(): Promise<void> {
    const { check, ask, clock, pace } = this.#options;
    const answer = await ask(check.command ?? [], check.timeout ?? defaults.timeout).catch(() => 'unhealthy' as const);
    if (this.#ended) return;
    if (answer === 'unhealthy') this.#failed();
    else this.#passed();
    if (this.#ended || answer === 'unchanging') return;
    const interval = (check.interval ?? defaults.interval) * 1000;
    this.#cancel = clock.after(
      this.#status === 'UNKNOWN' ? Math.min(pace, interval) : interval,
      () => void this.#ask(),
    );
  }

  #passed(): void {
    this.#failures = 0;
    this.#become('HEALTHY');
  }

  #failed(): void {
    const { check, clock } = this.#options;
    const retries = check.retries ?? defaults.retries;
    this.#failures += 1;
    const patience =
      ((check.startPeriod ?? defaults.startPeriod) + retries * (check.interval ?? defaults.interval)) * 1000;
    const overdue = this.#status === 'UNKNOWN' && clock.now() - this.#startedAt >= patience;
    if (overdue || (this.#status === 'HEALTHY' && this.#failures >= retries)) this.#become('UNHEALTHY');
  }

  #become(status: 'HEALTHY' | 'UNHEALTHY'): void {
    if (this.#status === status) return;
    this.#status = status;
    this.#options.changed(status);
  }
}
