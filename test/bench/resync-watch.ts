import { setTimeout as delay } from 'node:timers/promises';
import type { Scale } from './scale.ts';

/** One look at every row by the real controller. */
export interface Resync {
  /** From the end of the listing until nothing waits or runs, or as many looks are over as there are workspaces. */
  readonly seconds: number;
  /** CPU of the controller from before the listing. */
  readonly cpuSeconds: number;
  readonly calls: Readonly<Record<string, number>>;
}

/** Looks this often: a look costs the controller a millisecond. */
const everyMilliseconds = 100;

/** Watches the controller's next resync; fails when it is not through within `withinSeconds`. */
export async function watchResync(scale: Scale, withinSeconds: number): Promise<Resync> {
  const end = Date.now() + withinSeconds * 1000;
  await scale.ask({ type: 'calls' });
  let age = Number.POSITIVE_INFINITY;
  let cpuBefore = scale.controllerCpuSeconds();
  for (;;) {
    const now = await scale.metric('armada_resync_age_seconds');
    if (now < age && age !== Number.POSITIVE_INFINITY) break;
    age = now;
    cpuBefore = scale.controllerCpuSeconds();
    await delay(everyMilliseconds);
  }
  const start = performance.now();
  await untilLookedAt(scale, end);
  const seconds = (performance.now() - start) / 1000;
  const { counts } = await scale.ask<{ counts: Resync['calls'] }>({ type: 'calls' });
  return { seconds, cpuSeconds: scale.controllerCpuSeconds() - cpuBefore, calls: counts };
}

/** Waits until nothing waits or runs, or as many looks are over as there are workspaces: the next resync may have begun. */
export async function untilLookedAt(scale: Scale, end: number): Promise<void> {
  const looks = () => scale.metric('armada_reconcile_seconds_count{kind="workspace",outcome="settled"}');
  const { all } = await scale.settled();
  const enough = (await looks()) + all;
  while ((await isBusy(scale)) && (await looks()) < enough) {
    if (Date.now() > end) throw new Error('the resync did not end');
    await delay(everyMilliseconds);
  }
}

/** Whether any key waits or is being worked on. */
export async function isBusy(scale: Scale): Promise<boolean> {
  return (await scale.metric('armada_queue_keys{phase="waiting"}', 'armada_queue_keys{phase="running"}')) > 0;
}
