/** Whatever a bench has begun and not yet ended; the latest last. */
const ends: (() => Promise<unknown>)[] = [];
const began = performance.now();

/** Has `end` called at most once: by whoever calls the answer, or by Ctrl-C. */
export function ending(end: () => Promise<unknown>): () => Promise<unknown> {
  let ended: Promise<unknown> | undefined;
  const once = () => {
    ended ??= end().finally(() => ends.splice(ends.indexOf(once), 1));
    return ended;
  };
  ends.push(once);
  return once;
}

/** Ends what is still open, the latest first, whatever fails meanwhile. */
export async function endAll(): Promise<void> {
  for (const end of ends.toReversed()) await end().catch(() => {});
}

/** A line of progress for whoever watches; figures go to stdout. */
export function tell(line: string): void {
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  process.stderr.write(`${seconds.padStart(4)} s  ${line}\n`);
}
