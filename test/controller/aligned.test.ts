import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { aligned } from '../../controller/aligned.ts';

const times = fc.double({ min: 0, max: 2e12, noNaN: true });

describe('a look that is put off', () => {
  test('is never sooner than its wait, and later by a quarter at most', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 3600, noNaN: true }), times, (seconds, now) => {
        const wait = aligned(seconds, now);
        const slack = 1e-3;
        expect(wait).toBeGreaterThanOrEqual(seconds - slack);
        expect(wait).toBeLessThanOrEqual(seconds * 1.25 + slack);
      }),
    );
  });

  test('falls together with those of about the same time', () => {
    const due = (now: number) => now + aligned(1, now) * 1000;
    expect(new Set([1_000_010, 1_000_040, 1_000_080].map(due)).size).toBe(1);
    expect(due(1_000_010)).toBeGreaterThan(1_001_010);
  });

  test('is at once where there is no wait', () => {
    expect(aligned(0, 12_345)).toBe(0);
  });
});
