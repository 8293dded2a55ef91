import { when } from './times.ts';

/** What a home holds and when it was last changed: `12 MB, last changed 3 h ago`; nothing is known before the first count. */
export function filesInWords(
  { homeBytes, changedAt }: { readonly homeBytes?: number | null; readonly changedAt?: string | null },
  now: Date,
): string {
  if (homeBytes === undefined || homeBytes === null) return 'Not counted yet';
  const size = homeBytes < 1e9 ? `${Math.ceil(homeBytes / 1e6)} MB` : `${(homeBytes / 1e9).toFixed(1)} GB`;
  return changedAt ? `${size}, last changed ${when(changedAt, now)}` : `${size}, no work in them yet`;
}
