import { isDeepStrictEqual } from 'node:util';
import { conditionOf } from '../../api/resources/resource.ts';
import { loadHomes } from '../../api/store/homes.ts';
import { keysOf, loadStudent, loadWorkspace } from '../../api/store/status.ts';
import { settings } from '../reconcilers/rows.ts';
import { clear, emptied, patienceMilliseconds } from './clear.ts';
import { stateOf, totalsOf } from './end-state.ts';
import { announcement, arm, disarm, type FaultName, type Point } from './faults.ts';
import type { Scenario } from './scenario.ts';
import type { VirtualWorld } from './virtual-world.ts';
import { isRead, type World } from './world.ts';

/** What a run without faults showed. */
export interface Reference {
  readonly points: readonly Point[];
  readonly state: readonly object[];
  readonly deletes: Readonly<Record<string, number>>;
  readonly passes: number;
}

/** One run to make; what a failing run leaves, to be made again. */
export interface Plan {
  readonly scenario: string;
  readonly fault: FaultName;
  readonly point: Point;
  /** Name of a planted bug. */
  readonly bug?: string | undefined;
}

/** What came of it. */
export interface Result {
  readonly plan: Plan;
  readonly reached: boolean;
  /** Empty: all oracles agree. */
  readonly violations: readonly string[];
  /** Calls, for whoever looks into a failure. */
  readonly trace: readonly string[];
}

/** As long as a pass takes, with the questions that wait for company. */
const onItsWayMilliseconds = 3_000;
/** A resync, and the time to act on what it showed. */
const oneResyncMilliseconds = 31_000;
/** Three resyncs, with room for the first. */
const threeResyncsMilliseconds = 100_000;
/** How many more passes than the reference a run may take: a resync or two, backoff, one fault's repeats. */
const morePasses = 60;

/** Runs a scenario without faults and records every call, every statement that writes and every announcement; a result where that fails. */
export async function refer(virtual: VirtualWorld, scenario: Scenario, seed: number): Promise<Reference | Result> {
  const counts = new Map<string, number>();
  const count = (operation: string) => void counts.set(operation, (counts.get(operation) ?? 0) + 1);
  const { world } = virtual;
  const played = await play(virtual, scenario, seed, () => {
    world.atCall = operation => {
      count(operation);
      return undefined;
    };
    world.atStatement = (moment, label) => {
      if (moment === 'before') count(label);
    };
    virtual.isHeard = () => {
      count(announcement);
      return true;
    };
    return { fired: () => true, landed: () => true, disarm: () => disarm(virtual) };
  });
  if (played.violations.length > 0) {
    const plan: Plan = { scenario: scenario.name, fault: 'none', point: { operation: announcement, nth: 1 } };
    return { plan, reached: true, violations: played.violations, trace: played.trace };
  }
  const points = [...counts].flatMap(([operation, total]) =>
    Array.from({ length: total }, (_, index) => ({ operation, nth: index + 1 })),
  );
  return { points, state: played.state, deletes: Object.fromEntries(played.deletes), passes: played.passes };
}

/** Runs a scenario with one fault, and compares with the reference. */
export async function run(
  virtual: VirtualWorld,
  scenario: Scenario,
  reference: Reference,
  plan: Plan,
  seed: number,
): Promise<Result> {
  const played = await play(virtual, scenario, seed, () => arm(virtual, plan.fault, plan.point));
  const violations = [...played.violations, ...(played.rested ? judge(played, reference, scenario.mayDelete) : [])];
  return { plan, reached: played.reached, violations, trace: played.trace };
}

/** What of an end is not as without the fault. */
export function judge(
  end: { readonly state: readonly object[]; readonly deletes: ReadonlyMap<string, number>; readonly passes: number },
  reference: Reference,
  mayDelete: Scenario['mayDelete'] = {},
): readonly string[] {
  const violations: string[] = [];
  if (!isDeepStrictEqual(end.state, reference.state))
    violations.push(`end state differs: ${JSON.stringify(end.state)} and not ${JSON.stringify(reference.state)}`);
  for (const [what, times] of end.deletes)
    if (times > Math.max(reference.deletes[what] ?? 0, mayDelete[what.split(' of ')[0] ?? ''] ?? 0))
      violations.push(`deleted more often than without the fault: ${what}, ${times} times`);
  if (end.passes > reference.passes + morePasses)
    violations.push(`busy: ${end.passes} passes in place of ${reference.passes}`);
  return violations;
}

