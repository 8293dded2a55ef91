import pg from 'pg';
import { bugs } from './bugs.ts';
import type { Answer, Task } from './messages.ts';
import { refer, run } from './run.ts';
import { scenarios } from './scenarios.ts';
import { startVirtualWorld, worldTime } from './virtual-world.ts';

/** One process of a campaign: a world, and what is asked of it by its parent, one task after the other. */

const [databaseUrl = '', bugName = ''] = process.argv.slice(2);
await wiped(databaseUrl);
const bug = bugs.find(({ name }) => name === bugName);
const virtual = await startVirtualWorld({ databaseUrl, plant: bug?.plant, meddle: bug?.meddle });

process.on('disconnect', () => process.exit());
process.on('message', (task: Task) => {
  void answer(task)
    .catch(
      (error: unknown): Answer => ({
        type: 'failed',
        message: error instanceof Error ? `${error.stack}` : String(error),
      }),
    )
    .then(message => process.send?.(message));
});

async function answer(task: Task): Promise<Answer> {
  const name = task.type === 'run' ? task.plan.scenario : task.scenario;
  const scenario = scenarios.find(each => each.name === name);
  if (!scenario) throw new Error(`there is no scenario ${name}`);
  if (task.type === 'refer') {
    const recorded = await refer(virtual, scenario, task.seed);
    return 'points' in recorded ? { type: 'referred', reference: recorded } : { type: 'ran', result: recorded };
  }
  return { type: 'ran', result: await run(virtual, scenario, task.reference, task.plan, task.seed) };
}

/** An earlier worker may have left rows, and connections that hold the lease. */
async function wiped(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  );
  const { rows } = await client.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' and tablename not in ('migrations', 'clock', '${worldTime}')`,
  );
  await client.query(`truncate ${rows.map(({ name }) => name).join(', ')} cascade`);
  await bendTime(client, url);
  await client.end();
}

/** `now()` in new connections to this database is what the world says: creations and deletions are dated by it. */
async function bendTime(client: pg.Client, url: string): Promise<void> {
  const name = new URL(url).pathname.slice(1);
  await client.query(`
    create table if not exists public.${worldTime} (at timestamptz not null);
    insert into public.${worldTime} values (pg_catalog.now());
    create or replace function public.now() returns timestamptz language sql stable
      as 'select at from public.${worldTime}';
    alter database ${name} set search_path = public, pg_catalog`);
  // Defaults were bound to PostgreSQL's own when the tables were made.
  const { rows } = await client.query<{ table: string; column: string }>(
    `select table_name as table, column_name as column from information_schema.columns
     where table_schema = 'public' and column_default like '%now()'`,
  );
  for (const { table, column } of rows)
    await client.query(`alter table ${table} alter column ${column} set default public.now()`);
}
