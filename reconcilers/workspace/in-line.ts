import type { Deed } from './deed.ts';
import type { Observed, Scarce } from './model.ts';
import { quotaReached } from './refusals.ts';

/**
 * Makes something that AWS has a quota of. Where others have waited longer for the same, nothing is tried: who asked
 * first is served first. `attempt` answers `quota` when AWS refuses.
 */
export async function inLine(
  { workspace, observed, ground, context }: Deed,
  what: Scarce,
  attempt: () => Promise<Observed | 'quota'>,
): Promise<Observed> {
  const { line } = context.slots;
  const { lines } = ground.hints;
  const refused = { ...observed, refusal: quotaReached(what) };
  // A process that has not met the quota knows nothing of who waits; one that has knows that somebody may.
  if (line && lines.get(what) !== 'open') {
    const turn = await line.turn(workspace.id, what);
    lines.set(what, turn === 'open' ? 'open' : 'busy');
    if (turn === 'later') {
      await line.join(workspace.id, what);
      return refused;
    }
  }
  const result = await attempt();
  if (result === 'quota') {
    lines.set(what, 'busy');
    await line?.join(workspace.id, what);
    return refused;
  }
  if (lines.get(what) === 'busy') await line?.leave(workspace.id, what);
  return result;
}

/** One was given back: the first in line is looked at at once. */
export async function giveBack({ ground, context }: Deed, what: Scarce): Promise<void> {
  if (ground.hints.lines.get(what) === 'busy') await context.slots.line?.freed(what);
}
