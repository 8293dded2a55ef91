import { type ChildProcess, fork } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { announcement, type FaultName, faultNames, fits, type Point } from './faults.ts';
import type { Answer, Task } from './messages.ts';
import type { Plan, Reference, Result } from './run.ts';
import type { Scenario } from './scenario.ts';
import { familiesOf } from './scenarios.ts';

/** What a campaign is to do. */
export interface CampaignOptions {
  /** An empty, migrated database for each of the processes that share the work. */
  readonly databaseUrls: readonly string[];
  readonly scenarios: readonly Scenario[];
  readonly faults?: readonly FaultName[];
  /** Only these; for a replay. */
  readonly plans?: readonly Plan[];
  /** Only faults of this operation. */
  readonly operation?: string | undefined;
  /** One run in so many: a sample, spread evenly, another for each seed. */
  readonly stride?: number;
  /** In place of `stride`: so many runs, or all where there are fewer. */
  readonly runs?: number;
  /** Every run, also of scenarios of which one in some is enough. */
  readonly whole?: boolean;
  /** Name of a planted bug, to be there in each run. */
  readonly bug?: string;
  readonly seed: number;
  readonly told?: (result: Result, done: number, all: number) => void;
  /** Ends the campaign at the first failure. */
  readonly firstOnly?: boolean;
}

/** What a campaign came to. */
export interface Report {
  readonly points: number;
  readonly faults: number;
  readonly scenarios: number;
  readonly runs: number;
  /** Runs whose point was not reached. */
  readonly missed: readonly Plan[];
  readonly failures: readonly Result[];
}

/** Records each scenario, then runs it once per point and fault that fit, in worlds of other processes. */
export async function runCampaign(options: CampaignOptions): Promise<Report> {
  const { scenarios, faults = faultNames, seed, bug, told } = options;
  const workers = options.databaseUrls.map(url => new Worker(url));
  try {
    const recorded = await shared(workers, scenarios, ({ name }) => ({ type: 'refer', scenario: name, seed }));
    const references = new Map<string, Reference>();
    const failures: Result[] = [];
    const missed: Plan[] = [];
    let done = 0;
    for (const [{ name }, answer] of recorded) {
      if (answer.type === 'referred') references.set(name, answer.reference);
      else if (answer.type === 'ran') {
        failures.push(answer.result);
        told?.(answer.result, 0, 0);
      }
    }
    const all =
      options.plans ??
      scenarios.flatMap(({ name, every = 1, unlike }) => {
        const plans = plansOf(name, references.get(name)?.points ?? [], faults, bug).filter(
          ({ fault, point }) => fault !== unlike?.fault || point.operation !== unlike.operation,
        );
        return sampled(plans, options.whole ? 1 : every, seed);
      });
    const isAsked = ({ point, fault }: Plan) =>
      fault === 'none' || options.operation === undefined || point.operation === options.operation;
    const asked = all.filter(isAsked);
    const plans = sampled(asked, options.runs ? asked.length / options.runs : (options.stride ?? 1), seed);
    const taskOf = (plan: Plan): Task | undefined => {
      const reference = references.get(plan.scenario);
      if (!reference || (options.firstOnly && failures.length > 0)) return undefined;
      return { type: 'run', plan, reference: { ...reference, points: [] }, seed };
    };
    await shared(workers, plans, taskOf, answer => {
      if (!('result' in answer)) return;
      const { result } = answer;
      done += 1;
      if (!result.reached) missed.push(result.plan);
      if (result.violations.length > 0) failures.push(result);
      told?.(result, done, plans.length);
    });
    const points = [...references.values()].reduce((sum, reference) => sum + reference.points.length, 0);
    return { points, faults: faults.length, scenarios: familiesOf(scenarios), runs: done, missed, failures };
  } finally {
    for (const worker of workers) worker.end();
  }
}

/** One of each `stride`, never always the same of them: faults come in turns, and each is to be met at each operation. */
function sampled<T>(items: readonly T[], stride: number, seed: number): readonly T[] {
  const step = Math.max(1, stride);
  return Array.from({ length: Math.ceil(items.length / step) }, (_, block) => {
    const begin = Math.floor(block * step);
    const end = Math.min(items.length, Math.floor((block + 1) * step));
    // Knuth's multiplicative hash.
    const chosen = block === 0 ? 0 : (Math.imul(block + seed, 2_654_435_761) >>> 16) % Math.max(1, end - begin);
    return items[begin + chosen];
  }).filter(item => item !== undefined);
}

