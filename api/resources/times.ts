/** A length of time in one unit, for people: `12 s`, `3 min`, `2 h`, `4 days`. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}

/** When something was: relative under a day, else day and date in the reader's language and time zone. Null: `some time ago`. */
export function when(iso: string | null, now: Date): string {
  const at = iso === null ? Number.NaN : Date.parse(iso);
  if (Number.isNaN(at)) return 'some time ago';
  const seconds = Math.max(0, (now.getTime() - at) / 1000);
  if (seconds < 60) return 'just now';
  if (seconds < 86_400) return `${duration(seconds)} ago`;
  const date = new Date(at);
  const yesterday = new Date(now);
  yesterday.setDate(now.getDate() - 1);
  if (date.toDateString() === yesterday.toDateString()) return 'yesterday';
  const year = date.getFullYear() === now.getFullYear() ? {} : ({ year: 'numeric' } as const);
  return date.toLocaleDateString(undefined, { weekday: 'short', day: 'numeric', month: 'short', ...year });
}

const endings: Readonly<Record<string, string>> = { one: 'st', two: 'nd', few: 'rd', other: 'th' };
const plural = new Intl.PluralRules('en', { type: 'ordinal' });

/** `1st`, `2nd`, `3rd`, `11th`. */
export function ordinal(place: number): string {
  return `${place}${endings[plural.select(place)] ?? 'th'}`;
}

/** ` · 12 s`, or ` · 12 s of about 25 s`; nothing when it is not known since when. */
export function elapsed(seconds: number | undefined, usualSeconds?: number | null): string {
  if (seconds === undefined) return '';
  const usual = usualSeconds && seconds < usualSeconds ? ` of about ${duration(usualSeconds)}` : '';
  return ` · ${duration(seconds)}${usual}`.replaceAll(/(?<=[·\d]) (?=\d|s|min|h|days)/g, '\u00a0');
}
