import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { unseenWorkspace } from '../../../api/resources/workspace.ts';
import { transaction } from '../../../api/store/pool.ts';
import { keysOf, loadStudent, loadWorkspace, remove, writeStatus } from '../../../api/store/status.ts';
import { addStudent, addWorkspace } from '../../support/class-rows.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.close());

const ready = { ...unseenWorkspace, step: 'ready' as const, observedGeneration: 1 };

describe('a row', () => {
  test('starts at generation 1, and gains one only when its spec or deletion changes', async () => {
    const { pool } = database;
    const { id, generation } = await addWorkspace(pool);
    expect(generation).toBe(1);
    await pool.query('update workspaces set spec = spec where id = $1', [id]);
    expect(await loadWorkspace(pool, id)).toMatchObject({ generation: 1 });
    await pool.query(`update workspaces set spec = '{"running": false, "restarts": 0}' where id = $1`, [id]);
    expect(await loadWorkspace(pool, id)).toMatchObject({ generation: 2, spec: { running: false } });
    await pool.query('update workspaces set deleted_at = now() where id = $1', [id]);
    expect(await loadWorkspace(pool, id)).toMatchObject({ generation: 3 });
  });

  test('gets a version above every earlier one, whatever its kind', async () => {
    const { pool } = database;
    const student = await addStudent(pool);
    const workspace = await addWorkspace(pool);
    expect(workspace.version).toBeGreaterThan(student.version);
    await pool.query('update people set spec = spec where id = $1', [student.id]);
    const { version } = (await loadStudent(pool, student.id))!;
    expect(version).toBeGreaterThan(workspace.version);
    const clock = await pool.query('select version from clock');
    expect(clock.rows).toEqual([{ version }]);
  });

  test('is not visible before a row with a lower version is', async () => {
    const { pool } = database;
    const [first, second] = [await addStudent(pool), await addStudent(pool)];
    const order: string[] = [];
    let other: Promise<unknown> | undefined;
    await transaction(pool, async client => {
      await client.query('update people set spec = spec where id = $1', [first.id]);
      other = pool.query('update people set spec = spec where id = $1', [second.id]).then(() => order.push('second'));
      await client.query('select pg_sleep(0.05)');
      order.push('first');
    });
    await other;
    expect(order).toEqual(['first', 'second']);
  });

  test('can be written by two who touch the same rows in opposite order', async () => {
    const { pool } = database;
    const ids = [(await addStudent(pool)).id, (await addStudent(pool)).id];
    const touch = (order: string[]) =>
      transaction(pool, async client => {
        for (const id of order) await client.query('update people set spec = spec where id = $1', [id]);
      });
    await Promise.all(Array.from({ length: 20 }, (_, i) => touch(i % 2 ? ids : ids.toReversed())));
  });
});

describe('a workspace', () => {
  test('is loaded with its course, cohort, student, home, report and place', async () => {
    const { pool } = database;
    const { id } = await addWorkspace(pool);
    expect(await loadWorkspace(pool, id)).toMatchObject({
      kind: 'workspace',
      course: { name: 'Introduction' },
      cohort: { name: 'Fall' },
      student: { name: 'Ada Lovelace' },
      template: { ide: 'code-server', memory: 1024 },
      home: { marked: false },
      reported: { at: null, ready: false, problem: null, activeAt: null },
      slot: null,
      deletedAt: null,
    });
    await pool.query('insert into reports (workspace_id, ready) values ($1, true)', [id]);
    await pool.query('insert into route_slots (balancer, priority, workspace_id) values (1, 7, $1)', [id]);
    const loaded = (await loadWorkspace(pool, id))!;
    expect(loaded).toMatchObject({ reported: { ready: true }, slot: { balancer: 1, priority: 7 } });
    expect(loaded.reported.at).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
    expect(loaded.home.uid).toBeGreaterThanOrEqual(20000);
    expect(await loadWorkspace(pool, 'nobody')).toBeUndefined();
  });

  test('is a key while its row is there, to be deleted or not', async () => {
    const { pool } = database;
    const { id, student } = await addWorkspace(pool);
    await pool.query('update workspaces set deleted_at = now() where id = $1', [id]);
    expect(await keysOf(pool, 'workspace')).toContain(id);
    expect(await keysOf(pool, 'student')).toContain(student.id);
  });
});

