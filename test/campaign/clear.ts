import { orphansOf } from './end-state.ts';
import type { Scenario } from './scenario.ts';
import { type VirtualWorld, worldTime } from './virtual-world.ts';
import type { World } from './world.ts';

/** A world that takes longer than this to come to rest has wedged: twenty resyncs, and backoff at its longest. */
export const patienceMilliseconds = 15 * 60_000;

/** All goes; nothing may be left in AWS, and every home's row stays. */
export async function clear(virtual: VirtualWorld, { kinds }: Scenario): Promise<void> {
  const { world, time } = virtual;
  const { pool } = world;
  const count = async (table: string) =>
    (await pool.query<{ count: number }>(`select count(*)::int count from ${table}`)).rows[0]?.count ?? 0;
  const homes = await count('homes');
  await virtual.date();
  world.tasks.isBrisk = true;
  await pool.query(
    `update workspaces set deleted_at = now(), spec = spec || '{"running": false}' where deleted_at is null`,
  );
  let looked = -1;
  const isGone = async (table: string) => {
    const { writes } = world.counts;
    if (writes === looked) return false;
    looked = writes;
    return (await count(table)) === 0;
  };
  if ((await count('workspaces')) > 0)
    await time.until(() => isGone('workspaces'), patienceMilliseconds, 'what is deleted goes');
  const orphans = orphansOf(world.truth);
  if (orphans.length > 0) world.violations.push(`orphans: ${orphans.join(', ')}`);
  if ((await count('homes')) < homes) world.violations.push('lost home: its row is gone');
  if (!kinds?.includes('student')) return;
  looked = -1;
  await pool.query('delete from homes; update people set deleted_at = now()');
  await time.until(() => isGone('people'), patienceMilliseconds, 'people who are deleted go');
}

/** Deletes every row of anybody: the next run begins with none. */
export async function emptied({ pool }: World): Promise<void> {
  const { rows } = await pool.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' and tablename not in ('migrations', 'clock', '${worldTime}')`,
  );
  const deletions = rows.map(({ name }) => `delete from ${name}`).join('; ');
  await pool.query(`begin; set local session_replication_role = replica; ${deletions}; commit`);
}
