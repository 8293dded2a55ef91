import type { Pool } from 'pg';
import type { WorkspaceItem } from '../../api/http/workspaces.ts';
import { isSettled, makeClass } from './class.ts';
import { type Deployment, type StubImage, startDeployment } from './deployment.ts';
import { type Bench, median, type Print, quantile, rounded } from './figures.ts';
import { answered, openFloorDatabase, startFloor } from './floor.ts';
import { watch } from './watch.ts';

/**
 * Starts and stops of N workspaces through API, loop, local AWS and balancer, a trivial server in the gate's place and
 * a sleeping process in the IDE's, in turns with the floors. One watch tells when each is ready; then one GET through
 * the balancer must answer with its owner's name.
 */

const rounds: Readonly<Record<number, number>> = { 1: 10, 10: 5, 50: 4, 100: 3 };

export const startOne: Bench = {
  name: 'start-one',
  does: 'one start, a server that listens at once and one that listens after 0.8 s, over both floors',
  run: async print => {
    await measure(print, 'bench/gate:now', [1]);
    await measure(print, 'bench/gate:late', [1]);
  },
};

export const startMany: Bench = {
  name: 'start-many',
  does: '10, 50 and 100 starts at once (over two balancers: one has 98 places), over both floors; CPU per start',
  run: async print => {
    await measure(print, 'bench/gate:now', [10, 50, 100]);
    await measure(print, 'bench/gate:late', [50]);
  },
};

export const stopMany: Bench = {
  name: 'stop-many',
  does: '100 stops at once, over both floors; CPU per stop',
  run: print => measure(print, 'bench/gate:now', [100], 'stops'),
};

async function measure(print: Print, image: StubImage, sizes: readonly number[], what: 'starts' | 'stops' = 'starts') {
  const deployment = await startDeployment(image);
  const floors = await openFloorDatabase(deployment.services.databaseUrl);
  try {
    const slugs = await makeClass(deployment, Math.max(...sizes));
    for (const size of sizes) {
      const taken: Round[] = [];
      for (let round = 0; round < (rounds[size] ?? 3); round++)
        taken.push(await oneRound(deployment, slugs.slice(0, size), image === 'bench/gate:late' ? 0.8 : 0, floors));
      report(print, image, size, taken, what);
    }
  } finally {
    await floors.end();
    await deployment.close();
  }
}

/** Below the range from which Linux gives connections their ports (32768 to 60999). */
const firstFloorPort = 21_000;

interface Round {
  readonly ours: readonly number[];
  readonly f: readonly number[];
  readonly fPlus: readonly number[];
  readonly ourStop: number;
  readonly fPlusStop: number;
  readonly startCpu: number;
  readonly stopCpu: number;
}

async function oneRound(deployment: Deployment, slugs: readonly string[], delay: number, pool: Pool): Promise<Round> {
  const ports = () => slugs.map((_, index) => firstFloorPort + index);
  const f = await startFloor({ ports: ports(), delay });
  await f.stop();
  const fPlus = await startFloor({ ports: ports(), delay, pool });
  const fPlusStop = await fPlus.stop();

  const watching = await watch(deployment.services.portalUrl, deployment.token);
  const cpuBefore = deployment.cpuSeconds();
  const ready = watching.until(slugs, workspace => workspace.status.step === 'ready' && isSettled(workspace));
  const asked = performance.now();
  await deployment.call('POST', '/workspaces:start', { ids: slugs });
  const when = await ready;
  await Promise.all([...when.values()].map(({ workspace }) => answersThroughBalancer(deployment, workspace)));
  const ours = [...when.values()].map(({ at }) => at - asked);
  const cpuStarted = deployment.cpuSeconds();

  const stopped = watching.until(slugs, workspace => workspace.status.step === 'stopped' && isSettled(workspace));
  const stopping = performance.now();
  await deployment.call('POST', '/workspaces:stop', { ids: slugs });
  await stopped;
  const ourStop = performance.now() - stopping;
  const cpuStopped = deployment.cpuSeconds();
  watching.close();
  return {
    ours,
    f: f.took,
    fPlus: fPlus.took,
    ourStop,
    fPlusStop,
    startCpu: ((cpuStarted - cpuBefore) * 1000) / slugs.length,
    stopCpu: ((cpuStopped - cpuStarted) * 1000) / slugs.length,
  };
}

function answersThroughBalancer({ ports }: Deployment, { slug, slot, url }: WorkspaceItem): Promise<void> {
  return answered(ports[slot?.balancer === 1 ? 1 : 0], slug, new URL(url ?? '').host);
}

function report(print: Print, image: StubImage, size: number, taken: readonly Round[], what: 'starts' | 'stops'): void {
  const over = (pick: (round: Round) => number) => rounded(median(taken.map(pick)));
  const late = image === 'bench/gate:late' ? ' after 0.8 s' : '';
  const share = (values: readonly number[], at: number) => quantile(values, at);
  if (what === 'stops') {
    print({
      figure: `${size} stops, in F+`,
      value: over(round => round.ourStop / round.fPlusStop),
      unit: '×',
      of: { ms: over(round => round.ourStop) },
    });
    print({
      figure: `CPU per stop of ${size}`,
      value: over(round => round.stopCpu),
      unit: 'ms',
      goal: '≤ 5 ms',
      met: over(round => round.stopCpu) <= 5,
    });
    return;
  }
  const p50 = (values: readonly number[]) => share(values, 0.5);
  const p99 = (values: readonly number[]) => share(values, 0.99);
  const of = {
    ms: over(round => p50(round.ours)),
    msF: over(round => p50(round.f)),
    msFPlus: over(round => p50(round.fPlus)),
  };
  const inFPlus = over(round => p50(round.ours) / p50(round.fPlus));
  print({
    figure: `${size} starts${late}: p50 in F`,
    value: over(round => p50(round.ours) / p50(round.f)),
    unit: '×',
    of,
  });
  if (late) {
    const added = over(round => p50(round.ours) - p50(round.f));
    print({
      figure: `${size} starts${late}: p50 added to F`,
      value: added,
      unit: 'ms',
      goal: size === 1 ? '≤ 40 ms' : '≤ 0.3 × F',
      met: size === 1 ? added <= 40 : added <= 0.3 * of.msF,
    });
    return;
  }
  print({
    figure: `${size} starts: p50 in F+`,
    value: inFPlus,
    unit: '×',
    goal: size === 1 ? '≤ 1.5 ×' : '≤ 2 × (0.5 × its servers/s)',
    met: inFPlus <= (size === 1 ? 1.5 : 2),
    of,
  });
  print({
    figure: `${size} starts: p99 in F+`,
    value: over(round => p99(round.ours) / p99(round.fPlus)),
    unit: '×',
    of: { ms: over(round => p99(round.ours)) },
  });
  print({
    figure: `CPU per start of ${size}`,
    value: over(round => round.startCpu),
    unit: 'ms',
    goal: '≤ 10 ms',
    met: over(round => round.startCpu) <= 10,
  });
}
