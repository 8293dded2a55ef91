import { expect, test } from 'vitest';
import { backoffSeconds } from '../../controller/backoff.ts';

test.each([
  [1, 0.25, 0.5],
  [2, 0.5, 1],
  [3, 1, 2],
  [4, 2, 4],
  [5, 4, 8],
  [6, 8, 16],
  [7, 16, 32],
  [8, 30, 60],
  [9, 30, 60],
  [2000, 30, 60],
])('after %i failures in a row the next try is between %d and %d seconds away', (failures, least, most) => {
  expect(backoffSeconds(failures, () => 0)).toBe(least);
  expect(backoffSeconds(failures, () => 1)).toBe(most);
  expect(backoffSeconds(failures, () => 0.5)).toBe((least + most) / 2);
});
