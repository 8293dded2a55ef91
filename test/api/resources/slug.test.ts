import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  personSlug,
  reservedSlugs,
  slugify,
  slugLengths,
  slugPattern,
  uniqueSlug,
} from '../../../api/resources/slug.ts';
import '../../support/seed.ts';

describe('slugify', () => {
  test.each([
    ['Ada Lovelace', 'ada-lovelace'],
    ['Zoë Ångström', 'zoe-angstrom'],
    ["Siobhán O'Brien", 'siobhan-obrien'],
    ['Siobhán O’Brien', 'siobhan-obrien'],
    ['Łukasz Wałęsa', 'lukasz-walesa'],
    ['Jürgen Groß', 'jurgen-gross'],
    ['Søren Kierkegaard', 'soren-kierkegaard'],
    ['Æsa Þórsdóttir', 'aesa-thorsdottir'],
    ['Đặng Thị', 'dang-thi'],
    ['İpek Işık', 'ipek-isik'],
    ['ﬁne ＡＢＣ', 'fine-abc'],
    ['José María  Núñez--Díaz', 'jose-maria-nunez-diaz'],
    ['  ../../etc/passwd  ', 'etc-passwd'],
    ['李雷', ''],
    ['שלום', ''],
    ['😀', ''],
    ['', ''],
  ])('makes %s into %s', (text, slug) => {
    expect(slugify(text, 24)).toBe(slug);
  });

  test('cuts without a dash at the end', () => {
    expect(slugify('abcdef ghijkl', 7)).toBe('abcdef');
  });

  test('gives a slug or nothing for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), fc.integer({ min: 1, max: 24 }), (text, length) => {
        const slug = slugify(text, length);
        expect(slug.length).toBeLessThanOrEqual(length);
        expect(slug).toMatch(/^([a-z0-9]([a-z0-9-]*[a-z0-9])?)?$/);
      }),
    );
  });
});

describe('a person’s slug', () => {
  const random = () => 'x7';
  const of = (name: string, email: string, taken: readonly string[] = []) =>
    personSlug({ name, email }, slug => taken.includes(slug), random);

  test('comes from the name, else from the address, else from chance', () => {
    expect(of('Ada Lovelace', 'al@x.edu')).toBe('ada-lovelace');
    expect(of('李雷', 'lei.li@x.edu')).toBe('lei-li');
    expect(of('李雷', '12345@x.edu')).toBe('student-x7');
  });

  test('gets a number where the slug is taken or reserved', () => {
    expect(of('Wei Chen', 'w@x.edu', ['wei-chen', 'wei-chen-2'])).toBe('wei-chen-3');
    expect(of('Admin', 'a@x.edu')).toBe('admin-2');
  });

  test('fits with the longest cohort and course into a host’s label, whoever comes', () => {
    expect(slugLengths.cohort + slugLengths.course + slugLengths.person + 2).toBeLessThanOrEqual(slugLengths.workspace);
    const taken = new Set<string>();
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.emailAddress(), (name, email) => {
        const slug = personSlug({ name, email }, candidate => taken.has(candidate), random);
        expect(taken.has(slug)).toBe(false);
        expect(reservedSlugs.has(slug)).toBe(false);
        expect(slug.length).toBeLessThanOrEqual(slugLengths.person);
        expect(slug).toMatch(new RegExp(slugPattern));
        taken.add(slug);
      }),
      { numRuns: 500 },
    );
  });

  test('stays within its length whatever number it gets', () => {
    const long = 'a'.repeat(24);
    const taken = new Set([long]);
    for (let number = 0; number < 120; number += 1) taken.add(uniqueSlug(long, 24, slug => taken.has(slug)));
    expect(taken.size).toBe(121);
    expect(Math.max(...[...taken].map(slug => slug.length))).toBe(24);
  });
});
