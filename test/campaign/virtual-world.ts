import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { mulberry } from './mulberry.ts';
import { VirtualTime } from './virtual-time.ts';
import { inProcess, type PostgresWatch, watchPostgres } from './wire.ts';
import { startWorld, type World, type WorldOptions } from './world.ts';

/** A world in which the same things happen in the same order each time. One per process: it takes timers and chance over. */
export interface VirtualWorld {
  readonly world: World;
  readonly time: VirtualTime;
  /** Whether a notification of something asked for is heard; a run sets it. */
  isHeard: () => boolean;
  /** Chance begins anew, the same each time; time goes on to the next whole ten minutes. */
  begin(seed: number): Promise<void>;
  /** PostgreSQL's `now()` is the world's present from now on. */
  date(): Promise<void>;
}

/** Table of one row: the world's time as PostgreSQL's `now()` has it. */
export const worldTime = 'campaign_time';

/** Every look that comes round in turns has come round once. */
const periodMilliseconds = 20 * 30_000;
/** Local AWS forgets what has ended within this. */
const forgetMilliseconds = 2 * 3_600_000;

/** Starts it over an empty database. */
export async function startVirtualWorld(
  options: Pick<WorldOptions, 'databaseUrl' | 'plant' | 'meddle'>,
): Promise<VirtualWorld> {
  const time = new VirtualTime();
  const watch = watchPostgres(time);
  const virtual = { clock: time, transport: ({ aws }: World['test']) => inProcess(aws.endpoint, time) };
  const world = await whileTimeGoesBy(time, startWorld({ ...options, virtual }));
  time.install();
  const heard: VirtualWorld = {
    world,
    time,
    isHeard: () => true,
    async begin(seed) {
      const past = time.now() + forgetMilliseconds;
      await time.pass(Math.ceil(past / periodMilliseconds) * periodMilliseconds - time.now());
      seedChance(seed);
      world.tasks.isBrisk = false;
      await heard.date();
    },
    async date() {
      await world.pool.query(`update ${worldTime} set at = $1`, [world.now()]);
    },
  };
  hearInOrder(world, time, watch, () => heard.isHeard());
  return heard;
}

/** The ground is laid through sockets, by the machine's own time. */
async function whileTimeGoesBy<T>(time: VirtualTime, work: Promise<T>): Promise<T> {
  let ended = false;
  const end = () => {
    ended = true;
  };
  work.then(end, end);
  while (!ended) {
    await time.pass(10);
    await new Promise(resolve => setTimeout(resolve, 1));
  }
  return work;
}

/** What was committed is heard before time moves; notifications pass `isHeard` on their way. */
function hearInOrder(world: World, time: VirtualTime, watch: PostgresWatch, isHeard: () => boolean): void {
  let barriers = 0;
  let isAnnounced = false;
  const pending = new Set<{ readonly id: string; waiting: Set<object>; done(): void }>();
  const settle = (client: object, id?: string) => {
    for (const barrier of pending) {
      if (id === undefined || barrier.id === id) barrier.waiting.delete(client);
      if (barrier.waiting.size === 0) barrier.done();
    }
  };
  watch.onEnd = client => settle(client);
  watch.onNotification = (client, channel, payload) => {
    if (channel !== 'asked') return true;
    const { kind, id } = JSON.parse(payload) as { kind: string; id: string };
    if (kind !== 'barrier') return isHeard();
    settle(client, id);
    return false;
  };
  watch.onCommit = () => {
    isAnnounced = true;
  };
  time.beforeMoving = () => {
    if (!isAnnounced || watch.listeners.size === 0) return undefined;
    isAnnounced = false;
    barriers += 1;
    const id = String(barriers);
    return new Promise<void>((resolve, reject) => {
      const barrier = {
        id,
        waiting: new Set<object>(watch.listeners),
        done() {
          pending.delete(barrier);
          resolve();
        },
      };
      pending.add(barrier);
      const payload = JSON.stringify({ kind: 'barrier', id });
      world.pool.query('select pg_notify($1, $2)', ['asked', payload]).catch(reject);
    });
  };
}

/** Makes everything random of this process the same from now on: ids, and the order of shuffled lists. */
function seedChance(seed: number): void {
  const random = mulberry(seed);
  const bytes = (size: number) => Buffer.from(Array.from({ length: size }, () => Math.floor(random() * 256)));
  Math.random = random;
  Object.assign(crypto, {
    randomBytes: bytes,
    randomUUID: () => {
      const hex = bytes(16).toString('hex');
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
    },
  });
  syncBuiltinESMExports();
}
