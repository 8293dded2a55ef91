import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { anyPort, startProduct, temporaryDataFolder } from '../support/product.ts';
import { type Bench, median, rounded } from './figures.ts';
import { operatorOf } from './operator.ts';
import { watch } from './watch.ts';

const turns = 5;
const slug = 'b-c-ada';

/** From the request to start until the gate says, through the balancer, that the IDE answers; over code-server's bare start. */
export const clickToIde: Bench = {
  name: 'click-to-ide',
  does: 'a start of the real IDE through everything, over code-server’s own bare start',
  async run(print) {
    const folder = await temporaryDataFolder();
    const port = await anyPort();
    const product = await startProduct({ data: folder.path, port });
    try {
      const { call, token } = operatorOf(product);
      await call('PUT', '/cohorts/b', { name: 'B' });
      await call('PUT', '/courses/c', { name: 'C' });
      await call('PUT', '/courses/c/cohorts/b');
      await call('POST', '/cohorts/b/roster', { text: 'Ada <ada@bench.example>' });
      const entry = entryBelow(path.join(folder.path, 'stage', 'ide'));
      const ours: number[] = [];
      const bare: number[] = [];
      for (let turn = 0; turn < turns; turn++) {
        bare.push(await bareStart(entry));
        const watching = await watch(product.url, token);
        const start = performance.now();
        await call('PATCH', `/workspaces/${slug}`, { spec: { running: true } });
        await health(port, 200);
        ours.push(performance.now() - start);
        const stopped = watching.until([slug], workspace => workspace.status.step === 'stopped');
        await call('PATCH', `/workspaces/${slug}`, { spec: { running: false } });
        await stopped;
        watching.close();
      }
      const ratio = rounded(median(ours.map((milliseconds, turn) => milliseconds / (bare[turn] ?? Number.NaN))));
      const of = { ms: rounded(median(ours)), msBare: rounded(median(bare)) };
      print({
        figure: 'click to IDE, in bare starts of code-server',
        value: ratio,
        unit: '×',
        goal: '≤ 2 ×',
        met: ratio <= 2,
        of,
      });
    } finally {
      await product.end('SIGINT');
      await folder.remove();
    }
  },
};

function entryBelow(directory: string): string {
  const [name] = readdirSync(directory).filter(each => each.startsWith('ide-'));
  return path.join(directory, name ?? '', 'node_modules/code-server/out/node/entry.js');
}

/** Milliseconds from spawn until code-server answers /healthz on its socket. */
async function bareStart(entry: string): Promise<number> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'armada-bare-'));
  const socket = path.join(folder, 'ide.sock');
  const start = performance.now();
  const args = [
    '--auth',
    'none',
    '--socket',
    socket,
    '--user-data-dir',
    folder,
    '--disable-telemetry',
    '--disable-update-check',
    folder,
  ];
  const child: ChildProcess = spawn(process.execPath, [entry, ...args], {
    stdio: 'ignore',
    env: { HOME: folder, PATH: '/usr/bin:/bin' },
    detached: true,
  });
  await until(() => get({ socketPath: socket, path: '/healthz' }), 200);
  const took = performance.now() - start;
  const gone = new Promise(resolve => child.once('exit', resolve));
  if (child.pid) process.kill(-child.pid, 'SIGKILL');
  await gone;
  rmSync(folder, { recursive: true, force: true });
  return took;
}

/** Resolves once the workspace's gate answers with `status` through the balancer. */
function health(port: number, status: number): Promise<void> {
  return until(
    () => get({ host: '127.0.0.1', port, path: '/.gate/health', headers: { host: `${slug}.localhost:${port}` } }),
    status,
  );
}

async function until(ask: () => Promise<number | undefined>, status: number): Promise<void> {
  while ((await ask()) !== status) await new Promise(resolve => setTimeout(resolve, 5));
}

function get(options: http.RequestOptions): Promise<number | undefined> {
  return new Promise(resolve => {
    http
      .get({ ...options, agent: false }, response => resolve(response.resume().statusCode))
      .on('error', () => resolve(undefined));
  });
}
