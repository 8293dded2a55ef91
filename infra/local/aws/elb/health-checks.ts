import http from 'node:http';
import type { Clock } from '../clock.ts';
import type { Target } from '../ports.ts';
import { passes } from './health-check-settings.ts';
import type { HealthCheckSettings, Tables, TargetGroupRow } from './tables.ts';
import type { Member, Targets } from './targets.ts';

/** Finds out whether a target is well; false or a rejection fails the check. */
export type Probe = (target: Target, targetGroup: TargetGroupRow) => Promise<boolean>;

/** A new target is tried again this soon, then half as soon each time, up to the longest: its start is being waited for. */
const firstRetryMilliseconds = 20;
const longestRetryMilliseconds = 500;
const millisecondsPerSecond = 1_000;
/** Checks of many targets drift apart by up to this part of their interval, so that they never come all at once. */
const spread = 0.1;

interface Watch {
  /** Passed at least once since it is being checked; from then on thresholds count. */
  passed: boolean;
  since: number;
  retry: number;
  successes: number;
  failures: number;
  settings: HealthCheckSettings;
  cancel: () => void;
}

/**
 * Checks every target that a rule leads to. One pass makes a new target healthy; from then on the group's thresholds
 * count. A new one that has not passed within threshold times interval is unhealthy, as at AWS.
 */
export class HealthChecks {
  readonly #targets: Targets;
  readonly #tables: Tables;
  readonly #clock: Clock;
  readonly #probe: Probe;
  readonly #random: () => number;
  readonly #watches = new Map<Member, Watch>();
  #running = false;

  constructor(options: { targets: Targets; tables: Tables; clock: Clock; probe: Probe; random: () => number }) {
    this.#targets = options.targets;
    this.#tables = options.tables;
    this.#clock = options.clock;
    this.#probe = options.probe;
    this.#random = options.random;
    this.#targets.onMember(member => this.#look(member));
  }

  start(): void {
    this.#running = true;
    for (const member of this.#targets.all()) this.#look(member);
  }

  stop(): void {
    this.#running = false;
    for (const watch of this.#watches.values()) watch.cancel();
    this.#watches.clear();
  }

  #look(member: Member): void {
    const wanted =
      this.#running && this.#targets.has(member) && member.state !== 'draining' && member.state !== 'unused';
    const watch = this.#watches.get(member);
    const settings = this.#tables.targetGroups.get(member.groupArn)?.healthCheck;
    if (!wanted || !settings) {
      watch?.cancel();
      this.#watches.delete(member);
      return;
    }
    if (watch?.settings === settings) return;
    watch?.cancel();
    const fresh: Watch = {
      passed: watch?.passed ?? false,
      since: this.#clock.now(),
      retry: firstRetryMilliseconds,
      successes: 0,
      failures: 0,
      settings,
      cancel: () => {},
    };
    this.#watches.set(member, fresh);
    void this.#check(member, fresh);
  }

  async #check(member: Member, watch: Watch): Promise<void> {
    const group = this.#tables.targetGroups.get(member.groupArn);
    if (!group) return;
    const well = await this.#probe(member.target, group).catch(() => false);
    if (this.#watches.get(member) !== watch) return;
    const wait = well ? this.#succeeded(member, watch) : this.#failed(member, watch);
    if (this.#watches.get(member) !== watch) return;
    watch.cancel = this.#clock.after(wait, () => void this.#check(member, watch));
  }

  /** Answers with the milliseconds until the next check. */
  #succeeded(member: Member, watch: Watch): number {
    watch.failures = 0;
    watch.successes++;
    if (!watch.passed || watch.successes >= watch.settings.healthyThreshold) this.#targets.report(member, 'healthy');
    watch.passed = true;
    return this.#interval(watch);
  }

  #failed(member: Member, watch: Watch): number {
    watch.successes = 0;
    watch.failures++;
    const { unhealthyThreshold, intervalSeconds } = watch.settings;
    if (watch.passed) {
      if (watch.failures >= unhealthyThreshold) this.#targets.report(member, 'unhealthy');
      return this.#interval(watch);
    }
    const patience = unhealthyThreshold * intervalSeconds * millisecondsPerSecond;
    if (this.#clock.now() - watch.since >= patience) {
      this.#targets.report(member, 'unhealthy');
      return this.#interval(watch);
    }
    const wait = watch.retry;
    watch.retry = Math.min(wait * 2, longestRetryMilliseconds);
    return wait;
  }

  #interval(watch: Watch): number {
    return watch.settings.intervalSeconds * millisecondsPerSecond * (1 - spread * this.#random());
  }
}

/** A probe that asks the target over HTTP as the group's settings say. `close` lets go of its kept-open connections. */
export function createHttpProbe(): { readonly probe: Probe; close(): void } {
  const agent = new http.Agent({ keepAlive: true });
  return { probe: (target, group) => ask(agent, target, group.healthCheck), close: () => agent.destroy() };
}

function ask(agent: http.Agent, target: Target, check: HealthCheckSettings, again = true): Promise<boolean> {
  return new Promise(resolve => {
    const port = check.port === 'traffic-port' ? target.port : Number(check.port);
    const headers = { host: `127.0.0.1:${port}`, 'user-agent': 'ELB-HealthChecker/2.0' };
    const timeout = check.timeoutSeconds * millisecondsPerSecond;
    const request = http.get({ agent, host: '127.0.0.1', port, path: check.path, headers, timeout }, response => {
      response.resume();
      resolve(passes(check.matcher, response.statusCode ?? 0));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => {
      // A target may close an idle connection just as it is used again; that says nothing of its health.
      resolve(again && request.reusedSocket ? ask(agent, target, check, false) : false);
    });
  });
}
