import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import type { NewEvent } from '../api/resources/event.ts';

/** Something in AWS that carries our tag and that no row owns. */
interface Stray {
  readonly kind: string;
  readonly id: string;
}

/** What a sweep came to. `doubtful`: so much is stray that nothing was deleted. */
interface SweepReport {
  readonly strays: readonly Stray[];
  readonly deleted: readonly Stray[];
  readonly doubtful: boolean;
}

/** What the leader sees to now and then, whatever anybody asked. */
export interface HousekeepingOptions {
  readonly deployment: string;
  readonly sweep: () => Promise<SweepReport>;
  readonly prune: () => Promise<number>;
  readonly record: (events: readonly NewEvent[]) => Promise<void>;
  readonly registry: Registry;
  readonly log: Logger;
}

/** Makes one round of it: strays in AWS are looked for and told of once each, old events forgotten. Never throws. */
export function createHousekeeping(options: HousekeepingOptions): () => Promise<void> {
  const { deployment, sweep, prune, record, registry, log } = options;
  const strays = new Gauge({
    name: 'armada_strays',
    help: 'Things in AWS that carry the deployment’s tag and that no row owns, by kind.',
    labelNames: ['kind'] as const,
    registers: [registry],
  });
  let told = new Set<string>();
  let doubted = false;

  async function tell({ strays: found, deleted, doubtful }: SweepReport): Promise<void> {
    strays.reset();
    for (const { kind } of found) strays.inc({ kind });
    const fresh = found.filter(({ id }) => !told.has(id));
    if (fresh.length > 0) log.warn({ strays: fresh, doubtful }, 'strays found');
    if (doubtful)
      log.error({ strays: found.length }, 'too much is stray: nothing is deleted; is this the right database?');
    const events = doubtful
      ? doubted
        ? []
        : [event('TooManyStrays', `${found.length} things in AWS belong to nobody here: nothing of it is deleted.`)]
      : [
          ...fresh.map(each => event('StrayFound', `${nameOf(each)} belongs to nobody here; it is kept for now.`)),
          ...deleted.map(each => event('StrayDeleted', `${nameOf(each)} belonged to nobody and was deleted.`)),
        ];
    await record(events);
    told = new Set(found.map(({ id }) => id));
    doubted = doubtful;
  }

  const event = (reason: string, message: string): NewEvent => ({
    kind: 'deployment',
    about: deployment,
    tone: 'warning',
    reason,
    message,
  });

  return async function keepHouse(): Promise<void> {
    await sweep()
      .then(tell)
      .catch(err => log.warn({ err }, 'AWS could not be swept'));
    await prune().catch(err => log.warn({ err }, 'old events could not be forgotten'));
  };
}

function nameOf({ kind, id }: Stray): string {
  return `The ${kind} ${id.split('/').slice(-2).join('/')}`;
}
