import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Change, listen } from '../../../api/store/changes.ts';
import { acquireLease } from '../../../api/store/lease.ts';
import { writeStatus } from '../../../api/store/status.ts';
import { addWorkspace } from '../../support/class-rows.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.close());

async function kill(applicationName: string): Promise<void> {
  const { rowCount } = await database.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name = $1`,
    [applicationName],
  );
  expect(rowCount).toBeGreaterThan(0);
}

describe('a subscription', () => {
  test('hears on asked of new rows, new generations and news from gates, and never of a status', async () => {
    const heard: string[] = [];
    const end = 'the end';
    const subscription = await listen(
      database.url,
      'asked',
      ({ kind, id }) => heard.push(kind === 'workspace' ? id : kind),
      () => {},
    );
    const { pool } = database;
    const { id, version } = await addWorkspace(pool);
    await eventually(() => expect(heard).toEqual(['student', 'course', 'cohort', id]));
    await writeStatus(pool, 'workspace', id, version, { observedGeneration: 1, conditions: [] });
    await pool.query(`update workspaces set spec = '{"running": false, "restarts": 0}' where id = $1`, [id]);
    const report = `insert into reports (workspace_id, ready) values ($1, true)
      on conflict (workspace_id) do update set ready = excluded.ready, at = now()`;
    await pool.query(report, [id]);
    await pool.query(report, [id]);
    await pool.query(`select pg_notify('asked', $1)`, [JSON.stringify({ kind: end, id: end })]);
    await eventually(() => expect(heard.at(-1)).toBe(end));
    expect(heard.slice(4)).toEqual([id, id, end]);
    await subscription.close();
  });

  test('hears on changed of every write and of removals, in the order of their versions', async () => {
    const heard: Change[] = [];
    const subscription = await listen(
      database.url,
      'changed',
      change => heard.push(change),
      () => {},
    );
    const { pool } = database;
    const { id, version } = await addWorkspace(pool);
    await writeStatus(pool, 'workspace', id, version, { observedGeneration: 1, conditions: [] });
    await pool.query('delete from workspaces where id = $1', [id]);
    await eventually(() => expect(heard.at(-1)).toMatchObject({ kind: 'workspace', id, gone: true }));
    const versions = heard.map(change => change.version);
    expect(versions).toEqual(versions.toSorted((a, b) => a! - b!));
    expect(heard.filter(change => change.id === id)).toHaveLength(3);
    await subscription.close();
  });

  test('connects again when its connection is killed, and says so', async () => {
    const heard: string[] = [];
    let again = 0;
    const subscription = await listen(
      database.url,
      'asked',
      ({ id }) => heard.push(id),
      () => {
        again += 1;
      },
    );
    for (const round of [1, 2]) {
      await kill('armada listen asked');
      await eventually(() => again === round);
    }
    const { id } = await addWorkspace(database.pool);
    await eventually(() => heard.includes(id));
    await subscription.close();
  });
});

describe('a lease', () => {
  const never = new AbortController().signal;

  test('is held by one, and passes to the next who waits', async () => {
    const first = await acquireLease(database.url, 'one', { signal: never });
    let got = false;
    const waiting = acquireLease(database.url, 'one', { signal: never }).then(lease => {
      got = true;
      return lease;
    });
    const other = await acquireLease(database.url, 'another', { signal: never });
    expect(got).toBe(false);
    await first.release();
    const second = await waiting;
    expect(second.lost.aborted).toBe(false);
    await Promise.all([second.release(), other.release()]);
  });

  test('is lost with its connection', async () => {
    const lease = await acquireLease(database.url, 'fragile', { signal: never });
    await kill('armada lease fragile');
    await eventually(() => lease.lost.aborted);
    const next = await acquireLease(database.url, 'fragile', { signal: never });
    await next.release();
  });

  test('is no longer waited for once the signal is aborted', async () => {
    const holder = await acquireLease(database.url, 'kept', { signal: never });
    const patience = new AbortController();
    const waiting = acquireLease(database.url, 'kept', { signal: patience.signal });
    const refused = expect(waiting).rejects.toThrow('enough');
    patience.abort(new Error('enough'));
    await refused;
    await holder.release();
    const next = await acquireLease(database.url, 'kept', { signal: never });
    await next.release();
  });
});
