import { pino } from 'pino';
import { keysOf } from '../../api/resources/keys.ts';
import type { Workspace, WorkspaceStatus } from '../../api/resources/workspace.ts';
import { createKind } from '../../controller/drive.ts';
import { createWorkspaceReconciler } from '../../reconcilers/workspace/index.ts';
import { workspaceRow } from '../reconcilers/rows.ts';
import { startWorld } from '../reconcilers/world.ts';
import { type Bench, median, rounded } from './figures.ts';
import { directClients, type Laid, type Laying, layIn } from './scale-lay.ts';

const sizes = [100, 500, 2_000];
const passes = 15;
const goalMicroseconds = 100;
const flatGoal = 1.2;

/**
 * What the loop itself costs: a pass over settled workspaces with rows in memory and AWS's answers handed over as they
 * are, no SDK, no HTTP and no Postgres in between. The local AWS's own work for the answers is measured apart and taken
 * off.
 */
export const loop: Bench = {
  name: 'loop',
  does: 'CPU of the loop for each workspace of a pass that changes nothing, without SDK and Postgres, from 100 to 2,000',
  async run(print) {
    const each: number[] = [];
    for (const size of sizes) each.push(await measure(size));
    for (const [index, size] of sizes.entries()) {
      const value = each[index] ?? Number.NaN;
      print({
        figure: `CPU of a no-change pass for each of ${size}`,
        value: rounded(value),
        unit: 'µs',
        goal: `≤ ${goalMicroseconds} µs`,
        met: value <= goalMicroseconds,
      });
    }
    const growth = (each.at(-1) ?? Number.NaN) / (each[0] ?? Number.NaN);
    print({
      figure: `growth for each from ${sizes[0]} to ${sizes.at(-1)}`,
      value: rounded(growth),
      unit: '×',
      goal: `≤ ${flatGoal} ×`,
      met: growth <= flatGoal,
    });
  },
};

/** Microseconds of CPU a workspace, the median of some passes over all of them at once. */
async function measure(size: number): Promise<number> {
  const world = await startWorld({ lagMilliseconds: 0 });
  try {
    const workspaces = Array.from({ length: size }, (_, place) => {
      const row = workspaceRow(`w${String(place).padStart(15, '2')}`);
      return { ...row, home: { ...row.home, uid: 20_000 + place } };
    });
    const { keys: _, ...settings } = world.settings;
    const laying: Laying = { settings, secret: 'a secret of the tests', workspaces };
    const laid = new Map((await layIn(world.aws, laying)).map(({ id, status }: Laid) => [id, status]));
    const rows = new Map<string, Workspace>(
      workspaces.map(row => [row.id, { ...row, status: laid.get(row.id) ?? row.status }]),
    );
    let outside = 0;
    const clients = directClients(world.aws, work => {
      const before = process.cpuUsage();
      const answer = work();
      const { user, system } = process.cpuUsage(before);
      outside += user + system;
      return answer;
    });
    const reconciler = createWorkspaceReconciler({ ...settings, keys: keysOf(laying.secret), clients });
    const kind = createKind(reconciler, {
      keys: async () => [...rows.keys()],
      load: async id => rows.get(id),
      writeStatus: async (row: Workspace, _status: WorkspaceStatus) => row.version,
      remove: async () => false,
      record: async () => {},
    });
    const never = new AbortController().signal;
    const slots = { take: async () => 'full' as const, move: async () => 'full' as const, release: async () => {} };
    const log = pino({ level: 'silent' });
    const options = { log, signal: never, stopping: never, slots, urgent: false, retrySeconds: () => 1 };
    const at = new Date();
    const taken: number[] = [];
    for (let pass = 0; pass < passes; pass += 1) {
      outside = 0;
      const before = process.cpuUsage();
      await Promise.all([...rows.keys()].map(id => kind.pass(id, { ...options, now: () => at })));
      const { user, system } = process.cpuUsage(before);
      taken.push((user + system - outside) / size);
    }
    // The first passes compile, and learn what they look at.
    return median(taken.slice(passes / 3));
  } finally {
    await world.close();
  }
}
