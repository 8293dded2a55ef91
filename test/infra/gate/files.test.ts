import { execFile, execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, open, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { enterPath, filesPath } from '../../../api/resources/entrance.ts';
import { archiveOf, leftOutName } from '../../../infra/gate/files/archive.ts';
import { safeTarget } from '../../../infra/gate/paths.ts';
import { eventually } from '../../support/eventually.ts';
import { Browser, navigation } from './browser.ts';
import { host, startWorld } from './support.ts';

const run = promisify(execFile);
let folder: string;
let home: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'files-'));
  home = path.join(folder, 'home');
  await mkdir(path.join(home, '.armada'), { recursive: true });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** What another's program makes of the archive: name → text. Python's reader checks every sum. */
async function unpacked(bytes: Buffer): Promise<Record<string, string>> {
  const file = path.join(folder, 'home.zip');
  await writeFile(file, bytes);
  const script = `import json, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
print(json.dumps({i.filename: z.read(i).decode('latin1') if i.file_size < 100000 else str(i.file_size) for i in z.infolist()}))`;
  const { stdout } = await run('python3', ['-c', script, file], { maxBuffer: 1e8 });
  return JSON.parse(stdout);
}

async function archived(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of archiveOf(home, new Date())) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test('an archive holds every file as it is, odd names, empty folders and large files too', async () => {
  await writeFile(path.join(home, 'main.py'), 'print("hi")\n');
  await mkdir(path.join(home, 'empty'));
  await mkdir(path.join(home, 'a folder'));
  await writeFile(path.join(home, 'a folder', 'Zoë\nof two lines.txt'), 'x');
  await writeFile(path.join(home, 'nothing'), '');
  const noise = Buffer.alloc(3_000_000, 'armada ');
  await writeFile(path.join(home, 'large.bin'), noise);
  expect(await unpacked(await archived())).toEqual({
    'main.py': 'print("hi")\n',
    'empty/': '',
    'a folder/': '',
    'a folder/Zoë\nof two lines.txt': 'x',
    nothing: '',
    'large.bin': String(noise.length),
  });
});

test('T14: links are not followed and pipes not waited for; what is left out is named, and nothing outside is read', async () => {
  await writeFile(path.join(folder, 'secret'), 'the-secret-outside');
  await mkdir(path.join(folder, 'others'));
  await writeFile(path.join(folder, 'others', 'mail'), 'the-secret-outside');
  await symlink(path.join(folder, 'secret'), path.join(home, 'link'));
  await symlink(path.join(folder, 'others'), path.join(home, 'linked'));
  execFileSync('mkfifo', [path.join(home, 'pipe')]);
  await writeFile(path.join(home, 'own'), 'mine');
  await writeFile(path.join(home, '.armada', 'home'), 'marker');
  const found = await unpacked(await archived());
  expect(Object.keys(found).sort()).toEqual([leftOutName, 'own']);
  expect(found[leftOutName]!.trim().split('\n').sort()).toEqual([
    'link: a link; links are not followed',
    'linked: a link; links are not followed',
    'pipe: a pipe, socket or device',
  ]);
  expect(JSON.stringify(found)).not.toContain('the-secret-outside');
});

test('T14: a folder that is exchanged for a link while it is gone through leads nowhere else', async () => {
  await mkdir(path.join(folder, 'others'));
  await writeFile(path.join(folder, 'others', 'mail'), 'the-secret-outside');
  await mkdir(path.join(home, 'inner'));
  for (let index = 0; index < 50; index += 1) await writeFile(path.join(home, 'inner', `mail${index}`), 'mine');
  await writeFile(path.join(home, 'inner', 'mail'), 'mine');
  const chunks: Buffer[] = [];
  let exchanged = false;
  for await (const chunk of archiveOf(home, new Date())) {
    chunks.push(chunk);
    if (exchanged || !Buffer.concat(chunks).includes('inner/')) continue;
    exchanged = true;
    await rename(path.join(home, 'inner'), path.join(folder, 'moved'));
    await symlink(path.join(folder, 'others'), path.join(home, 'inner'));
  }
  const found = await unpacked(Buffer.concat(chunks));
  expect(exchanged).toBe(true);
  expect(found['inner/mail']).toBe('mine');
  expect(JSON.stringify(found)).not.toContain('the-secret-outside');
});

