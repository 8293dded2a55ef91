import { setTimeout as delay } from 'node:timers/promises';
import type { Heartbeat, HeartbeatAnswer } from '../../api/resources/entrance.ts';
import { type Lock, takeLock } from './lock.ts';
import { prepareHome, readMark, writeMark } from './marker.ts';

/** What a heartbeat says of the home. */
export type HomeReport = Pick<Heartbeat, 'marked'> & { readonly problem: 'HomeInUse' | 'HomeNotReachable' | null };

export interface HomeOptions {
  readonly homePath: string;
  readonly homeId: string;
  /** Asks the API whether the home may be marked; undefined if it can't be reached. */
  readonly ask: () => Promise<Pick<HeartbeatAnswer, 'mayMark'> | undefined>;
  readonly onReport: (report: HomeReport, cause?: unknown) => void;
  readonly signal: AbortSignal;
}

const retryMilliseconds = 1000;

/**
 * Resolves once this gate alone has the home and has seen its marker, or has marked it because the API says that it
 * never was; until then it tells what is in the way, and tries again. Rejects only when the signal ends it.
 */
export async function holdHome(options: HomeOptions): Promise<Lock> {
  let lock: Lock | undefined;
  try {
    for (;;) {
      options.signal.throwIfAborted();
      try {
        const file = await prepareHome(options.homePath);
        const onWaiting = () => options.onReport({ problem: 'HomeInUse', marked: false });
        lock ??= await takeLock({ file, signal: options.signal, onWaiting });
        if (await isRight(options)) return lock;
      } catch (error) {
        options.signal.throwIfAborted();
        options.onReport({ problem: 'HomeNotReachable', marked: false }, error);
      }
      await delay(retryMilliseconds, undefined, { signal: options.signal });
    }
  } catch (error) {
    await lock?.release();
    throw error;
  }
}

async function isRight({ homePath, homeId, ask, onReport }: HomeOptions): Promise<boolean> {
  const mark = await readMark(homePath, homeId);
  if (mark === 'missing') {
    // Only the API knows whether this home was ever marked: an empty one may be another's, mounted here by mistake.
    const answer = await ask();
    if (!answer) return false;
    if (answer.mayMark) await writeMark(homePath, homeId);
    else onReport({ problem: 'HomeNotReachable', marked: false });
    if (!answer.mayMark) return false;
  } else if (mark !== 'right') {
    onReport({ problem: 'HomeNotReachable', marked: false });
    return false;
  }
  onReport({ problem: null, marked: true });
  return true;
}

/** A student who clears the home away takes the marker with it; it is still the home whose lock this gate has. */
export async function keepMark(homePath: string, homeId: string): Promise<boolean> {
  if ((await readMark(homePath, homeId)) !== 'missing') return false;
  await prepareHome(homePath);
  await writeMark(homePath, homeId);
  return true;
}
