import type { ChildProcess } from 'node:child_process';
import http from 'node:http';
import { type Ide, origin, startIde } from '../infra/gate/support.ts';
import { type Bench, type Print, quantile, rounded } from './figures.ts';
import { type GateProcess, memoryFigure, startGateProcess } from './gate-process.ts';

const goals = { p50: 1, p99: 5, mebibytes: 60 };
const requests = 4_000;
const sockets = 5;
const hosted = 5;

/** What the gate costs beside a direct connection: a request's latency, and its memory. */
export const gate: Bench = {
  name: 'gate',
  does: 'latency that the gate adds, and its memory: alone, and for each of five on one host',
  async run(print) {
    const ides: Ide[] = [];
    let socketPath = '';
    const { child, port, browser, close } = await startGateProcess(async socket => {
      socketPath = socket;
      ides.push(await startIde(socket));
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
      await besideOthers(child, ides, print);
      for (const each of [through, direct]) each.close();
    } finally {
      await close();
      for (const ide of ides) await ide.close();
    }
  },
};

/** What a workspace's gate takes of a host that has several: their program is in memory once. */
async function besideOthers(worked: ChildProcess, ides: Ide[], print: Print): Promise<void> {
  const others: GateProcess[] = [];
  try {
    while (others.length < hosted - 1)
      others.push(await startGateProcess(async socket => void ides.push(await startIde(socket))));
    const shares = [worked, ...others.map(({ child }) => child)].map(child => memoryFigure(child).of.pss);
    const value = shares.reduce((sum, share) => sum + share, 0) / hosted;
    print({
      figure: `memory for each of ${hosted} gates on one host, the program they share counted once`,
      value: rounded(value),
      unit: 'MiB',
      goal: `≤ ${goals.mebibytes} MiB`,
      met: value <= goals.mebibytes,
      of: { most: Math.max(...shares), least: Math.min(...shares) },
    });
  } finally {
    for (const { close } of others) await close();
  }
}

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
