import type { Refusal } from './model.ts';

/** AWS gives no more of something until others are given back or the quota is raised. */
export function quotaReached(what: string): Refusal {
  return { reason: 'QuotaReached', message: `AWS's quota of ${what} is reached; the next that frees is taken.` };
}

/** AWS says that something is there, and its lists don't show it yet. */
export function unseen(what: string): Refusal {
  return { reason: 'Preparing', message: `The ${what} is there, and not shown by AWS yet.` };
}
