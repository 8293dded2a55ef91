import { setTimeout as delay } from 'node:timers/promises';
import { tell } from './ending.ts';
import { type Bench, median, type Print, quantile, rounded } from './figures.ts';
import { isBusy, type Resync, untilLookedAt, watchResync } from './resync-watch.ts';
import { type Scale, startScale } from './scale.ts';

/** A fifth of them runs, as in a school where one class of five has a lesson. */
const sizes = [
  { workspaces: 1_000, running: 200, fewestRequests: 0 },
  { workspaces: 10_000, running: 2_000, fewestRequests: 40 },
] as const;
const resyncs = 2;
/** A loaded machine takes its time. */
const mostSeconds = 1_500;
const askEveryMilliseconds = 100;
/** A person is never behind a resync: they are served in two seconds at most (goal 11). */
const goalMilliseconds = 2_000;

/** The controller over ten thousand workspaces, 2,000 of them running, beside one over a tenth of that. */
export const scale10000: Bench = {
  name: 'scale-10000',
  does: '10,000 workspaces, 2,000 running: start-up, memory, a resync, a person’s first call meanwhile; growth from 1,000',
  async run(print) {
    const measured: { readonly workspaces: number; readonly resync: Resync; readonly peak: number }[] = [];
    for (const size of sizes) measured.push({ workspaces: size.workspaces, ...(await measure(size, print)) });
    const [small, large] = measured;
    if (!small || !large) return;
    const growth = large.resync.cpuSeconds / small.resync.cpuSeconds;
    const linear = large.workspaces / small.workspaces;
    print({
      figure: 'growth of a resync’s CPU from 1,000 to 10,000, in the growth of the class',
      value: rounded(growth / linear),
      unit: '×',
      goal: '≤ 1.2 × (linear)',
      met: growth / linear <= 1.2,
      of: { cpuSeconds1000: rounded(small.resync.cpuSeconds), cpuSeconds10000: rounded(large.resync.cpuSeconds) },
    });
  },
};

async function measure(
  size: (typeof sizes)[number],
  print: Print,
): Promise<{ readonly resync: Resync; readonly peak: number }> {
  const scale = await startScale({ ...size, laid: true });
  const of = `of ${size.workspaces}`;
  try {
    tell('laid: waiting until all are as asked');
    await scale.untilSettled(mostSeconds);
    await scale.endController('SIGTERM');
    const start = performance.now();
    await scale.startController();
    const leading = (performance.now() - start) / 1000;
    tell('it leads: waiting until all were looked at');
    await untilLookedAt(scale, Date.now() + mostSeconds * 1000);
    print({
      figure: `start-up of the controller ${of}: until it leads`,
      value: rounded(leading),
      unit: 's',
      of: { untilAllWereLookedAt: rounded((performance.now() - start) / 1000) },
    });
    const taken: Resync[] = [];
    const latencies: number[] = [];
    while (taken.length < resyncs || latencies.length < size.fewestRequests) {
      tell(`resync ${taken.length + 1}, ${latencies.length} requests so far`);
      const ended = new AbortController();
      const asking = askMeanwhile(scale, latencies, ended.signal);
      taken.push(await watchResync(scale, mostSeconds));
      ended.abort();
      await asking;
    }
    const resync = taken.toSorted((a, b) => a.cpuSeconds - b.cpuSeconds)[Math.floor(taken.length / 2)] ?? taken[0];
    if (!resync) throw new Error('no resync was seen');
    print({
      figure: `a resync ${of}`,
      value: rounded(median(taken.map(each => each.seconds))),
      unit: 's',
      of: { cpuSeconds: rounded(resync.cpuSeconds), ...resync.calls },
    });
    const p99 = quantile(latencies, 0.99);
    // A resync of a thousand is over before anybody asks.
    if (latencies.length > 0)
      print({
        figure: `from a request to its first AWS call while a resync ${of} runs, p99`,
        value: rounded(p99),
        unit: 'ms',
        ...(size.fewestRequests > 0 && { goal: `≤ ${goalMilliseconds} ms`, met: p99 <= goalMilliseconds }),
        of: { p50: rounded(median(latencies)), most: rounded(Math.max(...latencies)), requests: latencies.length },
      });
    const { now, peak } = scale.controllerMemory();
    print({
      figure: `resident memory of the controller ${of}, at its most`,
      value: rounded(peak),
      unit: 'MiB',
      goal: '< 400 MiB',
      met: peak < 400,
      of: { now: rounded(now) },
    });
    return { resync, peak };
  } finally {
    await scale.close();
  }
}

/** While a resync runs: asks for one workspace after another and notes the time to the first call that names it. */
async function askMeanwhile(scale: Scale, latencies: number[], signal: AbortSignal): Promise<void> {
  const { rows } = await scale.pool.query<{ id: string }>(
    `select id from workspaces where spec->>'running' = 'false' order by random() limit 500`,
  );
  for (const { id } of rows) {
    while (!signal.aborted && !(await isBusy(scale))) await delay(20);
    if (signal.aborted) return;
    const first = scale.hear<{ at: number }>(`first-call ${id}`);
    await scale.ask({ type: 'first-call', naming: id });
    const asked = Date.now();
    // A wish that changes nothing in AWS, for it never ran: what is timed is the look.
    await scale.pool.query(
      `update workspaces set spec = jsonb_set(spec, '{restarts}', to_jsonb((spec->>'restarts')::int + 1)) where id = $1`,
      [id],
    );
    latencies.push((await first).at - asked);
    await delay(askEveryMilliseconds);
  }
}
