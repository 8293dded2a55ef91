import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, mkdtemp, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import pg from 'pg';
import { migrate } from '../../api/store/migrate.ts';
import { OperateFault } from './fault.ts';

/** PostgreSQL's package has no pg_dump: rows go as JSON, one a line, below a line that names their table. */

const rowsPerFetch = 1000;
const migrationsFolder = path.join(import.meta.dirname, '..', '..', 'migrations');

interface Head {
  readonly migrations: readonly { readonly name: string; readonly sha256: string }[];
}
interface TableLine {
  readonly table: string;
}
interface SequenceLine {
  readonly sequence: string;
  readonly last: string | null;
}

/** What a dump or a load went through. */
export interface Counted {
  readonly tables: number;
  readonly rows: number;
}

/** Writes every table of the database to a file, as it was at one moment; people go on working meanwhile. */
export async function dumpDatabase(url: string, file: string): Promise<Counted> {
  const stream = createWriteStream(file, { mode: 0o600, flags: 'wx' });
  const out = Writable.toWeb(stream).getWriter();
  const client = clientOf(url);
  await client.connect();
  try {
    await client.query('begin isolation level repeatable read read only');
    const migrations = await client.query('select name, sha256 from migrations order by name');
    await out.write(`${JSON.stringify({ migrations: migrations.rows } satisfies Head)}\n`);
    const names = await tablesOf(client);
    let rows = 0;
    for (const table of names) {
      await out.write(`${JSON.stringify({ table } satisfies TableLine)}\n`);
      await client.query(`declare dump no scroll cursor for select to_jsonb(t)::text as row from ${quoted(table)} t`);
      for (;;) {
        const fetched = await client.query<{ row: string }>(`fetch ${rowsPerFetch} from dump`);
        if (fetched.rows.length === 0) break;
        rows += fetched.rows.length;
        await out.write(`${fetched.rows.map(({ row }) => row).join('\n')}\n`);
      }
      await client.query('close dump');
    }
    // Sequences know no snapshot. Read last, they are at least as far as the rows.
    const sequences = await client.query<{ sequence: string; last: string | null }>(
      `select sequencename as sequence, last_value::text as last from pg_sequences where schemaname = 'public'`,
    );
    for (const each of sequences.rows) await out.write(`${JSON.stringify(each satisfies SequenceLine)}\n`);
    await out.close();
    return { tables: names.length, rows };
  } finally {
    await client.end();
    stream.destroy();
  }
}

/**
 * Fills a new database from a dump: the tables as they were then, with the same keys, versions and sequences; the
 * product migrates them forward at its next start. Throws for a dump of a newer Armada.
 */
export async function loadDatabase(url: string, file: string): Promise<Counted> {
  const stream = createReadStream(file, 'utf8');
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]();
  const client = clientOf(url);
  try {
    const first = await lines.next();
    const head: Head = JSON.parse(first.done ? '{"migrations":[]}' : first.value);
    await migrateTo(url, head);
    await client.connect();
    await client.query('begin');
    await refuseOtherSchema(client, head);
    // Rows come as they were: no trigger may stamp, announce or check them. Superuser's right.
    await client.query('set local session_replication_role = replica');
    const tables = await tablesOf(client);
    await client.query(`truncate ${tables.map(quoted).join(', ')}`);
    let table: string | undefined;
    let seen = 0;
    let rows = 0;
    let batch: string[] = [];
    const flush = async () => {
      if (table !== undefined && batch.length > 0) await insert(client, table, batch);
      rows += batch.length;
      batch = [];
    };
    for (let line = await lines.next(); !line.done; line = await lines.next()) {
      const mark = markOf(line.value);
      if (mark === undefined) batch.push(line.value);
      if (mark !== undefined || batch.length >= rowsPerFetch) await flush();
      if (mark && 'table' in mark) {
        table = mark.table;
        seen += 1;
      }
      if (mark && 'sequence' in mark && mark.last !== null)
        await client.query('select setval($1::regclass, $2::bigint)', [quoted(mark.sequence), mark.last]);
    }
    await flush();
    await client.query('commit');
    return { tables: seen, rows };
  } finally {
    await client.end();
    stream.destroy();
  }
}

function clientOf(url: string): pg.Client {
  const client = new pg.Client({ connectionString: url });
  // A lost connection fails the statement under way; the event besides it would end the process unheard.
  client.on('error', () => {});
  return client;
}

/** A line that is no row. Rows are written by PostgreSQL, with a space after each colon; marks by us, without. */
function markOf(line: string): TableLine | SequenceLine | undefined {
  return line.startsWith('{"table":"') || line.startsWith('{"sequence":"') ? JSON.parse(line) : undefined;
}

async function insert(client: pg.Client, table: string, rows: readonly string[]): Promise<void> {
  await client.query(
    `insert into ${quoted(table)} overriding system value
     select * from jsonb_populate_recordset(null::${quoted(table)}, $1::jsonb)`,
    [`[${rows.join(',')}]`],
  );
}

/** Makes the tables as the dump's own version had them. */
async function migrateTo(url: string, head: Head): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'armada-migrations-'));
  try {
    for (const { name } of head.migrations) {
      const file = path.join(migrationsFolder, path.basename(name));
      const there = await stat(file).catch(() => undefined);
      if (!there)
        throw new OperateFault(
          `The backup is of a newer Armada (${name}). Restore it with that version or a later one.`,
        );
      await copyFile(file, path.join(folder, path.basename(name)));
    }
    await migrate(url, folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function refuseOtherSchema(client: pg.Client, head: Head): Promise<void> {
  const { rows } = await client.query<{ name: string; sha256: string }>('select name, sha256 from migrations');
  const known = new Map(rows.map(({ name, sha256 }) => [name, sha256]));
  const other = head.migrations.find(({ name, sha256 }) => known.get(name) !== sha256);
  if (other || head.migrations.length === 0)
    throw new OperateFault(
      `The backup's tables are not those of this Armada (${other?.name ?? 'none'}). Restore it with the version that made it.`,
    );
}

async function tablesOf(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' and tablename <> 'migrations' order by tablename`,
  );
  return rows.map(({ name }) => name);
}

function quoted(name: string): string {
  return pg.escapeIdentifier(name);
}
