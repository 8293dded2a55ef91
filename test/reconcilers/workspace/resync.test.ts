import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newId } from '../../../api/store/ids.ts';
import { type Laid, type Laying, lay } from '../../bench/scale-lay.ts';
import { workspaceRow } from '../rows.ts';
import { startWorld, type World } from '../world.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld({ lagMilliseconds: 0 });
});
afterEach(() => world.close());

/** Some run, on the one balancer, and as many more have run before and keep their service. */
const running = 50;
const size = 1_000;
/** A tenth of a call for each workspace, and thirty for the pages. */
const mostCalls = 130;

test('a resync of 1,000 settled workspaces is at most 130 calls, and writes nothing', {
  timeout: 240_000,
}, async () => {
  const rows = world.workspaceRows();
  const workspaces = Array.from({ length: size }, (_, place) => {
    const row = workspaceRow(newId(), { spec: { running: place < running, restarts: 0 } });
    const slot = place < running ? { balancer: 0, priority: place + 1 } : null;
    return { ...row, slot, home: { ...row.home, uid: 20_000 + place } };
  });
  for (const { id, slot } of workspaces) if (slot) await rows.slots.take(id);
  const { keys: _, ...settings } = world.settings;
  await layAll({ settings, secret: 'a secret of the tests', workspaces });
  for (const row of workspaces) rows.rows.set(row.id, { ...row, status: (await laid(row.id)) ?? row.status });
  const ids = workspaces.map(({ id }) => id);
  // Twenty resyncs are a round, in which each has its turn for a close look; the first round learns what it looks at.
  const round = 20 * 30_000;
  // Counted from one moment: whose turn it is must not hang on how long the first round took.
  const start = Date.now();
  for (const resync of [0, round]) {
    const at = new Date(start + resync);
    rows.now = () => at;
    world.calls.reset();
    const passes = await Promise.all(ids.map(id => rows.pass(id, false)));
    expect(new Set(passes.map(({ verdict }) => verdict))).toEqual(new Set(['settled']));
    expect(world.writes()).toBe(0);
    if (resync === round) expect(world.reads(), JSON.stringify(world.calls.counts())).toBeLessThanOrEqual(mostCalls);
  }
});

let statuses: ReadonlyMap<string, Laid['status']> = new Map();
const laid = async (id: string) => statuses.get(id);

/** Lays it in this process, through the product's own reconciler. */
async function layAll(laying: Laying): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'armada-laying-'));
  const file = path.join(folder, 'laying.json');
  await writeFile(file, JSON.stringify(laying));
  await lay(world.aws, file);
  const read: readonly Laid[] = JSON.parse(await readFile(file, 'utf8'));
  statuses = new Map(read.map(each => [each.id, each.status]));
  await rm(folder, { recursive: true });
}
