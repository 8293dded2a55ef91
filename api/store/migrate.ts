import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

/** Ours among the database's advisory locks: the first four bytes of sha256('armada migrate'), as a signed integer. */
const lockKey = createHash('sha256').update('armada migrate').digest().readInt32BE();

const ownFolder = fileURLToPath(new URL('../../migrations', import.meta.url));

/**
 * Applies the files of migrations/ that the database has not seen, in order of their names, each in one transaction,
 * and returns their names. Who comes second at the same time waits. Throws when an applied file was edited or removed
 * since: migrations go forward only.
 */
export async function migrate(url: string, folder: string = ownFolder): Promise<string[]> {
  const files = await readMigrations(folder);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    // Held by the session: released by `end`, or by the server when we die.
    await client.query('select pg_advisory_lock($1)', [lockKey]);
    await client.query(
      'create table if not exists migrations (name text primary key, sha256 text not null, applied_at timestamptz not null default now())',
    );
    const { rows } = await client.query<{ name: string; sha256: string }>('select name, sha256 from migrations');
    refuseEdits(rows, files);
    const applied = new Set(rows.map(row => row.name));
    const fresh = files.filter(file => !applied.has(file.name));
    for (const file of fresh) await apply(client, file);
    return fresh.map(file => file.name);
  } finally {
    await client.end();
  }
}

interface Migration {
  readonly name: string;
  readonly text: string;
  readonly sha256: string;
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const names = (await readdir(folder)).filter(name => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async name => {
      const text = await readFile(`${folder}/${name}`, 'utf8');
      return { name, text, sha256: createHash('sha256').update(text).digest('hex') };
    }),
  );
}

function refuseEdits(applied: readonly { name: string; sha256: string }[], files: readonly Migration[]): void {
  for (const { name, sha256 } of applied) {
    const file = files.find(candidate => candidate.name === name);
    if (!file) throw new Error(`migration ${name} was applied to this database, but its file is gone`);
    if (file.sha256 !== sha256) throw new Error(`migration ${name} was edited after it was applied: add a new file`);
  }
}

async function apply(client: pg.Client, { name, text, sha256 }: Migration): Promise<void> {
  await client.query('begin');
  try {
    await client.query(text);
    await client.query('insert into migrations (name, sha256) values ($1, $2)', [name, sha256]);
    await client.query('commit');
  } catch (cause) {
    await client.query('rollback');
    throw new Error(`migration ${name} failed`, { cause });
  }
}
