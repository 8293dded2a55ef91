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
  const made = await cloned(server, provided.get('templateDatabase') ?? '', count);
  const urls = await Promise.all(made.map(bySocket));
  return {
    urls,
    async close() {
      for (const url of urls) await asked(server, `drop database ${new URL(url).pathname.slice(1)} with (force)`);
      await teardown();
    },
  };
}

/** The same database by the server's socket, where this process reaches one: each statement costs half as much. */
export async function bySocket(url: string): Promise<string> {
  const [settings] = await asked(
    url,
    `select current_setting('unix_socket_directories') as folders, current_setting('port') as port`,
  );
  const [folder = ''] = String(settings?.['folders'] ?? '').split(',');
  if (!folder.startsWith('/')) return url;
  const { username, password, pathname } = new URL(url);
  const near = `postgres://${username}:${password}@${encodeURIComponent(folder)}:${settings?.['port']}${pathname}`;
  return asked(near, 'select').then(
    () => near,
    () => url,
  );
}

async function cloned(server: string, template: string, count: number): Promise<readonly string[]> {
  const urls: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const name = `campaign_${process.pid}_${index}`;
    await asked(server, `create database ${name} template ${template}`);
    const url = new URL(server);
    url.pathname = `/${name}`;
    urls.push(url.href);
  }
  return urls;
}

async function asked(url: string, text: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}