test('a file that grows and one of holes end', async () => {
  const log = path.join(home, 'log');
  await writeFile(log, 'x'.repeat(1_000_000));
  await writeFile(path.join(home, 'holes'), '');
  await truncate(path.join(home, 'holes'), 2 ** 41);
  const growing = await open(log, 'a');
  const chunks: Buffer[] = [];
  for await (const chunk of archiveOf(home, new Date())) {
    chunks.push(chunk);
    await growing.appendFile('y'.repeat(500_000));
  }
  await growing.close();
  const found = await unpacked(Buffer.concat(chunks));
  expect(found['log']).toBe('1000000');
  expect(found[leftOutName]).toBe('holes: too large\n');
});

test('many files are sent in memory that does not grow with their number', async () => {
  const script = `
    import { mkdirSync, linkSync, writeFileSync } from 'node:fs';
    import { archiveOf } from '${path.resolve('infra/gate/files/archive.ts')}';
    const home = process.argv[1];
    for (let f = 0; f < 20; f += 1) {
      mkdirSync(home + '/' + f);
      writeFileSync(home + '/' + f + '/0', 'some text of a student');
      for (let i = 1; i < 1000; i += 1) linkSync(home + '/' + f + '/0', home + '/' + f + '/a name of usual length ' + i + '.txt');
    }
    let [bytes, early, most, count] = [0, 0, 0, 0];
    for await (const chunk of archiveOf(home, new Date())) {
      bytes += chunk.length;
      count += 1;
      if (count % 1000 !== 0) continue;
      gc();
      const used = process.memoryUsage().heapUsed + process.memoryUsage().external;
      if (count === 5000) early = used;
      most = Math.max(most, used);
    }
    console.log(JSON.stringify({ bytes, count, grown: (most - early) / (count - 5000) }));`;
  const { stdout } = await run(process.execPath, ['--expose-gc', '--input-type=module', '-e', script, home]);
  const { count, grown } = JSON.parse(stdout);
  expect(count).toBeGreaterThan(20_000);
  // The list's block of 256 KiB is 35 a file here; whoever kept an object for each would hold several hundreds.
  expect(grown, `${grown} bytes a file`).toBeLessThan(150);
});

test('the gate sends the home to who may come in, by a link through the portal, and to nobody else', async () => {
  const world = await startWorld();
  try {
    const browser = new Browser(world.gate.port);
    await eventually(() => world.portal.beats.some(beat => beat.ready));
    await writeFile(path.join(world.home, 'main.py'), 'print(1)\n');
    const signedOut = await browser.ask(filesPath, { headers: navigation });
    expect(signedOut.status).toBe(303);
    expect(signedOut.headers.location).toContain(encodeURIComponent(filesPath));
    expect((await browser.ask(filesPath)).status).toBe(401);
    await browser.enter();
    const { cookies } = browser;
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await bytesOf(world.gate.port, cookie);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/zip',
      'content-disposition': 'attachment; filename="fall-intro-ada.zip"',
    });
    expect(await unpacked(answer.body)).toEqual({ 'main.py': 'print(1)\n' });
    expect((await browser.ask(filesPath, { method: 'DELETE', headers: { origin: `http://${host}` } })).status).toBe(
      405,
    );
  } finally {
    await world.close();
  }
});

test('a link may lead to the files through the portal, and to nothing else of the gate’s', () => {
  const place = { origin: `http://${host}`, base: '' };
  expect(safeTarget(place, filesPath)).toBe(`http://${host}${filesPath}`);
  for (const other of [enterPath, `${filesPath}/x`, '/.gate/'])
    expect(safeTarget(place, other)).toBe(`http://${host}/`);
});

function bytesOf(port: number, cookie: string): Promise<{ headers: http.IncomingHttpHeaders; body: Buffer }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ headers: http.IncomingHttpHeaders; body: Buffer }>();
  const request = http.get({ port, host: '127.0.0.1', path: filesPath, headers: { host, cookie } }, response => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(chunks) }));
  });
  request.on('error', reject);
  return promise;
}
