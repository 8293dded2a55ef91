import { isDeepStrictEqual } from 'node:util';
import { conditionOf } from '../../api/resources/resource.ts';
import { loadStudent, loadWorkspace } from '../../api/store/status.ts';
import { settings } from '../reconcilers/rows.ts';
import { arm, type FaultName, type Point } from './faults.ts';
import { orphansOf, stateOf } from './oracles.ts';
import { type Cast, castOf, forgetCast, type Scenario } from './scenarios.ts';
import { isRead, type World } from './world.ts';

/** What a run without faults showed. */
export interface Reference {
  readonly points: readonly Point[];
  readonly state: readonly object[];
}

/** One run to make. */
export interface Plan {
  readonly scenario: string;
  readonly fault: FaultName;
  readonly point: Point;
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

/** Runs a scenario without faults and records every call and statement that writes. */
export async function refer(world: World, scenario: Scenario): Promise<Reference> {
  const counts = new Map<string, number>();
  const count = (operation: string) => void counts.set(operation, (counts.get(operation) ?? 0) + 1);
  const { state, violations } = await play(world, scenario, () => {
    world.atCall = operation => {
      count(operation);
      return undefined;
    };
    world.atStatement = (moment, label) => {
      if (moment === 'before') count(label);
    };
    return { fired: () => true, disarm: () => quiet(world) };
  });
  if (violations.length > 0) throw new Error(`the reference of ${scenario.name} fails: ${violations.join('; ')}`);
  const points = [...counts].flatMap(([operation, total]) =>
    Array.from({ length: total }, (_, index) => ({ operation, nth: index + 1 })),
  );
  return { points: [...points, { operation: 'notify', nth: 1 }], state };
}

/** Runs a scenario with one fault, and compares with the reference. */
export async function run(world: World, scenario: Scenario, reference: Reference, plan: Plan): Promise<Result> {
  const played = await play(world, scenario, () => arm(world, plan.fault, plan.point), plan.fault);
  const violations = [...played.violations];
  if (played.settled && !isDeepStrictEqual(played.state, reference.state))
    violations.push(`end state differs: ${JSON.stringify(played.state)} and not ${JSON.stringify(reference.state)}`);
  return { plan, reached: played.reached, violations, trace: played.trace };
}

function quiet(world: World): void {
  world.atCall = () => undefined;
  world.atStatement = () => {};
  world.isStale = () => false;
}

async function play(
  world: World,
  scenario: Scenario,
  armed: () => { fired(): boolean; disarm(): void },
  fault?: FaultName,
) {
  const kinds = scenario.kinds ?? (['workspace'] as const);
  const mute = async (how: 'disable' | 'enable') => {
    for (const table of ['workspaces', 'people'])
      await world.pool.query(`alter table ${table} ${how} trigger announce`);
  };
  forgetCast(world);
  world.violations.length = 0;
  let trap = { fired: () => false, disarm: () => {} };
  let state: readonly object[] = [];
  let settled = false;
  let reached = false;
  let trace: readonly string[] = [];
  try {
    await ensureLife(world, kinds);
    let cast = await scenario.prepare(world);
    await rest(world, cast, 'prepare');
    world.calls.length = 0;
    trap = armed();
    if (fault === 'notification dropped') await mute('disable');
    await scenario.act(world, cast);
    if (fault === 'notification dropped') await mute('enable');
    cast = castOf(world, cast);
    await rest(world, cast, scenario.name);
    reached = trap.fired();
    trap.disarm();
    trace = world.calls.map(({ operation }) => operation);
    // What was held up may have landed after the rest: it must not matter for long.
    if (fault === 'late call after a takeover') await landed(world, cast);
    // A hand's own change is told as a wrong route; what counts is that it does not stay.
    if (scenario.drift) world.violations.splice(0);
    settled = true;
    await stays(world);
    // After a stale list the stop is told before its task has ended; by now it has.
    state = await seen(world, cast);
    await clear(world, cast);
  } catch (error) {
    world.violations.push(`wedged: ${error instanceof Error ? error.message : String(error)}`);
    trace = world.calls.map(({ operation }) => operation);
  } finally {
    trap.disarm();
    if (fault === 'notification dropped') await mute('enable');
  }
  return { state, settled, reached, violations: [...world.violations], trace };
}

async function ensureLife(world: World, kinds: readonly ('workspace' | 'student')[]): Promise<void> {
  if (world.life && !world.life.dead && world.life.kinds.map(({ name }) => name).join() === kinds.join()) return;
  if (world.life) await world.life.end();
  world.startLife(kinds);
}

/** Waits until every row is as asked, or gone. */
async function rest(world: World, { workspaces, students }: Cast, when: string): Promise<void> {
  const end = Date.now() + world.patienceMilliseconds;
  for (;;) {
    const rows = await Promise.all([
      ...workspaces.map(id => loadWorkspace(world.pool, id)),
      ...students.map(id => loadStudent(world.pool, id)),
    ]);
    const restless = rows.filter(row => {
      if (!row) return false;
      const { status, generation, deletedAt } = row;
      return (
        deletedAt !== null ||
        status.observedGeneration !== generation ||
        conditionOf(status, 'Ready')?.status !== 'True'
      );
    });
    if (restless.length === 0) return;
    if (Date.now() > end) throw new Error(`${when} does not come to rest: ${JSON.stringify(restless[0]?.status)}`);
    await new Promise(resolve => setTimeout(resolve, 4));
  }
}

async function landed(world: World, cast: Cast): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, 150));
  await world.life.resync();
  await rest(world, cast, 'the late call');
}

