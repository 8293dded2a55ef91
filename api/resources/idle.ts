import { type Static, Type } from 'typebox';

/** Why a running workspace will stop by itself, unless somebody works in it: times are ISO 8601. */
export const Idle = Type.Object({
  /** Since when neither person nor job was seen. */
  since: Type.String(),
  stopsAt: Type.String(),
});
export type Idle = Static<typeof Idle>;

/** What "keep it running" adds, from the moment it is asked. */
export const keepMinutes = 60;
/** No stretch of running is longer, whatever is asked or done: a forgotten job must not cost a month. */
export const stretchHours = 12;

/** When a workspace that became ready at `readyAt` stops by itself, as far as is known now; null: it does not run. */
export function idleOf(of: {
  readonly readyAt: string | null;
  readonly activeAt: string | null;
  readonly keepUntil: string | null;
  readonly idleMinutes: number | null;
}): Idle | null {
  if (of.readyAt === null) return null;
  const ready = Date.parse(of.readyAt);
  const since = Math.max(ready, of.activeAt === null ? 0 : Date.parse(of.activeAt));
  const kept = of.keepUntil === null ? 0 : Date.parse(of.keepUntil);
  const end = ready + stretchHours * 3_600_000;
  const idleEnd = of.idleMinutes === null ? end : Math.max(since + of.idleMinutes * 60_000, kept);
  return { since: new Date(since).toISOString(), stopsAt: new Date(Math.min(idleEnd, end)).toISOString() };
}
