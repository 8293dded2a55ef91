import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { listen } from '../../../api/store/changes.ts';
import { createRouteSlots } from '../../../api/store/slots.ts';
import { addWorkspace } from '../../support/class-rows.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';

let database: TestDatabase;
let ids: string[];
beforeAll(async () => {
  database = await createDatabase();
  ids = [];
  for (let i = 0; i < 8; i += 1) ids.push((await addWorkspace(database.pool)).id);
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.pool.query('truncate route_slots, last_balancers, waits');
});

describe('places at the balancers', () => {
  test('are each given to one workspace, though all ask at once and through two pools', async () => {
    const one = createRouteSlots(database.pool, [4, 4]);
    const two = createRouteSlots(database.pool, [4, 4]);
    const given = await Promise.all(ids.map((id, i) => (i % 2 ? one : two).take(id)));
    expect(given).not.toContain('full');
    expect(new Set(given.map(slot => JSON.stringify(slot))).size).toBe(8);
  });

  test('stay the same however often they are asked for', async () => {
    const slots = createRouteSlots(database.pool, [4, 4]);
    const first = await slots.take(ids[0]!);
    expect(await slots.take(ids[0]!)).toEqual(first);
    expect(await Promise.all([slots.take(ids[0]!), slots.take(ids[0]!)])).toEqual([first, first]);
  });

  test('run out, and come free again', async () => {
    const slots = createRouteSlots(database.pool, [1, 1]);
    await slots.take(ids[0]!);
    await slots.take(ids[1]!);
    expect(await slots.take(ids[2]!)).toBe('full');
    await slots.release(ids[0]!);
    await slots.release(ids[0]!);
    expect(await slots.take(ids[2]!)).not.toBe('full');
  });

  test('are taken at the last balancer again while it has room', async () => {
    const slots = createRouteSlots(database.pool, [4, 4]);
    const first = await slots.take(ids[0]!);
    const second = await slots.take(ids[1]!);
    if (first === 'full' || second === 'full') throw new Error('full');
    expect(second.balancer).not.toBe(first.balancer);
    await slots.release(ids[1]!);
    await slots.take(ids[2]!);
    await slots.take(ids[3]!);
    expect(await slots.take(ids[1]!)).toMatchObject({ balancer: second.balancer });
  });

  test('are moved to another priority each time, and never onto another workspace', async () => {
    const slots = createRouteSlots(database.pool, [5]);
    for (const id of ids.slice(0, 3)) await slots.take(id);
    const seen = [];
    for (let i = 0; i < 3; i += 1) seen.push(await slots.move(ids[0]!));
    expect(seen).toEqual([
      { balancer: 0, priority: 4 },
      { balancer: 0, priority: 5 },
      { balancer: 0, priority: 1 },
    ]);
  });

  test('that the deployment no longer has are left for one that it has', async () => {
    await createRouteSlots(database.pool, [0, 1]).take(ids[0]!);
    expect(await createRouteSlots(database.pool, [1]).take(ids[0]!)).toEqual({ balancer: 0, priority: 1 });
  });

  test('are refused to a workspace that is gone, without harm to who asks beside it', async () => {
    const slots = createRouteSlots(database.pool, [4]);
    const [gone, there] = await Promise.allSettled([slots.take('nobody'), slots.take(ids[0]!)]);
    expect(gone.status).toBe('rejected');
    expect(there.status).toBe('fulfilled');
  });
});

describe('those who wait for a place', () => {
  const spec = (id: string, running: boolean) =>
    database.pool.query(`update workspaces set spec = jsonb_set(spec, '{running}', $2::jsonb) where id = $1`, [
      id,
      running,
    ]);

  test('are served in order of asking, whoever asks again first, and by a later process too', async () => {
    const slots = createRouteSlots(database.pool, [1]);
    await slots.take(ids[0]!);
    for (const id of ids.slice(1, 4)) expect(await slots.take(id)).toBe('full');
    await slots.release(ids[0]!);
    const later = createRouteSlots(database.pool, [1]);
    expect(await later.take(ids[3]!)).toBe('full');
    expect(await later.take(ids[4]!)).toBe('full');
    expect(await Promise.all([later.take(ids[2]!), later.take(ids[1]!)])).toEqual([
      'full',
      { balancer: 0, priority: 1 },
    ]);
    await later.release(ids[1]!);
    expect(await later.take(ids[3]!)).toBe('full');
    expect(await later.take(ids[2]!)).toEqual({ balancer: 0, priority: 1 });
  });

  test('hold nobody up once they are not to run any more', async () => {
    const slots = createRouteSlots(database.pool, [1]);
    await slots.take(ids[0]!);
    for (const id of ids.slice(1, 3)) await slots.take(id);
    await slots.release(ids[0]!);
    await spec(ids[1]!, false);
    expect(await slots.take(ids[2]!)).toEqual({ balancer: 0, priority: 1 });
    await spec(ids[1]!, true);
    await slots.release(ids[2]!);
    expect(await slots.take(ids[1]!)).not.toBe('full');
  });

  test('are woken one by one as places come free, and a workspace that is moved wakes nobody in vain for long', async () => {
    const heard: string[] = [];
    const subscription = await listen(
      database.url,
      'asked',
      ({ id }) => void heard.push(id),
      () => {},
    );
    const slots = createRouteSlots(database.pool, [2]);
    for (const id of ids.slice(0, 5)) await slots.take(id);
    heard.length = 0;
    await slots.release(ids[0]!);
    await eventually(() => heard.includes(ids[2]!));
    expect(heard).not.toContain(ids[3]);
    await subscription.close();
  });

  test('of what AWS has a quota of know whose turn it is', async () => {
    const { line } = createRouteSlots(database.pool, [1]);
    expect(await line.turn(ids[0]!, 'ECS services')).toBe('open');
    await line.join(ids[1]!, 'ECS services');
    await line.join(ids[0]!, 'ECS services');
    await line.join(ids[1]!, 'ECS services');
    expect(await line.turn(ids[0]!, 'ECS services')).toBe('later');
    expect(await line.turn(ids[1]!, 'ECS services')).toBe('yours');
    expect(await line.turn(ids[0]!, 'target groups')).toBe('open');
    const heard: string[] = [];
    const subscription = await listen(
      database.url,
      'asked',
      ({ id }) => void heard.push(id),
      () => {},
    );
    await line.leave(ids[1]!, 'ECS services');
    await eventually(() => heard.includes(ids[0]!));
    await subscription.close();
    expect(await line.turn(ids[0]!, 'ECS services')).toBe('yours');
  });
});