describe('a status', () => {
  test('is written when the version still matches, and moves the version but not the generation', async () => {
    const { pool } = database;
    const { id, version } = await addWorkspace(pool);
    const next = await writeStatus(pool, 'workspace', id, version, ready);
    expect(next).toBeGreaterThan(version);
    expect(await loadWorkspace(pool, id)).toMatchObject({ version: next, generation: 1, status: ready });
  });

  test('is refused once the row has changed', async () => {
    const { pool } = database;
    const { id, version } = await addWorkspace(pool);
    await pool.query(`update workspaces set spec = '{"running": false, "restarts": 0}' where id = $1`, [id]);
    expect(await writeStatus(pool, 'workspace', id, version, ready)).toBeUndefined();
    expect(await loadWorkspace(pool, id)).toMatchObject({ status: unseenWorkspace });
  });

  test('of two that were found at the same version is written once', async () => {
    const { pool } = database;
    const { id, version } = await addWorkspace(pool);
    const both = await Promise.all([1, 2].map(() => writeStatus(pool, 'workspace', id, version, ready)));
    expect(both.filter(written => written !== undefined)).toHaveLength(1);
  });
});

describe('a removal', () => {
  test('of a workspace keeps its home for ninety days and frees its place', async () => {
    const { pool } = database;
    const { id, home } = await addWorkspace(pool);
    await pool.query('insert into route_slots (balancer, priority, workspace_id) values (0, 9, $1)', [id]);
    expect(await remove(pool, 'workspace', id, (await loadWorkspace(pool, id))!.version)).toBe(false);
    await pool.query('update workspaces set deleted_at = now() where id = $1', [id]);
    expect(await remove(pool, 'workspace', id, (await loadWorkspace(pool, id))!.version)).toBe(true);
    expect(await loadWorkspace(pool, id)).toBeUndefined();
    const kept = await pool.query(`select kept_until > now() + interval '89 days' as kept from homes where id = $1`, [
      home.id,
    ]);
    expect(kept.rows).toEqual([{ kept: true }]);
    expect((await pool.query('select from route_slots where workspace_id = $1', [id])).rowCount).toBe(0);
  });

  test('is refused when the row was changed since it was read', async () => {
    const { pool } = database;
    const { id } = await addWorkspace(pool);
    await pool.query('update workspaces set deleted_at = now() where id = $1', [id]);
    const { version } = (await loadWorkspace(pool, id))!;
    await pool.query('update workspaces set deleted_at = null where id = $1', [id]);
    expect(await remove(pool, 'workspace', id, version)).toBe(false);
  });

  test('of a person takes memberships and sessions along, and waits while a home is kept', async () => {
    const { pool } = database;
    const loner = await addStudent(pool);
    const { cohort, student: owner } = await addWorkspace(pool);
    await pool.query('insert into members (cohort_id, person_id) values ($1, $2)', [cohort.id, loner.id]);
    await pool.query(`insert into sessions (id, sid, person_id, expires_at) values ('a', 'b', $1, now())`, [loner.id]);
    await pool.query('update people set deleted_at = now() where id = any($1)', [[loner.id, owner.id]]);
    const version = async (id: string) => (await loadStudent(pool, id))!.version;
    expect(await remove(pool, 'student', loner.id, await version(loner.id))).toBe(true);
    expect(await remove(pool, 'student', owner.id, await version(owner.id))).toBe(false);
    expect(await loadStudent(pool, loner.id)).toBeUndefined();
  });
});
