import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { conditionOf, type Status } from '../../api/resources/resource.ts';
import type { Workspace } from '../../api/resources/workspace.ts';
import { listEvents } from '../../api/store/events.ts';
import { createRouteSlots } from '../../api/store/slots.ts';
import { loadWorkspace } from '../../api/store/status.ts';
import { createKind, type PassOptions } from '../../controller/drive.ts';
import { createRows } from '../../controller/rows.ts';
import { addWorkspace } from '../support/class-rows.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createLamps } from './toy.ts';

let database: TestDatabase;
let lamps: ReturnType<typeof createLamps>;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.close());
beforeEach(() => {
  lamps = createLamps();
});

function pass(id: string, options: Partial<PassOptions> = {}, told: (status: Status) => unknown = () => {}) {
  const { pool } = database;
  const load = (key: string) => loadWorkspace(pool, key);
  const rows = createRows({ kind: 'workspace', load, pool, statusPool: pool });
  const kind = createKind(lamps.reconciler, {
    ...rows,
    writeStatus(workspace, status, events) {
      told(status);
      return rows.writeStatus(workspace, status, events);
    },
  });
  const never = new AbortController().signal;
  return kind.pass(id, {
    log: pino({ level: 'silent' }),
    now: () => new Date('2026-01-01T00:00:00Z'),
    slots: createRouteSlots(pool, [98]),
    urgent: true,
    signal: never,
    stopping: never,
    retrySeconds: () => 11,
    ...options,
  });
}

async function read(id: string): Promise<Workspace> {
  return (await loadWorkspace(database.pool, id))!;
}

async function reasons(about: string): Promise<string[]> {
  const events = await listEvents(database.pool, { about, limit: 100 });
  return events.reverse().map(({ reason, tone }) => (tone === 'warning' ? `${reason}!` : reason));
}

const ask = (id: string, spec: object) =>
  database.pool.query('update workspaces set spec = spec || $2 where id = $1', [id, spec]);