async function play(
  virtual: VirtualWorld,
  scenario: Scenario,
  seed: number,
  armed: () => { fired(): boolean; landed(): boolean; disarm(): void },
) {
  const { world, time } = virtual;
  const played = {
    state: [] as readonly object[],
    deletes: new Map<string, number>(),
    passes: 0,
    rested: false,
    reached: false,
    violations: [] as string[],
    trace: [] as readonly string[],
  };
  await virtual.begin(seed);
  world.violations.length = 0;
  world.oracles.forget();
  const first = world.startLife(scenario.kinds ?? ['workspace']);
  await time.until(() => first.controller.leading, patienceMilliseconds, 'a controller leads');
  let trap: ReturnType<typeof armed> | undefined;
  const callsSoFar = () => world.calls.map(({ operation }) => operation);
  try {
    await scenario.prepare(virtual);
    await rest(virtual, 'prepare');
    world.calls.length = 0;
    world.oracles.deletes.clear();
    const before = world.counts.passes;
    await virtual.date();
    trap = armed();
    await scenario.act(virtual);
    await time.pass((scenario.settleSeconds ?? 0) * 1000);
    await rest(virtual, scenario.name);
    played.reached = trap.fired();
    played.trace = callsSoFar();
    const { landed } = trap;
    await time.until(landed, patienceMilliseconds, 'what was held up lands');
    trap.disarm();
    // A pass that read what the fault made of it may still be on its way; of a call that came late nobody is told.
    const unheard = world.oracles.isCallLate ? oneResyncMilliseconds : 0;
    await time.pass(Math.max(onItsWayMilliseconds, (scenario.settleSeconds ?? 0) * 1000, unheard));
    await rest(virtual, 'after the fault');
    await time.drive(world.ended());
    played.passes = world.counts.passes - before;
    await stays(virtual);
    played.state = await seen(world);
    played.deletes = new Map(world.oracles.deletes);
    world.violations.push(...((await scenario.check?.(virtual)) ?? []));
    played.rested = true;
    await scenario.after?.(virtual);
    await clear(virtual, scenario);
  } catch (error) {
    world.violations.push(`wedged: ${error instanceof Error ? error.message : String(error)}`);
    if (played.trace.length === 0) played.trace = callsSoFar();
  } finally {
    trap?.disarm();
  }
  try {
    await time.drive(world.life.end());
    await time.drive(world.ended());
  } catch (error) {
    world.violations.push(`wedged at its end: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (world.violations.length === 0) await emptied(world);
  played.violations = [...world.violations];
  return played;
}

/** Waits until every row is as asked, or gone. */
async function rest({ world, time }: VirtualWorld, when: string): Promise<void> {
  let looked = -1;
  let told = '';
  const isAtRest = async () => {
    // Rows become restful by the controller's own writes alone.
    const { writes } = world.counts;
    if (writes === looked) return false;
    looked = writes;
    const restless = (await rowsOf(world)).find(({ status, generation, deletedAt }) => {
      const isAsAsked = status.observedGeneration === generation && conditionOf(status, 'Ready')?.status === 'True';
      return deletedAt !== null || !isAsAsked;
    });
    told = JSON.stringify(restless?.status);
    return restless === undefined;
  };
  await time.until(isAtRest, patienceMilliseconds, when).catch(error => {
    throw new Error(`${error.message}: ${told}`);
  });
}

/** The rows that the world's controller looks after. */
async function rowsOf({ pool, life }: World) {
  const rows = [];
  for (const { name } of life.kinds) {
    if (name === 'workspace') for (const id of await keysOf(pool, name)) rows.push(await loadWorkspace(pool, id));
    if (name === 'home') rows.push(...(await loadHomes(pool, await keysOf(pool, name))));
    if (name === 'student') for (const id of await keysOf(pool, name)) rows.push(await loadStudent(pool, id));
  }
  return rows.filter(row => row !== undefined);
}

async function seen(world: World): Promise<readonly object[]> {
  const rows = await rowsOf(world);
  const workspaces = rows.filter(row => row.kind === 'workspace').toSorted((a, b) => (a.slug < b.slug ? -1 : 1));
  const people = rows.filter(row => row.kind === 'student').toSorted((a, b) => (a.slug < b.slug ? -1 : 1));
  return [
    totalsOf(world.truth),
    ...stateOf(world.truth, settings.deployment, workspaces),
    ...people.map(({ spec, status }) => ({
      spec,
      invitation: status.invitation,
      conditions: status.conditions.map(({ type, status: is, reason }) => `${type} ${is} ${reason}`),
    })),
  ];
}

/** Three more looks, and nothing is written. */
async function stays({ world, time }: VirtualWorld): Promise<void> {
  world.calls.length = 0;
  await time.pass(threeResyncsMilliseconds);
  const writes = world.calls.filter(({ operation }) => !isRead(operation)).map(({ operation }) => operation);
  if (writes.length > 0) world.violations.push(`not at rest: ${writes.join(', ')}`);
}
