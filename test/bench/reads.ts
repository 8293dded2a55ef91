import { isSettled, makeClass } from './class.ts';
import { type Deployment, startDeployment } from './deployment.ts';
import { tell } from './ending.ts';
import { type Bench, median, quantile, rounded } from './figures.ts';
import { watch } from './watch.ts';

const size = 100;
const looks = 200;
/** Half of the peer's: 17 ms for its list of 100, 6 ms for one. */
const listGoal = 8.5;
const oneGoal = 3;
const burstGoal = 100;

/** What the API takes to answer reads, at rest and while a hundred start. */
export const reads: Bench = {
  name: 'reads',
  does: 'the list of 100 workspaces and one of them: p50 at rest, p99 during a burst of 100 starts',
  async run(print) {
    const deployment = await startDeployment('bench/gate:now');
    try {
      tell('making the class');
      const slugs = await makeClass(deployment, size);
      const list = () => deployment.call('GET', '/workspaces?limit=500&fields=row');
      const one = () => deployment.call('GET', `/workspaces/${slugs[0]}`);
      for (const [what, read, goal] of [
        [`the list of ${size}`, list, listGoal],
        ['one workspace', one, oneGoal],
      ] as const) {
        const taken: number[] = [];
        for (let look = 0; look < looks; look += 1) taken.push(await timed(read));
        const p50 = median(taken.slice(looks / 10));
        print({
          figure: `${what}: p50`,
          value: rounded(p50),
          unit: 'ms',
          goal: `≤ ${goal} ms`,
          met: p50 <= goal,
          of: { p99: rounded(quantile(taken, 0.99)) },
        });
      }
      tell('the same while all start');
      const meanwhile = await duringBurst(deployment, slugs, [list, one]);
      const p99 = quantile(meanwhile, 0.99);
      print({
        figure: `reads during a burst of ${size} starts: p99`,
        value: rounded(p99),
        unit: 'ms',
        goal: `≤ ${burstGoal} ms`,
        met: p99 <= burstGoal,
        of: { p50: rounded(median(meanwhile)), reads: meanwhile.length },
      });
    } finally {
      await deployment.close();
    }
  },
};

async function duringBurst(
  deployment: Deployment,
  slugs: readonly string[],
  asks: readonly (() => Promise<unknown>)[],
): Promise<number[]> {
  const watching = await watch(deployment.services.portalUrl, deployment.token);
  let isOver = false;
  const ready = watching
    .until(slugs, workspace => workspace.status.step === 'ready' && isSettled(workspace))
    .then(() => {
      isOver = true;
    });
  await deployment.call('POST', '/workspaces:start', { ids: slugs });
  const taken: number[] = [];
  while (!isOver) for (const ask of asks) taken.push(await timed(ask));
  await ready;
  watching.close();
  return taken;
}

async function timed(call: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await call();
  return performance.now() - start;
}
