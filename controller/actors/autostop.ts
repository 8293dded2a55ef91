import { keepMinutes, stretchHours } from '../../api/resources/idle.ts';
import type { Watched } from '../../api/store/idle.ts';

/** What autostop reads and writes, and its clocks. */
export interface AutostopOptions {
  /** Every ready workspace. */
  readonly list: () => Promise<readonly Watched[]>;
  /** False: something happened meanwhile, and nothing was stopped. */
  readonly stop: (seen: Watched, why: { readonly reason: string; readonly message: string }) => Promise<boolean>;
  /** Wall clock, to read how much of a "keep" is left; milliseconds. */
  readonly now: () => number;
  /** A clock that never jumps: every interval is measured by it; milliseconds. */
  readonly elapsed: () => number;
}

/** What is remembered of one workspace; times by the clock that never jumps. */
interface Memory {
  readonly seen: Watched;
  readonly startedAt: number;
  readonly idleFrom: number;
  readonly keptUntil: number;
}

const minute = 60_000;

/**
 * Stops workspaces that nobody works in, as a person would: it writes spec, and an event with its reason. Stored times
 * are only compared with themselves, never with a clock, so that a jump of any clock stops nobody; who restarts the
 * workspace, or the controller, begins anew.
 */
export class Autostop {
  readonly #options: AutostopOptions;
  #memories: ReadonlyMap<string, Memory> = new Map();

  constructor(options: AutostopOptions) {
    this.#options = options;
  }

  /** Looks at all of them once. Call it more often than the shortest idle time. */
  async sweep(): Promise<void> {
    const { list, stop, elapsed } = this.#options;
    const watched = await list();
    const at = elapsed();
    this.#memories = new Map(watched.map(each => [each.id, this.#remember(each, at)]));
    for (const memory of this.#memories.values()) {
      const why = reasonToStop(memory, at);
      if (why) await stop(memory.seen, why);
    }
  }

  #remember(seen: Watched, at: number): Memory {
    const known = this.#memories.get(seen.id);
    const same = known?.seen.readyAt === seen.readyAt ? known : undefined;
    const isQuiet = same !== undefined && same.seen.activeAt === seen.activeAt;
    const isKept = same !== undefined && same.seen.keepUntil === seen.keepUntil;
    return {
      seen,
      startedAt: same?.startedAt ?? at,
      idleFrom: isQuiet ? same.idleFrom : at,
      keptUntil: isKept ? same.keptUntil : at + this.#left(seen.keepUntil),
    };
  }

  /** However wrong a clock is, a keep is good for an hour at most. */
  #left(keepUntil: string | null): number {
    if (keepUntil === null) return 0;
    return Math.min(Math.max(0, Date.parse(keepUntil) - this.#options.now()), keepMinutes * minute);
  }
}

function reasonToStop({ seen, startedAt, idleFrom, keptUntil }: Memory, at: number) {
  if (at - startedAt >= stretchHours * 60 * minute) {
    return { reason: 'StretchEnded', message: `Stopped: it ran for ${stretchHours} hours. The files are kept.` };
  }
  if (seen.idleMinutes === null || at < keptUntil || at - idleFrom < seen.idleMinutes * minute) return undefined;
  const message = `Stopped: nobody worked in it for ${seen.idleMinutes} minutes. The files are kept.`;
  return { reason: 'IdleStopped', message };
}
