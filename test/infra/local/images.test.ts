import { type ChildProcess, spawn } from 'node:child_process';
import { access, mkdir, mkdtemp, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { localImages } from '../../../infra/local/images.ts';
import { eventually } from '../../support/eventually.ts';
import { type Ide, makeTask, type Portal, startIde, startPortal } from '../gate/support.ts';

let stage: string;
let task: Awaited<ReturnType<typeof makeTask>>;
let portal: Portal;
let ide: Ide;
const children: ChildProcess[] = [];

beforeEach(async () => {
  stage = path.join(await mkdtemp(path.join(tmpdir(), 'stage-')), 'a stage');
  [task, portal] = await Promise.all([makeTask(), startPortal()]);
  ide = await startIde(path.join(task.run, 'ide.sock'));
});
afterEach(async () => {
  for (const child of children.splice(0)) await ended(child, 'SIGKILL');
  await Promise.all([portal.close(), ide.close()]);
  for (const folder of [path.dirname(stage), task.folder]) await rm(folder, { recursive: true, force: true });
});

function run(argv: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { env: { PATH: process.env['PATH'], ...env }, stdio: 'ignore' });
  children.push(child);
  return child;
}

function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  const exited = new Promise<number | null>(resolve => child.once('exit', resolve));
  child.kill(signal);
  return exited;
}

async function images(entry = Promise.resolve('/nowhere')) {
  const table = await localImages({ node: process.execPath, stageDirectory: stage, ide: { entry } });
  return { gate: table.get('armada/gate:local')!, ide: table.get('armada/ide:local')! };
}

test('the gate’s image is a gate: it holds the home, reports, and ends when asked', async () => {
  const { gate } = await images();
  const env = { ...gate.environment, ...task.env, ARMADA_HEARTBEAT_URL: portal.url };
  const child = run(gate.entryPoint, env);
  await eventually(() => portal.beats.some(beat => beat.ready));
  await access(path.join(task.run, 'gate-ready'));
  expect(await ended(child, 'SIGTERM')).toBe(0);
  await expect(access(path.join(task.run, 'gate-ready'))).rejects.toThrow();
  // Even a gate that was killed leaves the home free.
  const killed = run(gate.entryPoint, env);
  await eventually(() => access(path.join(task.run, 'gate-ready')).then(() => true));
  await ended(killed, 'SIGKILL');
  portal.beats.length = 0;
  run(gate.entryPoint, env);
  await eventually(() => portal.beats.some(beat => beat.ready));
});

test('a gate with a wrong environment ends and says why', async () => {
  const { gate } = await images();
  const [file = '', ...args] = gate.entryPoint;
  const child = spawn(file, args, { env: { PATH: process.env['PATH'] }, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', chunk => {
    said += chunk;
  });
  expect(await new Promise(resolve => child.once('close', resolve))).toBe(1);
  expect(said).toMatch(/^The gate can't start: .*ARMADA_WORKSPACE_ID is missing/);
});

test('every program of the images can be read and run by everyone, and none is large', async () => {
  const { gate, ide: image } = await images();
  const programs = [...gate.entryPoint, ...image.entryPoint].filter(each => each.startsWith('/'));
  expect(programs.length).toBeGreaterThan(3);
  for (const each of programs) expect((await stat(each)).mode & 0o755, each).toBe(0o755);
  const bundle = await readFile(gate.entryPoint.at(-1)!, 'utf8');
  expect(bundle.length).toBeLessThan(300_000);
});

test('the IDE’s image is there once the IDE is installed', async () => {
  const entry = Promise.withResolvers<string>();
  const { ide: image } = await images(entry.promise);
  const link = image.environment!['ARMADA_IDE_SCRIPT']!;
  await expect(access(link)).rejects.toThrow();
  const program = path.join(stage, 'ide', 'entry.js');
  await mkdir(path.dirname(program));
  const told = path.join(task.folder, 'told');
  await writeFile(program, `require('fs').writeFileSync(${JSON.stringify(told)}, process.argv.slice(2).join(' '))`);
  entry.resolve(program);
  await image.ready;
  expect(await readlink(link)).toBe(program);
  run([...image.entryPoint, '--auth', 'none'], { ...image.environment, HOME: task.home });
  await eventually(async () => expect(await readFile(told, 'utf8')).toMatch(/ --auth none$/));
});

test('an IDE that can’t be installed is an image that can’t be fetched', async () => {
  const failed = Promise.reject(new Error('no network'));
  const { ide: image } = await images(failed);
  await expect(image.ready).rejects.toThrow('no network');
});