describe('a pass', () => {
  test('looks once, does all that can be done, and tells what came of it', async () => {
    const { id } = await addWorkspace(database.pool);
    expect(await pass(id)).toEqual({ verdict: 'settled', againSeconds: undefined });
    expect(lamps.looks).toEqual([id]);
    expect(lamps.places.get(id)).toMatchObject({ cable: true, bulb: true, on: true });
    const { status, generation } = await read(id);
    expect(status).toMatchObject({ step: 'ready', observedGeneration: generation });
    expect(conditionOf(status, 'Ready')).toMatchObject({ status: 'True', reason: 'Settled' });
    const told = await reasons(id);
    expect(told.slice(0, 2).sort()).toEqual(['LayCable', 'ScrewBulb']);
    expect(told.slice(2)).toEqual(['SwitchOn', 'Settled']);
  });

  test('over what is as asked writes nothing at all', async () => {
    const { id } = await addWorkspace(database.pool);
    await pass(id);
    const [before, told] = [await read(id), await reasons(id)];
    await pass(id, { now: () => new Date('2026-02-01T00:00:00Z') });
    expect(await read(id)).toEqual(before);
    expect(await reasons(id)).toEqual(told);
    expect(lamps.acts).toHaveLength(3);
  });

  test('tells what has been done before all is done', async () => {
    const { id } = await addWorkspace(database.pool);
    let seen: Workspace | undefined;
    lamps.before(async call => {
      if (call === 'switch-on') seen = await read(id);
    });
    await pass(id);
    expect(conditionOf(seen!.status, 'Ready')).toMatchObject({ status: 'False', reason: 'Progressing' });
  });

  test('tells what came of it once, and never that it is under way when nothing is left to do', async () => {
    const { id } = await addWorkspace(database.pool, { running: true, restarts: 1 });
    const told: (string | undefined)[] = [];
    lamps.put(id, { cable: true, bulb: true });
    await pass(id, {}, status => told.push(conditionOf(status, 'Ready')?.reason));
    expect(lamps.acts).toEqual(['switch-on']);
    expect(told).toEqual(['Warming']);
  });

  test('plans on what it would tell by then, not on what was told before', async () => {
    const { id } = await addWorkspace(database.pool);
    const { reconciler } = lamps;
    const steps: (string | null)[] = [];
    const watched: typeof reconciler = {
      ...reconciler,
      plan(workspace, ...seen) {
        steps.push(workspace.status.step);
        return reconciler.plan(workspace, ...seen);
      },
    };
    lamps = { ...lamps, reconciler: watched };
    await pass(id);
    expect(steps.at(-1)).toBe('ready');
  });

  test('that waits says why once, and when to look again', async () => {
    const { id } = await addWorkspace(database.pool, { running: true, restarts: 1 });
    expect(await pass(id)).toEqual({ verdict: 'wait', againSeconds: 5 });
    await pass(id);
    expect((await reasons(id)).filter(reason => reason === 'Warming')).toHaveLength(1);
  });

  test('that is stuck says what a person must do', async () => {
    const { id } = await addWorkspace(database.pool);
    lamps.put(id, { cable: true, bulb: true, broken: true });
    expect(await pass(id)).toEqual({ verdict: 'stuck', againSeconds: undefined });
    expect(conditionOf((await read(id)).status, 'Stalled')).toMatchObject({
      status: 'True',
      reason: 'BulbBroken',
      message: 'Buy another bulb.',
    });
    expect(await reasons(id)).toEqual(['BulbBroken!']);
  });

  test('that fails keeps what was done, tells it, and is tried again after the backoff', async () => {
    const { id } = await addWorkspace(database.pool);
    lamps.before(call => {
      if (call === 'lay-cable') throw new Error('no cable');
    });
    expect(await pass(id)).toEqual({ verdict: 'failed', againSeconds: 11 });
    expect(lamps.acts).toEqual(['screw-bulb']);
    expect(await reasons(id)).toEqual(['ScrewBulb', 'Failing!']);
    expect((await read(id)).status.observedGeneration).toBe(0);
  });

  test('whose look fails keeps the last summary', async () => {
    const { id } = await addWorkspace(database.pool);
    await pass(id);
    lamps.before(() => {
      throw Object.assign(new Error('slow down'), { name: 'ThrottlingException' });
    });
    await pass(id);
    const { status } = await read(id);
    expect(status.step).toBe('ready');
    expect(conditionOf(status, 'Ready')?.status).toBe('True');
    expect(conditionOf(status, 'Stalled')).toMatchObject({ status: 'False', reason: 'Throttled' });
  });

  test('over a row that was changed meanwhile ends and asks for another at once', async () => {
    const { id } = await addWorkspace(database.pool);
    lamps.before(async call => {
      if (call === 'screw-bulb') await ask(id, { running: false });
    });
    expect(await pass(id)).toEqual({ verdict: 'overtaken', againSeconds: 0 });
    expect(lamps.acts).not.toContain('switch-on');
    lamps.before(() => {});
    await pass(id);
    expect((await read(id)).status).toMatchObject({ step: 'stopped', observedGeneration: 2 });
  });

  test('takes down what is to be deleted, and then removes the row', async () => {
    const { id } = await addWorkspace(database.pool);
    await pass(id);
    await database.pool.query('update workspaces set deleted_at = now() where id = $1', [id]);
    expect(await pass(id)).toEqual({ verdict: 'gone', againSeconds: undefined });
    expect(lamps.places.has(id)).toBe(false);
    expect(await loadWorkspace(database.pool, id)).toBeUndefined();
    expect(await pass(id)).toEqual({ verdict: 'gone', againSeconds: undefined });
    expect((await reasons(id)).at(-1)).toBe('TakeDown');
  });

  test('does not remove a row whose deletion was taken back meanwhile', async () => {
    const { id } = await addWorkspace(database.pool);
    await database.pool.query('update workspaces set deleted_at = now() where id = $1', [id]);
    lamps.before(() => database.pool.query('update workspaces set deleted_at = null where id = $1', [id]));
    await pass(id);
    expect(await read(id)).toMatchObject({ id, deletedAt: null });
  });

  test('makes room for others when it does not come to an end', async () => {
    const { id } = await addWorkspace(database.pool);
    lamps.before(call => {
      if (call === 'switch-on') throw new Error('unreachable');
    });
    const { reconciler } = lamps;
    const restless = { ...reconciler, apply: async (...[, , place]: Parameters<typeof reconciler.apply>) => place };
    lamps = { ...lamps, reconciler: restless };
    expect(await pass(id)).toEqual({ verdict: 'progressed', againSeconds: 0 });
  });

  test('of a controller that stops writes nothing about it', async () => {
    const { id } = await addWorkspace(database.pool);
    const stopping = new AbortController();
    lamps.before(() => stopping.abort(new Error('stop')));
    const before = await read(id);
    await expect(pass(id, { signal: stopping.signal, stopping: stopping.signal })).rejects.toThrow('stop');
    expect(await read(id)).toEqual(before);
    expect(lamps.acts).toEqual([]);
  });
});

describe('actions side by side', () => {
  test('that changed the same part are followed by a fresh look', async () => {
    const { id } = await addWorkspace(database.pool);
    const { reconciler } = lamps;
    const clash = {
      ...reconciler,
      apply: async (...[, , place]: Parameters<typeof reconciler.apply>) => ({ ...place, cable: true }),
    };
    lamps = { ...lamps, reconciler: clash };
    expect(await pass(id)).toEqual({ verdict: 'progressed', againSeconds: 0 });
  });
});
