/** The first retry comes soon: most failures are one lost answer. */
export const firstSeconds = 0.5;
/** Beyond this a repaired cause would go unnoticed for too long; each resync looks earlier anyway. */
export const mostSeconds = 60;

/**
 * Seconds until the next try after `failures` failures in a row (at least 1): doubled each time, and the upper half of
 * it at random, so that what failed together does not come back together. `random` is in [0, 1).
 */
export function backoffSeconds(failures: number, random: () => number): number {
  const whole = Math.min(firstSeconds * 2 ** (failures - 1), mostSeconds);
  return whole / 2 + (whole / 2) * random();
}
