import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createRouteSlots } from '../../api/store/slots.ts';
import { loadWorkspace, underWay } from '../../api/store/status.ts';
import { Controller, type ControllerOptions } from '../../controller/controller.ts';
import { createKind, type PassOptions } from '../../controller/drive.ts';
import { createRows } from '../../controller/rows.ts';
import type { Hints } from '../../controller/sources.ts';
import { addWorkspace } from '../support/class-rows.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { createLamps } from './toy.ts';

let database: TestDatabase;
let lamps: ReturnType<typeof createLamps>;
let controllers: Controller[];
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.close());
beforeEach(() => {
  lamps = createLamps();
  controllers = [];
});
afterEach(async () => {
  await Promise.all(controllers.map(controller => controller.stop()));
  await database.pool.query('delete from workspaces');
});

/** Only notifications are heard, unless a shorter resync is asked for. */
function start(options: Partial<ControllerOptions> = {}): Controller {
  const { pool, url } = database;
  const load = (id: string) => loadWorkspace(pool, id);
  const controller = new Controller({
    url,
    kinds: [createKind(lamps.reconciler, createRows({ kind: 'workspace', load, pool, statusPool: pool }))],
    slots: createRouteSlots(pool, [98]),
    log: pino({ level: 'silent' }),
    now: () => new Date(),
    random: () => 0,
    resyncSeconds: 3600,
    ...options,
  });
  controllers.push(controller);
  controller.start();
  return controller;
}

const step = async (id: string) => (await loadWorkspace(database.pool, id))?.status.step;
const switchTo = (id: string, running: boolean) =>
  database.pool.query('update workspaces set spec = spec || $2 where id = $1', [id, { running }]);

