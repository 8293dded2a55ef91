import { expect, test } from 'vitest';
import { gathered } from '../../controller/gathered.ts';

test('rows that are asked for in one moment are read by few queries, each by whoever asked', async () => {
  const queries: (readonly string[])[] = [];
  const load = gathered(async ids => {
    queries.push(ids);
    return ids.filter(id => id !== 'gone').map(id => ({ id, of: ids.length }));
  });
  const ids = ['gone', ...Array.from({ length: 249 }, (_, index) => `row ${index}`)];
  const rows = await Promise.all([...ids, 'row 7'].map(load));
  expect(rows.map(row => row?.id)).toEqual([undefined, ...ids.slice(1), 'row 7']);
  expect(queries.map(({ length }) => length)).toEqual([200, 50]);
  expect(await load('row 7')).toEqual({ id: 'row 7', of: 1 });
});

test('a row that is asked for while a query runs is read afresh', async () => {
  let version = 1;
  const open = Promise.withResolvers<void>();
  const load = gathered(async ids => {
    const read = version;
    if (read === 1) await open.promise;
    return ids.map(id => ({ id, version: read }));
  });
  const before = load('a');
  await new Promise(resolve => setImmediate(resolve));
  version = 2;
  expect(await load('a')).toEqual({ id: 'a', version: 2 });
  open.resolve();
  expect(await before).toEqual({ id: 'a', version: 1 });
});

test('a query that fails fails all who asked, and nobody after', async () => {
  let fails = true;
  const load = gathered(async ids => {
    if (fails) throw new Error('the database is away');
    return ids.map(id => ({ id }));
  });
  const results = await Promise.allSettled([load('a'), load('b')]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  fails = false;
  expect(await load('a')).toEqual({ id: 'a' });
});
