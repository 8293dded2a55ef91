import { type FaultName, faultNames, fits } from './faults.ts';
import { type Plan, type Reference, type Result, refer, run } from './run.ts';
import type { Scenario } from './scenarios.ts';
import { startWorld, type World, type WorldOptions } from './world.ts';

/** What a campaign is to do. */
export interface CampaignOptions {
  /** One world for each: they are worked through side by side. */
  readonly databaseUrls: readonly string[];
  readonly scenarios: readonly Scenario[];
  readonly faults?: readonly FaultName[];
  /** Only these; for a replay. */
  readonly plans?: readonly Plan[];
  /** Only faults of this operation. */
  readonly operation?: string | undefined;
  /** One run in so many: a sample, spread evenly. */
  readonly stride?: number;
  readonly plant?: WorldOptions['plant'];
  readonly told?: (result: Result) => void;
  /** How long a world may take to come to rest before it counts as wedged. */
  readonly patienceMilliseconds?: number;
  /** Ends the campaign at the first failure. */
  readonly firstOnly?: boolean;
}

/** What a campaign came to. */
export interface Report {
  readonly points: number;
  readonly faults: number;
  readonly scenarios: number;
  readonly runs: number;
  /** Runs whose point was not reached: the order of events differed. */
  readonly missed: number;
  readonly failures: readonly Result[];
}

/** Records each scenario, then runs it once per point and fault that fit, each in a world of its own. */
export async function runCampaign(options: CampaignOptions): Promise<Report> {
  const { databaseUrls, scenarios, faults = faultNames, told, firstOnly } = options;
  const worlds: World[] = [];
  const start = (databaseUrl: string) => startWorld({ ...options, databaseUrl });
  const references = await recorded(databaseUrls[0] ?? '', scenarios);
  // One after another: they are watched from their first table on.
  for (const url of databaseUrls) worlds.push(await start(url));
  const failures: Result[] = [];
  try {
    const all = options.plans ?? scenarios.flatMap(({ name }) => plansOf(name, references.get(name), faults));
    const isAsked = ({ point }: Plan) => options.operation === undefined || point.operation === options.operation;
    const plans = all.filter(isAsked).filter((_, index) => index % (options.stride ?? 1) === 0);
    let next = 0;
    let missed = 0;
    const work = async (index: number) => {
      for (let plan = plans[next++]; plan; plan = plans[next++]) {
        const scenario = scenarios.find(({ name }) => name === plan?.scenario);
        const reference = references.get(plan.scenario);
        const world = worlds[index];
        if (!scenario || !reference || !world) continue;
        const result = await run(world, scenario, reference, plan);
        told?.(result);
        if (!result.reached) missed += 1;
        if (result.violations.length === 0) continue;
        failures.push(result);
        if (firstOnly) next = plans.length;
        worlds[index] = await renewed(
          world,
          starting(() => start(world.databaseUrl)),
        );
      }
    };
    // Starts are watched through one prototype, so never two at once.
    let last: Promise<unknown> = Promise.resolve();
    const starting = (begin: () => Promise<World>) => () => {
      const begun = last.then(begin);
      last = begun.catch(() => {});
      return begun;
    };
    await Promise.all(worlds.map((_, index) => work(index)));
    const points = scenarios.reduce((sum, { name }) => sum + (references.get(name)?.points.length ?? 0), 0);
    return { points, faults: faults.length, scenarios: scenarios.length, runs: plans.length, missed, failures };
  } finally {
    for (const world of worlds) await emptied(world);
  }
}

/** The reference of each scenario, always from a sound controller. */
async function recorded(databaseUrl: string, scenarios: readonly Scenario[]): Promise<Map<string, Reference>> {
  const references = new Map<string, Reference>();
  const world = await startWorld({ databaseUrl });
  try {
    for (const scenario of scenarios) references.set(scenario.name, await refer(world, scenario));
  } finally {
    await emptied(world);
  }
  return references;
}

function plansOf(scenario: string, reference: Reference | undefined, faults: readonly FaultName[]): readonly Plan[] {
  const points = reference?.points ?? [];
  return points.flatMap(point => faults.filter(fault => fits(fault, point)).map(fault => ({ scenario, fault, point })));
}

/** A world that something went wrong in is not used again. */
async function renewed(world: World, begin: () => Promise<World>): Promise<World> {
  await emptied(world);
  return begin();
}

async function emptied(world: World): Promise<void> {
  await world.pool.query('truncate people, courses, cohorts, homes, workspaces, route_slots, last_balancers cascade');
  await world.close();
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