async function kill(applicationName: string): Promise<void> {
  const { rowCount } = await database.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = $1`,
    [applicationName],
  );
  expect(rowCount).toBeGreaterThan(0);
}

describe('a controller', () => {
  test('finds what was asked before it started, and hears of what is asked then', async () => {
    const early = await addWorkspace(database.pool);
    start();
    await eventually(async () => (await step(early.id)) === 'ready');
    const late = await addWorkspace(database.pool);
    await eventually(async () => (await step(late.id)) === 'ready');
    await switchTo(early.id, false);
    await eventually(async () => (await step(early.id)) === 'stopped');
  });

  test('looks at what was under way when another died ahead of the rest, as those who wait for it', async () => {
    const { pool } = database;
    const settled = await addWorkspace(pool);
    start();
    await eventually(async () => (await step(settled.id)) === 'ready');
    await eventually(async () => (await underWay(pool)).length === 0);
    await controllers[0]?.stop();
    const asked = await addWorkspace(pool);
    expect(await underWay(pool)).toEqual([{ kind: 'workspace', id: asked.id }]);
    const urgent = new Map<string, boolean>();
    const kind = createKind(
      lamps.reconciler,
      createRows({ kind: 'workspace', load: id => loadWorkspace(pool, id), pool, statusPool: pool }),
    );
    const noted = {
      ...kind,
      pass(id: string, options: PassOptions) {
        if (!urgent.has(id)) urgent.set(id, options.urgent);
        return kind.pass(id, options);
      },
    };
    start({ kinds: [noted], underWay: () => underWay(pool) });
    await eventually(() => urgent.size === 2);
    expect(Object.fromEntries(urgent)).toEqual({ [asked.id]: true, [settled.id]: false });
  });

  test('is at rest once all is as asked: its own writes do not wake it', async () => {
    const { id } = await addWorkspace(database.pool);
    start();
    await eventually(async () => (await step(id)) === 'ready');
    const marker = await addWorkspace(database.pool);
    await eventually(async () => (await step(marker.id)) === 'ready');
    expect(lamps.looks.filter(look => look === id)).toHaveLength(1);
  });

  test('looks where a hint says, at everything when a hint says so, and at nothing of a kind that it does not know', async () => {
    const { id } = await addWorkspace(database.pool);
    let hear: Parameters<Hints['open']>[0] = () => {};
    let isOpen = false;
    const hints: Hints = {
      open(listener) {
        hear = listener;
        isOpen = true;
        return {
          async close() {
            isOpen = false;
          },
        };
      },
    };
    const controller = start({ hints });
    await eventually(async () => (await step(id)) === 'ready');
    await eventually(() => isOpen);
    const looks = () => lamps.looks.filter(look => look === id).length;
    const before = looks();
    hear({ kind: 'stranger', id });
    hear({ kind: 'workspace', id });
    await eventually(() => looks() > before);
    const after = looks();
    hear('all');
    await eventually(() => looks() > after);
    await controller.stop();
    expect(isOpen).toBe(false);
  });

  test('passes once more over what was asked during a pass', async () => {
    const { id } = await addWorkspace(database.pool);
    const { promise, resolve } = Promise.withResolvers<void>();
    lamps.before(call => (call === 'switch-on' ? promise : undefined));
    const controller = start();
    await eventually(() => controller.leading && lamps.acts.includes('lay-cable'));
    await switchTo(id, false);
    resolve();
    await eventually(async () => {
      const workspace = (await loadWorkspace(database.pool, id))!;
      return workspace.status.step === 'stopped' && workspace.status.observedGeneration === 2;
    });
  });

  test('finds at a resync what changed without a word', async () => {
    const { id } = await addWorkspace(database.pool);
    start({ resyncSeconds: 0.1 });
    await eventually(async () => (await step(id)) === 'ready');
    lamps.put(id, { on: false });
    await eventually(() => lamps.places.get(id)?.on === true);
  });

  test('finds at a resync a wish whose notification was lost', async () => {
    const { id } = await addWorkspace(database.pool);
    start({ resyncSeconds: 0.1 });
    await eventually(async () => (await step(id)) === 'ready');
    await database.pool.query('alter table workspaces disable trigger announce');
    await switchTo(id, false);
    await database.pool.query('alter table workspaces enable trigger announce');
    await eventually(async () => (await step(id)) === 'stopped');
  });

  test('lists again after its subscription broke', async () => {
    const { id } = await addWorkspace(database.pool);
    start();
    await eventually(async () => (await step(id)) === 'ready');
    lamps.put(id, { on: false });
    await kill('armada listen asked');
    await eventually(() => lamps.places.get(id)?.on === true);
  });

  test('tries again what failed', async () => {
    const { id } = await addWorkspace(database.pool);
    let failures = 0;
    lamps.before(call => {
      if (call === 'switch-on' && failures < 2) {
        failures += 1;
        throw new Error('lost answer');
      }
    });
    start();
    await eventually(async () => (await step(id)) === 'ready');
    expect(failures).toBe(2);
  });

  test('is not held up by an object that always fails', async () => {
    const [bad, good] = [await addWorkspace(database.pool), await addWorkspace(database.pool)];
    lamps.before((_, id) => {
      if (id === bad.id) throw new Error('never');
    });
    start({ concurrency: 1 });
    await eventually(async () => (await step(good.id)) === 'ready');
  });

  test('aborts a pass that takes too long', async () => {
    const { id } = await addWorkspace(database.pool);
    let hanging = true;
    const { reconciler } = lamps;
    const slow: typeof reconciler = {
      ...reconciler,
      async observe(workspace, context) {
        if (!hanging) return reconciler.observe(workspace, context);
        hanging = false;
        return new Promise((_, reject) => {
          context.signal.addEventListener('abort', () => reject(context.signal.reason));
        });
      },
    };
    lamps = { ...lamps, reconciler: slow };
    start({ passSeconds: 1 });
    await eventually(async () => (await step(id)) === 'ready');
  });

  test('ends what it does before it stops', async () => {
    const { id } = await addWorkspace(database.pool);
    const { promise, resolve } = Promise.withResolvers<void>();
    lamps.before(call => (call === 'switch-on' ? promise : undefined));
    const controller = start();
    await eventually(() => lamps.acts.includes('screw-bulb') && lamps.acts.includes('lay-cable'));
    const stopped = controller.stop();
    resolve();
    await stopped;
    expect(await step(id)).toBe('ready');
  });
});

describe('of two controllers', () => {
  test('one acts, and the other takes over when it stops', async () => {
    const first = start();
    await eventually(() => first.leading);
    const second = start();
    const { id } = await addWorkspace(database.pool);
    await eventually(async () => (await step(id)) === 'ready');
    expect(second.leading).toBe(false);
    expect(lamps.acts.filter(act => act === 'switch-on')).toHaveLength(1);
    await first.stop();
    await eventually(() => second.leading);
    expect(first.leading).toBe(false);
    await switchTo(id, false);
    await eventually(async () => (await step(id)) === 'stopped');
  });

  test('one leads again after both lost their connections', async () => {
    const both = [start(), start()];
    await eventually(() => both.some(controller => controller.leading));
    await kill('armada lease controller');
    const { id } = await addWorkspace(database.pool);
    await eventually(async () => (await step(id)) === 'ready');
    await eventually(() => both.filter(controller => controller.leading).length === 1);
  });
});
