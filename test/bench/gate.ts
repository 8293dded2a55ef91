import http from 'node:http';
import { type Ide, origin, startIde } from '../infra/gate/support.ts';
import { type Bench, median, quantile, rounded } from './figures.ts';
import { firstLoads } from './first-load.ts';
import { memoryFigure, startGateProcess } from './gate-process.ts';

const goals = { p50: 1, p99: 5, mebibytes: 60, load: 1.1 };
const requests = 4_000;
const sockets = 5;

/** What the gate costs beside a direct connection: a request's latency, its memory, and a workbench's first load. */
export const gate: Bench = {
  name: 'gate',
  does: 'latency and memory that the gate adds, and a workbench’s first load through balancer and gate',
  async run(print) {
    let ide: Ide | undefined;
    let socketPath = '';
    const { child, port, browser, close } = await startGateProcess(async socket => {
      socketPath = socket;
      ide = await startIde(socket);
    });
    try {
      print({ figure: 'gate’s memory at rest', ...memoryFigure(child) });
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
      const { value, unit, of } = memoryFigure(child);
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
      await close();
      await ide?.close();
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
