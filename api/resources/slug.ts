/** Longest slugs, so that `cohort-course-student` fits a DNS label of 63 characters. */
export const slugLengths = { person: 24, cohort: 18, course: 18, workspace: 63 } as const;

/** What a cohort's, course's or person's slug looks like, for schemas; lengths in `slugLengths`. */
export const slugPattern = '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$';

/** Words that would be taken for a part of the product in an address or a command, and are nobody's slug. */
export const reservedSlugs: ReadonlySet<string> = new Set([
  'admin',
  'all',
  'api',
  'armada',
  'assets',
  'auth',
  'gate',
  'healthz',
  'localhost',
  'mail',
  'me',
  'new',
  'none',
  'null',
  'open',
  'operator',
  'outbox',
  'portal',
  'readyz',
  'root',
  'sign-in',
  'sign-out',
  'static',
  'status',
  'support',
  'system',
  'undefined',
  'v1',
  'wake',
  'www',
]);

/** Latin letters that Unicode does not take apart into a base letter and a mark. */
const letters: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ħ: 'h',
  ı: 'i',
  ŋ: 'n',
  ə: 'e',
};

/** `Zoë O'Brien` → `zoe-obrien`: `[a-z0-9-]`, at most `maxLength`; empty when no Latin letter and no digit is in it. */
export function slugify(text: string, maxLength: number): string {
  const plain = text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[\p{M}'’ʼ`´]/gu, '')
    .replace(/[^\p{ASCII}]/gu, letter => letters[letter] ?? '-')
    .replace(/[^a-z0-9]+/g, '-');
  return trimDashes(trimDashes(plain).slice(0, maxLength));
}

/** `base`, or `base-2`, `base-3`… where that is taken or reserved; cut so that it stays within `maxLength`. */
export function uniqueSlug(base: string, maxLength: number, taken: (slug: string) => boolean): string {
  const free = (slug: string) => !reservedSlugs.has(slug) && !taken(slug);
  if (free(base)) return base;
  for (let number = 2; ; number += 1) {
    const suffix = `-${number}`;
    const slug = `${trimDashes(base.slice(0, maxLength - suffix.length))}${suffix}`;
    if (free(slug)) return slug;
  }
}

/**
 * A person's slug: from the name if it has Latin letters, else from the address's local part, else `student-` and
 * `random()`, which answers a few characters of `[a-z0-9]`.
 */
export function personSlug(
  person: { readonly name: string; readonly email: string },
  taken: (slug: string) => boolean,
  random: () => string,
): string {
  const [local = ''] = person.email.split('@');
  const hasLatin = (slug: string) => /[a-z]/.test(slug);
  const base =
    [person.name, local].map(text => slugify(text, slugLengths.person)).find(hasLatin) ?? `student-${random()}`;
  return uniqueSlug(base.slice(0, slugLengths.person), slugLengths.person, taken);
}

function trimDashes(text: string): string {
  return text.replace(/^-+|-+$/g, '');
}
