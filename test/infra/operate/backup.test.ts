import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { CognitoIdentityProviderClient, ListUsersCommand } from '@aws-sdk/client-cognito-identity-provider';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataFolder } from '../../../infra/local/data-folder.ts';
import { type Services, startServices } from '../../../infra/local/services.ts';
import { backup, restore } from '../../../infra/operate/backup.ts';
import { eventually } from '../../support/eventually.ts';
import { anyPort, temporaryDataFolder } from '../../support/product.ts';

const manyFiles = 2000;
const never = new AbortController().signal;
const said: string[] = [];

function options(data: string) {
  return {
    data,
    databaseUrl: undefined,
    report: (line: string) => said.push(line),
    now: () => new Date(),
    signal: never,
  };
}

/** The product on one machine, without an IDE in its workspaces. */
async function start(root: string) {
  const data = openDataFolder(root);
  const port = await anyPort();
  const services = await startServices(
    {
      data,
      port,
      email: 'grace@school.example',
      databaseUrl: undefined,
      awsScript: path.resolve('test/bench/aws.ts'),
      images: { gate: 'bench/gate:now', ide: 'bench/ide:none' },
      report: () => {},
    },
    never,
  );
  const call = async (method: string, route: string, body?: object) => {
    const response = await fetch(`http://localhost:${port}/v1${route}`, {
      method,
      headers: {
        authorization: `Bearer ${data.secrets.operatorToken}`,
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    expect(response.status, `${method} ${route}: ${text}`).toBeLessThan(300);
    return JSON.parse(text || 'null');
  };
  return {
    services,
    data,
    call,
    async stop() {
      await services.stop();
      data.release();
    },
  };
}

/** What tells whether an installation is the same: what was asked, not how far the loop is. */
async function listing(call: Awaited<ReturnType<typeof start>>['call']) {
  const students = await call('GET', '/cohorts/fall/students');
  const workspaces = await call('GET', '/workspaces?limit=500');
  const courses = await call('GET', '/courses');
  const known = ({ id, slug, spec, createdAt, generation }: Record<string, unknown>) => ({
    id,
    slug,
    spec,
    createdAt,
    generation,
  });
  return [students, workspaces, courses].map(list => list.items.map(known));
}

async function users(services: Services) {
  const cognito = new CognitoIdentityProviderClient(services.groundOptions);
  const { Users = [] } = await cognito.send(new ListUsersCommand({ UserPoolId: services.ground.userPoolId }));
  cognito.destroy();
  return Users.map(user => `${user.Username} ${user.UserStatus}`).sort();
}

/** Every entry of a tree with mode, owner, time and hash; links are not followed. */
async function fingerprint(root: string, below = ''): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of await readdir(path.join(root, below))) {
    const entry = path.join(below, name);
    const file = path.join(root, entry);
    const kind = await lstat(file);
    const content = kind.isSymbolicLink()
      ? await readlink(file)
      : kind.isFile()
        ? createHash('sha256')
            .update(await readFile(file))
            .digest('hex')
        : '';
    const time = kind.isFile() ? Math.floor(kind.mtimeMs / 1000) : '';
    found[entry] = [kind.mode.toString(8), kind.uid, kind.gid, time, content].join(' ');
    if (kind.isDirectory()) Object.assign(found, await fingerprint(root, entry));
  }
  return found;
}

/** Files as a student may leave them, with a link to something outside the homes. */
async function fill(home: string, secret: string) {
  await mkdir(path.join(home, 'project', 'many'), { recursive: true });
  await writeFile(path.join(home, 'project', 'main.c'), 'int main(void) { return 0; }\n', { mode: 0o640 });
  await writeFile(path.join(home, 'two\nlines'), 'newline');
  await writeFile(path.join(home, '-rf'), 'looks like an option');
  await symlink(secret, path.join(home, 'outside'));
  await symlink('/nowhere/at/all', path.join(home, 'dangling'));
  await symlink('..', path.join(home, 'project', 'up'));
  execFileSync('/usr/bin/mkfifo', [path.join(home, 'pipe')]);
  for (let n = 0; n < manyFiles; n += 1) await writeFile(path.join(home, 'project', 'many', `${n}`), `${n}`);
  if (process.getuid?.() === 0)
    for (const name of ['project', 'two\nlines']) await chown(path.join(home, name), 20_001, 20_001);
}

describe('backup and restore on one machine', () => {
  let folder: Awaited<ReturnType<typeof temporaryDataFolder>>;
  let outside: string;
  let product: Awaited<ReturnType<typeof start>>;
  let before: { listing: unknown; users: string[]; homes: Record<string, string> };
  const at = (name: string) => path.join(folder.path, name);

  beforeAll(async () => {
    folder = await temporaryDataFolder();
    outside = await mkdtemp(path.join(os.tmpdir(), 'armada-outside-'));
    await writeFile(path.join(outside, 'secret'), 'not of any home');
    product = await start(at('old'));
    const { call } = product;
    await call('PUT', '/cohorts/fall', { name: 'Fall' });
    await call('PUT', '/courses/c', { name: 'C' });
    await call('PUT', '/courses/c/cohorts/fall');
    await call('POST', '/cohorts/fall/roster', {
      text: 'Ada Lovelace, ada@school.example\nAlan Turing, alan@school.example',
    });
    const home = path.join(product.data.homes, 'fs-test', 'homes', 'ada');
    await mkdir(home, { recursive: true });
    await fill(home, path.join(outside, 'secret'));
    await eventually(async () => (await users(product.services)).length === 3);
    before = {
      listing: await listing(call),
      users: await users(product.services),
      homes: await fingerprint(product.data.homes),
    };
  });

  afterAll(async () => {
    await product?.stop();
    await folder?.remove();
    await rm(outside, { recursive: true });
  });

  it('saves a running installation and restores it to the same listing, users and files', async () => {
    // In-process the folder is ours; the product's own process is somebody else's.
    const file = await saveFromAnotherProcess(at('old'), at('running.tar.gz'));
    expect((await stat(file)).mode & 0o077).toBe(0);
    await restore(file, options(at('new')));
    expect(await fingerprint(at('new/homes'))).toEqual(before.homes);
    await product.stop();
    product = await start(at('new'));
    expect(await listing(product.call)).toEqual(before.listing);
    expect(await users(product.services)).toEqual(expect.arrayContaining(before.users));
    // Keys go on from where they were: a new row meets no old one.
    await product.call('POST', '/cohorts/fall/roster', { text: 'Mary Shelley, mary@school.example' });
    expect((await listing(product.call))[0]).toHaveLength(3);
  });

  it('saves a stopped installation and frees its folder again', async () => {
    await product.stop();
    const file = await backup(folder.path, options(at('new')));
    expect(path.basename(file)).toMatch(/^armada-.*\.tar\.gz$/);
    await restore(file, options(at('third')));
    expect(await fingerprint(at('third/homes'))).toEqual(before.homes);
    product = await start(at('new'));
  });

  it('refuses a folder that is not empty, and leaves it as it was', async () => {
    await mkdir(at('full'));
    await writeFile(at('full/thesis.txt'), 'mine');
    await expect(restore(at('running.tar.gz'), options(at('full')))).rejects.toThrow(/not empty/);
    expect(await readdir(at('full'))).toEqual(['thesis.txt']);
  });

  it('leaves nothing behind when the archive is cut short', async () => {
    const whole = await readFile(at('running.tar.gz'));
    await writeFile(at('cut.tar.gz'), whole.subarray(0, whole.length - 200));
    await expect(restore(at('cut.tar.gz'), options(at('half')))).rejects.toThrow(/whole/);
    expect((await readdir(folder.path)).filter(name => name.startsWith('half'))).toEqual([]);
  });

  it('says what to do where there is no installation, and never overwrites a backup', async () => {
    await expect(backup(folder.path, options(at('nothing')))).rejects.toThrow(/--data/);
    await expect(backup(at('running.tar.gz'), options(at('old')))).rejects.toThrow(/another name/);
  });
});

async function saveFromAnotherProcess(data: string, to: string): Promise<string> {
  const { execFile } = await import('node:child_process');
  const { promisify } = await import('node:util');
  const { DATABASE_URL: _, ...env } = process.env;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['infra/operate/main.ts', 'backup', '--data', data, '--to', to],
    { env },
  );
  expect(stdout).toMatch(/was running/);
  return to;
}
