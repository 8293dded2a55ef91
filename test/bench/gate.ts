import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { localImages } from '../../infra/local/images.ts';
import { Browser } from '../infra/gate/browser.ts';
import { makeTask, origin, startIde, startPortal } from '../infra/gate/support.ts';
import { eventually } from '../support/eventually.ts';
import { anyPort } from '../support/product.ts';
import { type Bench, median, quantile, rounded } from './figures.ts';
import { firstLoads } from './first-load.ts';

const goals = { p50: 1, p99: 5, mebibytes: 60, load: 1.1 };
const requests = 4_000;
const sockets = 5;

/** What the gate costs beside a direct connection: a request's latency, its memory, and a workbench's first load. */
export const gate: Bench = {
  name: 'gate',
  does: 'latency and memory that the gate adds, and a workbench’s first load through balancer and gate',
  async run(print) {
    const stage = await mkdtemp(path.join(os.tmpdir(), 'armada-bench-'));
    const task = await makeTask();
    const socketPath = path.join(task.run, 'ide.sock');
    const [portal, ide] = [await startPortal(), await startIde(socketPath)];
    const images = await localImages({
      node: process.execPath,
      stageDirectory: stage,
      ide: { entry: Promise.resolve('none') },
    });
    const [program = '', ...args] = images.get('armada/gate:local')?.entryPoint ?? [];
    const port = await anyPort();
    const env = { ...task.env, PORT: String(port), ARMADA_HEARTBEAT_URL: portal.url };
    const child = spawn(program, args, { env, stdio: 'ignore' });
    try {
      await eventually(async () => (await new Browser(port).ask('/.gate/health')).status === 200);
      print({ figure: 'gate’s memory at rest', ...memoryOf(child) });
      const browser = new Browser(port);
      await browser.enter();
      const through = await requestsOver({ host: '127.0.0.1', port }, browser.cookie ?? '');
      const direct = await requestsOver({ socketPath }, '');
      await alternate([direct.once, through.once], requests / 8);
      const [plain = [], gated = []] = await alternate([direct.once, through.once], requests);
      for (const [name, share] of [
        ['p50', 0.5],
        ['p99', 0.99],
      ] as const) {
        const [before, after] = [quantile(plain, share), quantile(gated, share)];
        const of = { direct: rounded(before), gate: rounded(after), requests };
        print({
          figure: `latency that the gate adds, ${name}`,
          value: rounded(after - before),
          unit: 'ms',
          goal: `≤ ${goals[name]} ms`,
          met: after - before <= goals[name],
          of,
        });
      }
      const open = await Promise.all(Array.from({ length: sockets }, () => browser.connect({ origin })));
      const { value, unit, of } = memoryOf(child);
      print({
        figure: 'gate’s memory after 8,500 requests, with 5 WebSockets',
        value,
        unit,
        goal: `≤ ${goals.mebibytes} MiB`,
        met: value <= goals.mebibytes,
        of,
      });
      for (const { socket } of open) socket?.destroy();
      for (const each of [through, direct]) each.close();
    } finally {
      child.kill();
      await Promise.all([portal.close(), ide.close()]);
      for (const folder of [stage, task.folder]) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    }
    const loads = await firstLoads();
    if (!loads) return;
    const ratio = median(loads.through) / median(loads.direct);
    const of = {
      direct: rounded(median(loads.direct)),
      through: rounded(median(loads.through)),
      loads: loads.direct.length,
    };
    print({
      figure: 'workbench’s first load through balancer and gate over direct',
      value: rounded(ratio),
      unit: '×',
      goal: `≤ ${goals.load} ×`,
      met: ratio <= goals.load,
      of,
    });
  },
};

/** Requests one after the other over one kept connection. */
async function requestsOver(target: http.RequestOptions, cookie: string) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const headers = { host: new URL(origin).host, ...(cookie && { cookie }) };
  const once = () =>
    new Promise<void>((resolve, reject) => {
      const request = http.get({ ...target, agent, headers, path: '/static/some/file.js' }, answer => {
        if (answer.statusCode !== 200) reject(new Error(`answered ${answer.statusCode}`));
        answer.resume().once('end', () => resolve());
      });
      request.once('error', reject);
    });
  return { once, close: () => agent.destroy() };
}

/** Does each in turn, so that both meet the same machine; answers with the milliseconds of each. */
async function alternate(ways: readonly (() => Promise<void>)[], times: number): Promise<number[][]> {
  const took = ways.map((): number[] => []);
  for (let count = 0; count < times; count += 1) {
    for (const [index, way] of ways.entries()) {
      const start = performance.now();
      await way();
      took[index]?.push(performance.now() - start);
    }
  }
  return took;
}

/**
 * Resident memory. Most of it is Node's program, which all gates of a host share: `private` is what each has alone, and
 * `pss` counts the shared in parts. Source: proc(5).
 */
function memoryOf({ pid }: ChildProcess) {
  const field = (file: string, name: string) =>
    Number(
      new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'))?.[1] ?? Number.NaN,
    ) / 1024;
  const alone = field('smaps_rollup', 'Private_Clean') + field('smaps_rollup', 'Private_Dirty');
  const of = { private: rounded(alone), pss: rounded(field('smaps_rollup', 'Pss')) };
  return { value: rounded(field('status', 'VmRSS')), unit: 'MiB', of };
}