async function seen(world: World, { workspaces, students }: Cast): Promise<readonly object[]> {
  const rows = (await Promise.all(workspaces.map(id => loadWorkspace(world.pool, id)))).filter(
    row => row !== undefined,
  );
  const people = (await Promise.all(students.map(id => loadStudent(world.pool, id)))).filter(row => row !== undefined);
  return [
    ...stateOf(world.truth, settings.deployment, rows),
    ...people.map(({ spec: { email: _, ...spec }, status }) => ({
      spec,
      invitation: status.invitation,
      conditions: status.conditions.map(({ type, status: is, reason }) => `${type} ${is} ${reason}`),
    })),
  ];
}

/** Three more looks, and nothing is written. */
async function stays(world: World): Promise<void> {
  // A crash at the last moment: the next controller is on its way.
  while (world.life.dead) await new Promise(resolve => setTimeout(resolve, 2));
  world.calls.length = 0;
  for (let look = 0; look < 3; look += 1) await world.life.resync();
  const writes = world.calls.filter(({ operation }) => !isRead(operation)).map(({ operation }) => operation);
  if (writes.length > 0) world.violations.push(`not at rest: ${writes.join(', ')}`);
}

/** All goes; nothing may be left in AWS, and every home's row stays. */
async function clear(world: World, { workspaces, students }: Cast): Promise<void> {
  const { pool } = world;
  await pool.query(
    `update workspaces set deleted_at = now(), spec = spec || '{"running": false}' where deleted_at is null`,
  );
  const end = Date.now() + world.patienceMilliseconds;
  for (;;) {
    const { rows } = await pool.query<{ count: number }>('select count(*)::int count from workspaces');
    if (rows[0]?.count === 0) break;
    if (Date.now() > end) throw new Error('what is deleted does not go');
    await new Promise(resolve => setTimeout(resolve, 4));
  }
  const orphans = orphansOf(world.truth);
  if (orphans.length > 0) world.violations.push(`orphans: ${orphans.join(', ')}`);
  const homes = await pool.query<{ count: number }>('select count(*)::int count from homes');
  if ((homes.rows[0]?.count ?? 0) < workspaces.length) world.violations.push('lost home: its row is gone');
  await pool.query('delete from tombstones');
  await pool.query('delete from homes');
  if (students.length > 0) await pool.query('update people set deleted_at = now()');
  else await pool.query('delete from people');
  if (students.length > 0)
    for (const end2 = Date.now() + world.patienceMilliseconds; Date.now() < end2; ) {
      const left = await pool.query('select from people');
      if (left.rowCount === 0) break;
      await new Promise(resolve => setTimeout(resolve, 4));
    }
  await pool.query('delete from courses');
  await pool.query('delete from cohorts');
}
