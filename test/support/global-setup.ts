import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { migrate } from '../../api/store/migrate.ts';
import { startPostgres } from '../../infra/local/postgres.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Connection string of the run's PostgreSQL, with the right to create databases. */
    postgresUrl: string;
    /** Name of a migrated, unused database that others are cloned from. */
    templateDatabase: string;
  }
}

/** One PostgreSQL for the whole run: TEST_DATABASE_URL's, else an embedded one that is thrown away. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['TEST_DATABASE_URL'];
  const server = given === undefined ? await throwaway() : { url: given, stop: async () => {} };
  const template = `armada_template_${randomUUID().slice(0, 8)}`;
  try {
    await query(server.url, `create database ${template}`);
    const url = new URL(server.url);
    url.pathname = `/${template}`;
    await migrate(url.href);
  } catch (error) {
    await server.stop();
    throw error;
  }
  project.provide('postgresUrl', server.url);
  project.provide('templateDatabase', template);
  return async () => {
    if (given !== undefined) await query(server.url, `drop database ${template} with (force)`);
    await server.stop();
  };
}

async function throwaway(): Promise<{ url: string; stop(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'armada-test-'));
  await chmod(directory, 0o711);
  // The programs stay for the next run.
  const stage = join(tmpdir(), 'armada-postgres');
  const server = await startPostgres({ directory: join(directory, 'postgres'), stage, durable: false });
  return {
    url: server.url,
    async stop() {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function query(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}
