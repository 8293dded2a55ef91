import { afterEach, beforeEach, expect, test } from 'vitest';
import { workspaceRow } from '../rows.ts';
import { startWorld, type World } from '../world.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld({ lagMilliseconds: 0 });
});
afterEach(() => world.close());

test('looking at a settled class of 60 costs pages, not calls for each, and changes nothing', async () => {
  const rows = world.workspaceRows();
  // Ids whose turns are spread evenly, as those of many are.
  const ids = ['aab', 'aba', 'baa'].flatMap(end =>
    Array.from('abcdefghijklmnopqrst', first => `${first}aaaabbbbcccc${end}`),
  );
  ids.forEach((id, place) => {
    const row = workspaceRow(id, { spec: { running: place % 2 === 0, restarts: 0 } });
    rows.rows.set(id, { ...row, home: { ...row.home, uid: 20000 + place } });
  });
  await Promise.all(ids.map(id => rows.settle(id)));
  const at = new Date();
  rows.now = () => at;
  world.calls.reset();
  const passes = await Promise.all(ids.map(id => rows.pass(id)));
  expect(new Set(passes.map(({ verdict }) => verdict))).toEqual(new Set(['settled']));
  expect(world.writes()).toBe(0);
  const {
    DescribeServices = 0,
    DescribeRules = 0,
    DescribeTargetGroups = 0,
    DescribeAccessPoints = 0,
  } = world.calls.counts();
  expect(DescribeServices).toBeLessThanOrEqual(8);
  expect(DescribeRules + DescribeTargetGroups + DescribeAccessPoints).toBeLessThanOrEqual(6);
  // A twentieth has its turn for what costs a call each.
  expect(world.reads()).toBeLessThanOrEqual(60 * 0.5);
});