/** Every fault at every point that it fits; without a fault, once. */
function plansOf(
  scenario: string,
  points: readonly Point[],
  faults: readonly FaultName[],
  bug: string | undefined,
): readonly Plan[] {
  const soundly: readonly Plan[] = faults.includes('none')
    ? [{ scenario, fault: 'none', point: { operation: announcement, nth: 1 }, bug }]
    : [];
  const hurt = points.flatMap(point =>
    faults.filter(fault => fits(fault, point)).map((fault): Plan => ({ scenario, fault, point, bug })),
  );
  return [...soundly, ...hurt];
}

/** Hands tasks out to whoever is free; answers in any order. */
async function shared<T>(
  workers: readonly Worker[],
  items: readonly T[],
  taskOf: (item: T) => Task | undefined,
  answered: (answer: Answer) => void = () => {},
): Promise<readonly (readonly [T, Answer])[]> {
  const answers: (readonly [T, Answer])[] = [];
  const queue = [...items];
  await Promise.all(
    workers.map(async worker => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
        const task = taskOf(item);
        if (!task) continue;
        const answer = await worker.ask(task);
        if (answer.type === 'failed') throw new Error(answer.message);
        answers.push([item, answer]);
        answered(answer);
      }
    }),
  );
  return answers;
}

/** A run takes a second or two, a slow machine's ten times that: what takes this long has hung. */
const hungMilliseconds = 180_000;

/** A process with a world of its own; a new one once something went wrong in it, or it has another bug. */
class Worker {
  readonly #databaseUrl: string;
  #child: ChildProcess | undefined;
  #bug: string | undefined;

  constructor(databaseUrl: string) {
    this.#databaseUrl = databaseUrl;
  }

  async ask(task: Task): Promise<Answer> {
    const bug = task.type === 'run' ? task.plan.bug : undefined;
    if (this.#child && bug !== this.#bug) this.end();
    this.#bug = bug;
    this.#child ??= fork(fileURLToPath(new URL('worker.ts', import.meta.url)), [this.#databaseUrl, bug ?? ''], {
      stdio: 'inherit',
      serialization: 'advanced',
      // A process for each planted bug: what they are made of is compiled once.
      env: { ...process.env, NODE_COMPILE_CACHE: path.join(os.tmpdir(), 'armada-campaign-compiled') },
    });
    const child = this.#child;
    const answer = await new Promise<Answer>(resolve => {
      const hung = setTimeout(() => resolve({ type: 'ran', result: hungResult(task) }), hungMilliseconds);
      const over = (code: number | null) => {
        clearTimeout(hung);
        resolve({ type: 'failed', message: `a worker ended with ${code}` });
      };
      child.once('exit', over);
      child.once('message', message => {
        clearTimeout(hung);
        child.off('exit', over);
        resolve(message as Answer);
      });
      child.send(task);
    });
    if (answer.type === 'ran' && answer.result.violations.length > 0) this.end();
    return answer;
  }

  end(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }
}

function hungResult(task: Task): Result {
  const plan: Plan =
    task.type === 'run'
      ? task.plan
      : { scenario: task.scenario, fault: 'none', point: { operation: announcement, nth: 1 } };
  const violations = [`wedged: it hung for ${hungMilliseconds / 1000} s of the machine's time`];
  return { plan, reached: true, violations, trace: [] };
}

/** The campaign's one line; what is counted is in the violations' own words. */
export function lineOf({ points, faults, scenarios, runs, failures }: Report): string {
  const count = (word: string) =>
    failures.filter(({ violations }) => violations.some(text => text.includes(word))).length;
  return (
    `${points} points × ${faults} faults × ${scenarios} scenarios = ${runs} runs: ` +
    `${count('lost home')} lost homes, ${count('orphans')} orphans, ` +
    `${count('wrong route')} wrong routes, ${count('double mount')} double mounts`
  );
}
