import pg from 'pg';
import { setup } from '../support/global-setup.ts';

/** Databases for the processes of a campaign, out of a PostgreSQL that is thrown away. */
export interface Databases {
  readonly urls: readonly string[];
  close(): Promise<void>;
}

/** Starts PostgreSQL (or takes TEST_DATABASE_URL's) and makes so many migrated, empty databases. */
export async function openDatabases(count: number): Promise<Databases> {
  const provided = new Map<string, string>();
  const teardown = await setup({ provide: (name: string, value: string) => provided.set(name, value) } as never);
  const server = provided.get('postgresUrl') ?? '';
  const urls = await cloned(server, provided.get('templateDatabase') ?? '', count);
  return {
    urls,
    async close() {
      for (const url of urls) await inServer(server, `drop database ${new URL(url).pathname.slice(1)} with (force)`);
      await teardown();
    },
  };
}

async function cloned(server: string, template: string, count: number): Promise<readonly string[]> {
  const urls: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const name = `campaign_${process.pid}_${index}`;
    await inServer(server, `create database ${name} template ${template}`);
    const url = new URL(server);
    url.pathname = `/${name}`;
    urls.push(url.href);
  }
  return urls;
}

async function inServer(server: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}
