import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { listEvents } from '../../../api/store/events.ts';
import { keepWorkspace, stopIdle, watchedWorkspaces } from '../../../api/store/idle.ts';
import { loadWorkspace } from '../../../api/store/status.ts';
import { Autostop } from '../../../controller/actors/autostop.ts';
import { addWorkspace } from '../../support/class-rows.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { ManualClock } from '../../support/manual-clock.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.close());

let clock: ManualClock;
/** Added to the wall clocks of controller and API. */
let jump: number;
let id: string;
let autostop: Autostop;
const wall = () => new Date(clock.now() + jump);

beforeEach(async () => {
  await database.pool.query('delete from workspaces');
  clock = new ManualClock();
  jump = 0;
  id = (await addWorkspace(database.pool)).id;
  await becomesReady();
  autostop = anew();
});

function anew(): Autostop {
  return new Autostop({
    list: () => watchedWorkspaces(database.pool),
    stop: (seen, why) => stopIdle(database.pool, seen, why),
    now: () => wall().getTime(),
    elapsed: () => clock.now(),
  });
}

async function becomesReady(): Promise<void> {
  await database.pool.query(
    `update workspaces set spec = spec || '{"running": true}', status = status || $2::jsonb where id = $1`,
    [id, JSON.stringify({ step: 'ready', readyAt: wall().toISOString() })],
  );
}

/** The gate reports, every minute or so; `active`: a person or a job. */
async function reports(active: boolean): Promise<void> {
  await database.pool.query(
    `insert into reports (workspace_id, at, ready, active_at) values ($1, $2, true, case when $3 then $2::timestamptz end)
     on conflict (workspace_id) do update set at = excluded.at, active_at = coalesce(excluded.active_at, reports.active_at)`,
    [id, wall(), active],
  );
}

/** Minutes pass, each with a report and a look; answers after how many it was stopped. */
async function pass(minutes: number, isActive: (minute: number) => boolean = () => false): Promise<number | undefined> {
  for (let minute = 1; minute <= minutes; minute += 1) {
    await clock.advance(60_000);
    await reports(isActive(minute));
    await autostop.sweep();
    if (!(await loadWorkspace(database.pool, id))?.spec.running) return minute;
  }
  return undefined;
}

test('an open tab without input is stopped after the course’s 30 minutes, with its reason, and nothing else changes', async () => {
  const before = await loadWorkspace(database.pool, id);
  const stoppedAfter = await pass(60);
  expect(stoppedAfter).toBe(31);
  const after = await loadWorkspace(database.pool, id);
  expect(after?.home).toEqual(before?.home);
  expect(after?.spec).toEqual({ running: false, restarts: 0 });
  const [event] = await listEvents(database.pool, { about: id, limit: 1 });
  expect(event).toMatchObject({ reason: 'IdleStopped', by: null, message: expect.stringContaining('30 minutes') });
});

test('typing every 5 minutes keeps it running', async () => {
  expect(await pass(180, minute => minute % 5 === 0)).toBeUndefined();
});

test('a build of 40 minutes without a tab keeps it running, and 30 minutes after its end it stops', async () => {
  expect(await pass(120, minute => minute <= 40)).toBe(70);
});

test('T13: no stretch is longer than 12 hours, even of one who types', async () => {
  expect(await pass(800, minute => minute % 5 === 0)).toBe(721);
  const [event] = await listEvents(database.pool, { about: id, limit: 1 });
  expect(event?.reason).toBe('StretchEnded');
});

test('"keep it running" is good for an hour from when it is asked, and is known to whoever reads the workspace', async () => {
  expect(await pass(20)).toBeUndefined();
  await keepWorkspace(database.pool, id, wall(), 'ada');
  const kept = await loadWorkspace(database.pool, id);
  expect(kept?.idle?.stopsAt).toBe(new Date(clock.now() + 3_600_000).toISOString());
  expect(await pass(120)).toBe(60);
});

test('who restarts it begins anew', async () => {
  expect(await pass(25)).toBeUndefined();
  await becomesReady();
  expect(await pass(60)).toBe(31);
});

test.each([-1, 1])('a jump of the wall clock by %i h stops nobody and keeps nobody', async hours => {
  expect(await pass(20, minute => minute % 5 === 0)).toBeUndefined();
  jump = hours * 3_600_000;
  expect(await pass(20, minute => minute % 5 === 0)).toBeUndefined();
  expect(await pass(60)).toBe(30);
});

test('what was typed between the look and the stop wins', async () => {
  expect(await pass(29)).toBeUndefined();
  const [seen] = await watchedWorkspaces(database.pool);
  await reports(true);
  expect(await stopIdle(database.pool, seen!, { reason: 'IdleStopped', message: '' })).toBe(false);
  expect((await loadWorkspace(database.pool, id))?.spec.running).toBe(true);
});
