import { askAll, enrolled, liveWorkspaces } from './class.ts';
import type { Scenario } from './scenario.ts';
import type { VirtualWorld } from './virtual-world.ts';
import type { World } from './world.ts';

/** Tables of which the backup is older, in the order in which rows can be put back. */
const tables = ['homes', 'workspaces', 'route_slots'] as const;

type Row = Readonly<Record<string, unknown>>;
type Backup = ReadonlyMap<string, readonly Row[]>;

async function backUp({ pool }: World): Promise<Backup> {
  const saved = new Map<string, readonly Row[]>();
  for (const table of tables) {
    const { rows } = await pool.query<{ row: Row }>(`select to_jsonb(t) as row from ${table} t`);
    saved.set(
      table,
      rows.map(({ row }) => row),
    );
  }
  return saved;
}

/** As a restore does: the tables are emptied and filled again, and no trigger fires. */
async function putBack({ pool }: World, backup: Backup): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('begin; set local session_replication_role = replica');
    for (const table of tables.toReversed()) await client.query(`delete from ${table}`);
    for (const table of tables)
      await client.query(`insert into ${table} select * from jsonb_populate_recordset(null::${table}, $1)`, [
        JSON.stringify(backup.get(table) ?? []),
      ]);
    await client.query('commit');
  } finally {
    client.release();
  }
}

/** The controller looks for what nobody owns, again and again; a look that fails is followed by the next. */
export async function sweeps({ world, time }: VirtualWorld, count: number): Promise<void> {
  for (let done = 0; done < count; done += 1) {
    await time.pass(30_000);
    await time.drive(world.life.sweep().catch(() => undefined));
  }
}

const newest = new WeakMap<World, Backup>();

/** The newer backup is found: all is known again, and goes as anything else does. */
async function after({ world, time }: VirtualWorld): Promise<void> {
  const backup = newest.get(world);
  if (!backup) throw new Error('there is no backup');
  await putBack(world, backup);
  await time.pass(31_000);
}

/** The database is restored from a backup that is older than AWS: one workspace of two was not there yet, the other had no place. */
export const restore: Scenario = {
  name: 'restore',
  // What no row knows is found by a look at everything.
  settleSeconds: 95,
  async prepare(virtual) {
    await enrolled(virtual, 2);
    await askAll(virtual, 'start');
  },
  async act(virtual) {
    const { world, time } = virtual;
    newest.set(world, await backUp(world));
    const [kept = ''] = await liveWorkspaces(world);
    const now = await backUp(world);
    const older = new Map(
      [...now].map(([table, rows]) => [
        table,
        rows.filter(row => table !== 'route_slots' && JSON.stringify(row).includes(kept)),
      ]),
    );
    const { rows } = await world.pool.query<{ row: Row }>(
      'select to_jsonb(h) as row from homes h join workspaces w on w.home_id = h.id where w.id = $1',
      [kept],
    );
    older.set(
      'homes',
      rows.map(({ row }) => row),
    );
    const { kindNames } = world.life;
    await time.drive(world.life.end());
    await putBack(world, older);
    world.startLife(kindNames);
    // Within the quarantine.
    await sweeps(virtual, 2);
  },
  async check({ world }) {
    const { truth } = world;
    const lost = [
      truth.accessPoints.all().length < 2 && 'access point',
      truth.targetGroups.all().filter(({ name }) => name.startsWith('a-')).length < 2 && 'target group',
      truth.services.all().filter(({ status }) => status === 'ACTIVE').length < 2 && 'service',
    ].filter(what => what !== false);
    return lost.map(what => `lost home: the ${what} that no row knows was deleted`);
  },
  after,
};

/** Somebody deletes the rows of one of two workspaces: what is cheap to remake goes after the quarantine, the home never. */
export const sweep: Scenario = {
  name: 'sweep',
  async prepare(virtual) {
    await enrolled(virtual, 2);
    await askAll(virtual, 'start');
  },
  async act(virtual) {
    const { world } = virtual;
    const now = await backUp(world);
    newest.set(world, now);
    const [kept = ''] = await liveWorkspaces(world);
    const ofKept = now.get('workspaces')?.filter(row => JSON.stringify(row).includes(kept)) ?? [];
    const homes = now.get('homes')?.filter(({ id }) => JSON.stringify(ofKept).includes(`"${id}"`)) ?? [];
    const places = now.get('route_slots')?.filter(row => JSON.stringify(row).includes(kept)) ?? [];
    await putBack(
      world,
      new Map([
        ['homes', homes],
        ['workspaces', ofKept],
        ['route_slots', places],
      ]),
    );
    // Three may be throttled, one after the quarantine fail.
    await sweeps(virtual, 7);
  },
  async check({ world: { truth } }) {
    const left = [
      truth.targetGroups.all().filter(({ name }) => name.startsWith('a-')).length > 1 && 'target group',
      truth.services.all().filter(({ status }) => status === 'ACTIVE').length > 1 && 'service',
      truth.rules.all().filter(({ priority }) => priority !== 'default').length > 1 && 'rule',
    ].filter(what => what !== false);
    const isLost = truth.accessPoints.all().length < 2;
    return [
      ...left.map(what => `orphans: the ${what} that no row owns`),
      ...(isLost ? ['lost home: the access point that no row knows was deleted'] : []),
    ];
  },
  after,
};
