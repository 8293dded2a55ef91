import { randomUUID } from 'node:crypto';
import { appendFile, cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { migrate } from '../../../api/store/migrate.ts';

let folder: string;
let url: string;
let admin: pg.Client;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'armada-migrations-'));
  await cp(new URL('../../../migrations', import.meta.url), folder, { recursive: true });
  admin = new pg.Client({ connectionString: inject('postgresUrl') });
  await admin.connect();
  const name = `migrate_${randomUUID().replaceAll('-', '')}`;
  await admin.query(`create database ${name}`);
  url = new URL(`/${name}`, inject('postgresUrl')).href;
});
afterEach(async () => {
  await admin.query(`drop database ${new URL(url).pathname.slice(1)} with (force)`);
  await admin.end();
  await rm(folder, { recursive: true });
});

test('applies each migration once, though two run at the same time', async () => {
  const [first, second] = await Promise.all([migrate(url, folder), migrate(url, folder)]);
  const present = (await readdir(folder)).toSorted();
  expect([...first, ...second]).toEqual(present);
  await writeFile(join(folder, '9999_more.sql'), 'create table more ();');
  expect(await migrate(url, folder)).toEqual(['9999_more.sql']);
  expect(await migrate(url, folder)).toEqual([]);
});

test('refuses a migration that was edited after it was applied', async () => {
  await migrate(url, folder);
  await appendFile(join(folder, '0001_class.sql'), '\n-- better');
  await expect(migrate(url, folder)).rejects.toThrow('0001_class.sql was edited');
});

test('undoes a migration that fails half-way, and keeps the earlier ones', async () => {
  await writeFile(join(folder, '0009_broken.sql'), 'create table half (); select 1/0;');
  await expect(migrate(url, folder)).rejects.toThrow('0009_broken.sql failed');
  await writeFile(join(folder, '0009_broken.sql'), 'create table half ();');
  expect(await migrate(url, folder)).toEqual(['0009_broken.sql']);
});
