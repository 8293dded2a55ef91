import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type InstallProgress, installIde } from '../../../infra/local/ide/install.ts';
import { type Command, explainFailure, npmCommand } from '../../../infra/local/ide/npm.ts';

const source = path.join(import.meta.dirname, '../../../infra/local/ide');
let folder: string;
let progress: InstallProgress[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'ide-install-'));
  progress = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A program in npm's place: notes each run, then runs `script` in the folder that is to be filled. */
async function npmThat(script: string): Promise<Command> {
  const file = path.join(folder, 'npm.mjs');
  await writeFile(
    file,
    `import fs from 'node:fs';
fs.appendFileSync(${JSON.stringify(path.join(folder, 'runs'))}, process.argv.slice(2).join(' ') + '\\n');
const code = 'node_modules/code-server';
const fill = () => {
  fs.mkdirSync(code + '/out/node', { recursive: true });
  fs.mkdirSync(code + '/lib/vscode/extensions', { recursive: true });
  fs.writeFileSync(code + '/out/node/entry.js', '', { mode: 0o600 });
  fs.writeFileSync(code + '/tool', '', { mode: 0o700 });
};
${script}`,
  );
  return { file: process.execPath, args: [file] };
}

const directory = () => path.join(folder, 'stage');
const runs = async () => (await readFile(path.join(folder, 'runs'), 'utf8')).match(/^ci /gm);
const install = (npm: Command, signal?: AbortSignal) =>
  installIde({ directory: directory(), npm, onProgress: each => progress.push(each), ...(signal && { signal }) });

test('an installation is made once, told step by step, and readable by everyone', async () => {
  const npm = await npmThat(`process.umask(0o077);
fill();
for (let i = 0; i < 300; i += 1) console.error('npm http fetch GET 200 https://registry.example/p/-/p-' + i + '.tgz 5ms');`);
  const first = await install(npm);
  expect(first.entry).toBe(path.join(first.directory, 'node_modules/code-server/out/node/entry.js'));
  expect(progress.map(each => each.step)).toEqual(
    [...progress.map(each => each.step)].sort((a, b) => order(a) - order(b)),
  );
  const last = progress.findLast(each => each.step === 'download');
  expect(last!.of - last!.done).toBeLessThanOrEqual(1);
  expect(progress.at(-1)).toEqual({ step: 'link', done: 1, of: 1 });
  expect((await stat(first.entry)).mode & 0o777).toBe(0o644);
  expect((await stat(path.join(first.directory, 'node_modules/code-server/tool'))).mode & 0o777).toBe(0o755);
  expect((await stat(path.join(first.directory, 'node_modules'))).mode & 0o777).toBe(0o755);
  expect(await install(npm)).toEqual(first);
  expect((await runs())?.length).toBe(1);
});

const order = (step: InstallProgress['step']) => ['download', 'unpack', 'link'].indexOf(step);

test('an installation that ended in the middle is cleared away and made again', async () => {
  await expect(install(await npmThat('fill(); process.exit(1);'))).rejects.toThrow('npm ci failed');
  expect(await readdir(directory())).toEqual([]);
  const ended = path.join(directory(), 'ide-0123456789ab.part-999999999');
  await mkdir(ended);
  const installed = await install(await npmThat('fill();'));
  expect(await readdir(directory())).toEqual([path.basename(installed.directory)]);
});

test('an installation without code-server is none', async () => {
  await expect(install(await npmThat('fill(); fs.rmSync(code + "/out/node/entry.js");'))).rejects.toThrow('entry.js');
  expect(await readdir(directory())).toEqual([]);
});

test('an installation can be ended', async () => {
  const abort = new AbortController();
  const npm = await npmThat(`console.error('npm http fetch GET 200 https://r/p.tgz'); setInterval(() => {}, 1000);`);
  const installing = installIde({
    directory: directory(),
    npm,
    signal: abort.signal,
    onProgress: each => each.done > 0 && abort.abort(new Error('ended by a person')),
  });
  await expect(installing).rejects.toThrow('ended by a person');
  expect(await readdir(directory())).toEqual([]);
});

test('a failure says what to do', async () => {
  const refused = `npm error code ECONNREFUSED\nnpm error FetchError: request to https://registry.example/ws failed`;
  const sentences = {
    [refused]: 'registry.example does not answer (ECONNREFUSED). Check the network',
    'npm error code ENOSPC': 'The disk is full: the IDE needs about 500 MB in /data/stage.',
    'npm error code EINTEGRITY': 'npm cache clean --force',
    'npm error code E403': 'the npm registry refused the download (E403)',
    'npm error code EACCES': "/data/stage can't be written to",
  };
  for (const [output, sentence] of Object.entries(sentences)) {
    expect(explainFailure(output, '/data/stage/ide-1.part-2')).toContain(sentence);
  }
});

test('npm is the one that started us, else the first on the PATH', async () => {
  const script = path.join(folder, 'npm-cli.js');
  expect(await npmCommand({ npm_execpath: script })).toEqual({ file: process.execPath, args: [script] });
  const program = path.join(folder, 'bin', 'npm');
  await mkdir(path.dirname(program));
  await writeFile(program, '');
  await chmod(program, 0o755);
  expect(await npmCommand({ PATH: `/nowhere:${path.dirname(program)}` })).toEqual({ file: program, args: [] });
  await expect(npmCommand({ PATH: '/nowhere' })).rejects.toThrow('npm was not found');
});

test('the lock names no registry, and every package by its hash', async () => {
  const { packages } = JSON.parse(await readFile(path.join(source, 'package-lock.json'), 'utf8'));
  for (const [name, each] of Object.entries<{ resolved?: string; integrity?: string; link?: boolean }>(packages)) {
    const stub = name.startsWith('stubs/') || each.link === true || name === '';
    if (!stub) expect(each.integrity, name).toMatch(/^sha512-/);
    if (!stub) expect(each.resolved).toBeUndefined();
  }
});

test('the IDE is not older than its last known hole', async () => {
  const { dependencies } = JSON.parse(await readFile(path.join(source, 'package.json'), 'utf8'));
  const [major = 0, minor = 0, patch = 0] = String(dependencies['code-server']).split('.').map(Number);
  // 4.124.2: earlier ones sent the session's cookie to local ports.
  expect(major * 1e6 + minor * 1e3 + patch).toBeGreaterThanOrEqual(4_124_002);
});
