/** A look may come later by this share of its wait, so that it comes with others'. */
const share = 1 / 4;

/**
 * Seconds until a look that is due in `seconds`, put off to where the looks of others fall: what waits about as long,
 * asks AWS in the same calls. `now`: milliseconds of any clock that all share.
 */
export function aligned(seconds: number, now: number): number {
  const milliseconds = seconds * 1000;
  if (milliseconds < 1) return seconds;
  // A power of two, so that the marks of longer waits are among those of shorter ones.
  const mark = 2 ** Math.floor(Math.log2(milliseconds * share));
  return mark < 1 ? seconds : (Math.ceil((now + milliseconds) / mark) * mark - now) / 1000;
}
