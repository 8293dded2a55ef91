import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPostgres } from '../../../infra/local/postgres.ts';
import { eventually } from '../../support/eventually.ts';

const stage = join(tmpdir(), 'armada-postgres');
let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'armada-pg-test-'));
  await chmod(base, 0o711);
});
afterAll(() => rm(base, { recursive: true, force: true }));

async function ask(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query({ text, rowMode: 'array' })).rows;
  } finally {
    await client.end();
  }
}

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('a PostgreSQL of our own', () => {
  test('keeps its data, password and port from one start to the next', async () => {
    const directory = join(base, 'kept');
    const first = await startPostgres({ directory, stage, durable: true });
    await ask(first.url, 'create table kept as select 7 as n');
    expect(await ask(first.url, 'show fsync')).toEqual([['on']]);
    await first.stop();
    const second = await startPostgres({ directory, stage, durable: true });
    try {
      expect(second.url).toBe(first.url);
      expect(await ask(second.url, 'select n from kept')).toEqual([[7]]);
      expect((await stat(join(directory, 'password'))).mode & 0o777).toBe(0o600);
      expect((await stat(join(directory, 'data'))).mode & 0o777).toBe(0o700);
    } finally {
      await second.stop();
    }
  });

  test('lets nobody in without the password', async () => {
    const server = await startPostgres({ directory: join(base, 'closed'), stage, durable: false });
    try {
      const url = new URL(server.url);
      url.password = 'wrong';
      await expect(ask(url.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
    } finally {
      await server.stop();
    }
  });

  test('ends the server that an earlier run left behind', async () => {
    const directory = join(base, 'stale');
    const left = await startPostgres({ directory, stage, durable: true });
    await ask(left.url, 'create table written as select 1 as n');
    const next = await startPostgres({ directory, stage, durable: true });
    try {
      await left.exited;
      expect(alive(left.pid)).toBe(false);
      expect(await ask(next.url, 'select n from written')).toEqual([[1]]);
    } finally {
      await next.stop();
    }
  });

  test('comes up after its server was killed', async () => {
    const directory = join(base, 'killed');
    const killed = await startPostgres({ directory, stage, durable: true });
    await ask(killed.url, 'create table written as select 1 as n');
    process.kill(killed.pid, 'SIGKILL');
    await killed.exited;
    const next = await startPostgres({ directory, stage, durable: true });
    try {
      expect(await ask(next.url, 'select n from written')).toEqual([[1]]);
    } finally {
      await next.stop();
    }
  });

  test('says that the port it was told is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const attempt = startPostgres({ directory: join(base, 'taken'), stage, durable: false, port });
    await expect(attempt).rejects.toThrow(`port ${port}, asked for PostgreSQL, is taken`);
    other.close();
  });

  test.runIf(process.platform === 'linux')('ends when the process that started it is killed', async () => {
    const directory = join(base, 'orphan');
    const module = fileURLToPath(new URL('../../../infra/local/postgres.ts', import.meta.url));
    const script = `import { startPostgres } from ${JSON.stringify(module)};
      await startPostgres(${JSON.stringify({ directory, stage, durable: false })});
      console.log('up'); setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(parent.stdout, 'data');
    const pid = Number.parseInt(await readFile(join(directory, 'data', 'postmaster.pid'), 'utf8'), 10);
    expect(alive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await eventually(() => !alive(pid));
  });
});
