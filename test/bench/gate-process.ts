import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { localImages } from '../../infra/local/images.ts';
import { Browser } from '../infra/gate/browser.ts';
import { makeTask, startPortal } from '../infra/gate/support.ts';
import { eventually } from '../support/eventually.ts';
import { anyPort } from '../support/product.ts';
import { ending } from './ending.ts';
import { rounded } from './figures.ts';

/** A gate as its image runs it, in a process of its own, with somebody inside. */
export interface GateProcess {
  readonly child: ChildProcess;
  readonly port: number;
  readonly browser: Browser;
  close(): Promise<unknown>;
}

/** Starts one once an IDE answers at the socket that `startIde` is given. */
export async function startGateProcess(startIde: (socketPath: string) => Promise<unknown>): Promise<GateProcess> {
  const stage = await mkdtemp(path.join(os.tmpdir(), 'armada-bench-'));
  const task = await makeTask();
  const portal = await startPortal();
  const socketPath = path.join(task.run, 'ide.sock');
  await startIde(socketPath);
  const images = await localImages({
    node: process.execPath,
    stageDirectory: stage,
    ide: { entry: Promise.resolve('none') },
  });
  const [program = '', ...args] = images.get('armada/gate:local')?.entryPoint ?? [];
  const port = await anyPort();
  const env = { ...task.env, PORT: String(port), ARMADA_HEARTBEAT_URL: portal.url };
  const child = spawn(program, args, { env, stdio: 'ignore' });
  const close = ending(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const exit = once(child, 'exit');
      child.kill();
      await exit;
    }
    await portal.close();
    for (const folder of [stage, task.folder]) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  await eventually(async () => (await new Browser(port).ask('/.gate/health')).status === 200);
  const browser = new Browser(port);
  await browser.enter();
  return { child, port, browser, close };
}

/**
 * Resident memory in MiB. Most of it is Node's program, which all gates of a host share: `private` is what each has
 * alone, and `pss` counts the shared in parts. Source: proc(5).
 */
export function memoryFigure({ pid }: ChildProcess) {
  const field = (file: string, name: string) =>
    Number(
      new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'))?.[1] ?? Number.NaN,
    ) / 1024;
  const alone = field('smaps_rollup', 'Private_Clean') + field('smaps_rollup', 'Private_Dirty');
  const of = { private: rounded(alone), pss: rounded(field('smaps_rollup', 'Pss')) };
  return { value: rounded(field('status', 'VmRSS')), unit: 'MiB', of };
}
