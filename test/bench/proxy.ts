import { fork, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { host, origin } from '../infra/gate/support.ts';
import { eventually } from '../support/eventually.ts';
import { anyPort } from '../support/product.ts';
import { cpuSecondsOf } from './cpu.ts';
import { ending, tell } from './ending.ts';
import { type Bench, median, type Print, quantile, rounded } from './figures.ts';
import { startGateProcess } from './gate-process.ts';
import { type Asker, openAsker, openEcho, type Target, throughput } from './load.ts';

const passes = 3;
const passSeconds = 3;
const connections = 64;
const requests = 3_000;
const messages = 2_000;
const routes = 100;
/** Goal 9 in configurable-http-proxy's requests; the bare Node proxy does 2.12 times as many as that. */
const [gateGoal, togetherGoal, bareInChp] = [1.5, 0.75, 2.12];
const addedGoals = { p50: 1, p99: 5 };
const messageGoal = 0.25;

/** One that is measured, and the processes that do its work. */
interface Way {
  readonly name: string;
  readonly target: Target;
  readonly pids: readonly number[];
}

/** What requests cost on the way through gate and balancer, beside a bare proxy in the same run. */
export const proxy: Bench = {
  name: 'proxy',
  does: 'gate (access check included) alone and behind the balancer: requests/s at 64, latency at 1, a WebSocket’s round trip, beside a bare Node proxy, and configurable-http-proxy where BENCH_CHP names its script',
  async run(print) {
    const closes: (() => Promise<unknown>)[] = [];
    try {
      tell('starting upstream, proxies and gate');
      let upstream = 0;
      const gate = await startGateProcess(async socketPath => {
        const server = await serve(closes, 'upstream', socketPath);
        upstream = server.port;
      });
      closes.unshift(gate.close);
      const bare = await serve(closes, 'bare', String(upstream));
      const balancer = await serve(closes, 'balancer', String(gate.port), host.split(':')[0] ?? '');
      const page = { path: '/static/some/file.js' };
      const inside = { ...page, host, cookie: gate.browser.cookie };
      const at = (port: number) => ({ host: '127.0.0.1', port });
      const other = { ...page, host: `s${routes / 2}.localhost` };
      const gatePid = gate.child.pid ?? 0;
      const ways: Way[] = [
        { name: 'direct', target: { ...other, at: at(upstream) }, pids: [] },
        { name: 'bare', target: { ...other, at: at(bare.port) }, pids: [bare.pid] },
        { name: 'gate', target: { ...inside, at: at(gate.port) }, pids: [gatePid] },
        { name: 'together', target: { ...inside, at: at(balancer.port) }, pids: [gatePid, balancer.pid] },
      ];
      const script = process.env['BENCH_CHP'];
      if (script) ways.push(await startChp(script, upstream, closes));
      await atOnce(ways, print);
      await oneByOne(ways, print);
      await overSockets(ways, print);
    } finally {
      for (const close of closes) await close();
    }
  },
};

async function atOnce(ways: readonly Way[], print: Print): Promise<void> {
  const rates = new Map(ways.map(({ name }) => [name, [] as number[]]));
  const costs = new Map(ways.map(({ name }) => [name, [] as number[]]));
  for (const { target } of ways) await throughput(target, connections, 1);
  for (let pass = 0; pass < passes; pass += 1) {
    tell(`requests at ${connections} connections: pass ${pass + 1} of ${passes}`);
    for (const { name, target, pids } of ways) {
      const before = cpuSecondsOf(pids);
      const rate = await throughput(target, connections, passSeconds);
      rates.get(name)?.push(rate);
      costs.get(name)?.push(((cpuSecondsOf(pids) - before) / (rate * passSeconds)) * 1e6);
    }
  }
  const rate = (name: string) => median(rates.get(name) ?? []);
  const of = Object.fromEntries([
    ...ways.map(({ name }) => [`${name}PerSecond`, rounded(rate(name))]),
    ...ways.slice(1).map(({ name }) => [`${name}MicrosecondsOfCpu`, rounded(median(costs.get(name) ?? []))]),
  ]);
  const isChp = rates.has('chp');
  const reference = isChp ? rate('chp') : rate('bare') / bareInChp;
  const unit = isChp ? '× configurable-http-proxy' : `× configurable-http-proxy (taken as a bare proxy / ${bareInChp})`;
  for (const [name, what, goal] of [
    ['gate', 'the gate alone', gateGoal],
    ['together', 'balancer and gate', togetherGoal],
  ] as const) {
    const value = rate(name) / reference;
    print({
      figure: `requests/s of ${what} at ${connections} connections`,
      value: rounded(value),
      unit,
      goal: `≥ ${goal} ×`,
      met: value >= goal,
      of,
    });
  }
}

async function oneByOne(ways: readonly Way[], print: Print): Promise<void> {
  tell('requests one after the other');
  const askers = await Promise.all(ways.map(({ target }) => openAsker(target)));
  await inTurns(askers, requests / 10);
  const took = await inTurns(askers, requests);
  for (const asker of askers) asker.close();
  const of = (share: number) =>
    Object.fromEntries(ways.map(({ name }, index) => [name, rounded(quantile(took[index] ?? [], share))]));
  for (const [quantileName, share] of [
    ['p50', 0.5],
    ['p99', 0.99],
  ] as const) {
    const at = (name: string) => quantile(took[ways.findIndex(way => way.name === name)] ?? [], share);
    for (const [name, what] of [
      ['gate', 'the gate'],
      ['together', 'balancer and gate'],
    ] as const) {
      const value = at(name) - at('direct');
      print({
        figure: `added to a request by ${what}, one connection, ${quantileName}`,
        value: rounded(value),
        unit: 'ms',
        ...(name === 'gate' && {
          goal: `≤ ${addedGoals[quantileName]} ms`,
          met: value <= addedGoals[quantileName],
        }),
        of: of(share),
      });
    }
  }
}

async function overSockets(ways: readonly Way[], print: Print): Promise<void> {
  tell('messages over WebSockets');
  // The bare proxy passes none.
  const able = ways.filter(({ name }) => name !== 'bare');
  const echoes = await Promise.all(able.map(({ target }) => openEcho(target, origin)));
  await inTurns(echoes, messages / 10);
  const took = await inTurns(echoes, messages);
  for (const echo of echoes) echo.close();
  const of = Object.fromEntries(able.map(({ name }, index) => [name, rounded(median(took[index] ?? []))]));
  for (const [name, what] of [
    ['gate', 'the gate'],
    ['together', 'balancer and gate'],
  ] as const) {
    const value = median(took[able.findIndex(way => way.name === name)] ?? []) - median(took[0] ?? []);
    print({
      figure: `added to a WebSocket message’s round trip by ${what}, p50`,
      value: rounded(value),
      unit: 'ms',
      goal: `≤ ${messageGoal} ms`,
      met: value <= messageGoal,
      of,
    });
  }
}

/** Asks each in turn, so that all meet the same machine; answers with the milliseconds of each. */
async function inTurns(askers: readonly Asker[], times: number): Promise<number[][]> {
  const took = askers.map((): number[] => []);
  for (let count = 0; count < times; count += 1) {
    for (const [index, asker] of askers.entries()) {
      const start = performance.now();
      await asker.ask();
      took[index]?.push(performance.now() - start);
    }
  }
  return took;
}

/** One of proxy-servers.ts. */
async function serve(closes: (() => Promise<unknown>)[], ...args: readonly string[]) {
  const child = fork(path.join(import.meta.dirname, 'proxy-servers.ts'), args);
  closes.push(
    ending(async () => {
      if (child.connected) child.disconnect();
    }),
  );
  const [{ port }] = await once(child, 'message');
  return { port: Number(port), pid: child.pid ?? 0 };
}

/** The peer, with a hundred routes, of which one is asked for. */
async function startChp(script: string, upstream: number, closes: (() => Promise<unknown>)[]): Promise<Way> {
  const [port, api, token] = [await anyPort(), await anyPort(), randomBytes(16).toString('hex')];
  const args = [script, '--ip', '127.0.0.1', '--port', String(port), '--api-ip', '127.0.0.1', '--api-port', `${api}`];
  const env = { ...process.env, CONFIGPROXY_AUTH_TOKEN: token };
  const child = spawn(process.execPath, [...args, '--log-level', 'error'], { env, stdio: 'ignore' });
  closes.push(
    ending(async () => {
      child.kill();
    }),
  );
  for (let index = 0; index < routes; index += 1) {
    const add = { method: 'POST', headers: { authorization: `token ${token}` } };
    const body = JSON.stringify({ target: `http://127.0.0.1:${upstream}` });
    const url = `http://127.0.0.1:${api}/api/routes/user/s${index}`;
    await eventually(async () => (await fetch(url, { ...add, body })).status === 201);
  }
  const target = {
    at: { host: '127.0.0.1', port },
    host: 'localhost',
    path: `/user/s${routes / 2}/static/some/file.js`,
  };
  return { name: 'chp', target, pids: [child.pid ?? 0] };
}
