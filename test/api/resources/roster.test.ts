import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRoster, type Roster } from '../../../api/resources/roster.ts';
import '../../support/seed.ts';

function read(input: string | Uint8Array): Roster {
  const roster = parseRoster(input);
  if (roster === 'too-large') throw new Error('too large');
  return roster;
}
const ada = { line: 1, name: 'Ada Lovelace', email: 'ada@x.edu' };

describe('one person a line, in whatever form', () => {
  test.each([
    ['Ada Lovelace <ada@x.edu>'],
    ['"Ada Lovelace" <ada@x.edu>'],
    ['"Lovelace, Ada" <ada@x.edu>'],
    ['Lovelace, Ada <ada@x.edu>'],
    ['Ada Lovelace <ADA@X.edu>,'],
    ['Ada Lovelace,ada@x.edu'],
    ['ada@x.edu,Ada Lovelace'],
    ['Ada Lovelace;ada@x.edu'],
    ['Ada Lovelace\tada@x.edu'],
    ['"Lovelace, Ada";ada@x.edu'],
    ['"Lovelace, Ada",ada@x.edu'],
    ['Lovelace, Ada;ada@x.edu'],
    ['Lovelace, Ada\tada@x.edu'],
    ['Ada,Lovelace,ada@x.edu'],
    ['Ada;Lovelace;ada@x.edu'],
    ['ada@x.edu;Ada;Lovelace'],
    ['Ada Lovelace ada@x.edu'],
    ['ada@x.edu Ada Lovelace'],
    ['ada@x.edu (Ada Lovelace)'],
    ['Ada Lovelace (ada@x.edu)'],
    ['  Ada   Lovelace  ,  ada@x.edu  '],
    ['Ada Lovelace,mailto:ada@x.edu'],
    ['Ada Lovelace <mailto:ada@x.edu>'],
    ['"Ada Lovelace","ada@x.edu","12345",""'],
    ['12345;Ada Lovelace;ada@x.edu'],
    ['Ada Lovelace,<ada@x.edu>'],
    ['Ada Lovelace;Ada Lovelace <ada@x.edu>'],
    ['\u00a0Ada\u00a0Lovelace,ada@x.edu'],
    ['Ada\u200b Love\u0000lace,ada@x.edu'],
    ['\u202eAda Lovelace,\u2066ada@x.edu\u2069'],
    ['\ufeffAda Lovelace,ada@x.edu'],
  ])('%j', text => {
    const { rows, problems, header } = read(text);
    expect({ rows, problems, header }).toEqual({ rows: [ada], problems: [], header: null });
  });

  test('without a name the address stands for it', () => {
    for (const text of ['ada@x.edu', '<ada@x.edu>', ',ada@x.edu', '"";ada@x.edu']) {
      expect(read(text).rows).toEqual([{ line: 1, name: 'ada', email: 'ada@x.edu' }]);
    }
  });

  test('names stay as they are written, in one Unicode form', () => {
    const names = [
      'José Núñez',
      "Siobhán O'Brien",
      'محمد علي',
      '李雷',
      '<script>alert(1)</script>',
      '=cmd()',
      'می\u200cخواهم',
    ];
    for (const name of names) {
      expect(read(`${name.normalize('NFD')};x@x.edu`).rows[0]?.name).toBe(name.normalize('NFC'));
    }
    expect(read('Martin King, Jr. <x@x.edu>').rows[0]?.name).toBe('Martin King, Jr.');
  });
});

describe('a header', () => {
  test.each([
    ['Name,Email\n', 'Ada Lovelace,ada@x.edu'],
    ['E-Mail;Name\n', 'ada@x.edu;Ada Lovelace'],
    ['First name\tLast name\tE-mail address\n', 'Ada\tLovelace\tada@x.edu'],
    ['Last name,First name,Email\n', 'Lovelace,Ada,ada@x.edu'],
    ['Nachname;Vorname;E-Mail\n', 'Lovelace;Ada;ada@x.edu'],
    ['Prénom;Nom;Courriel\n', 'Ada;Lovelace;ada@x.edu'],
    ['ID,Student,Section,SIS Login ID\n', '77,Ada Lovelace,A1,ada@x.edu'],
    ['"Name","Email"\n', '"Lovelace, Ada","ada@x.edu"'],
    ['email\n', 'Ada Lovelace <ada@x.edu>'],
  ])('%j is guessed', (header, line) => {
    const roster = read(header + line);
    expect(roster.rows).toEqual([{ ...ada, line: 2 }]);
    expect(roster.header).not.toBeNull();
  });

  test('is not taken for one when it could be a person, and never dropped then', () => {
    const roster = read('Ada Lovelace\nada@x.edu');
    expect(roster.header).toBeNull();
    expect(roster.problems).toMatchObject([{ line: 1, reason: 'No e-mail address in this line.' }]);
  });
});

describe('a line that needs a look', () => {
  test.each([
    ['Ada Lovelace', 'No e-mail'],
    ['Ada,ada@', 'not an e-mail'],
    ['Ada,@x.edu', 'not an e-mail'],
    ['Ada,ada@x', 'not an e-mail'],
    ['Ada,ada@@x.edu', 'not an e-mail'],
    ['Ada,ada@x..edu', 'not an e-mail'],
    ['Ada,ada@-x.edu', 'not an e-mail'],
    ['Ada,.ada@x.edu', 'not an e-mail'],
    ['Ada,adä@x.edu', 'mail servers do not take'],
    ['Ada,ada@exämple.edu', 'mail servers do not take'],
    ['Ada <ada@x.edu> Bob <bob@x.edu>', 'More than one'],
    ['ada@x.edu bob@x.edu', 'More than one'],
    ['ada@x.edu;bob@x.edu', 'More than one'],
    ['"Ada,ada@x.edu', 'not closed'],
    [`${'x'.repeat(201)},ada@x.edu`, 'longer than 200'],
    [`Ada,${'x'.repeat(65)}@x.edu`, 'too long'],
    [`Ada,ada@${'x.'.repeat(130)}edu`, 'too long'],
    ['#N/A', 'No e-mail'],
  ])('%j', (text, reason) => {
    const { rows, problems } = read(`\n${text}`);
    expect(rows).toEqual([]);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ line: 2, reason: expect.stringContaining(reason) });
  });

  test('that repeats an address names the first', () => {
    expect(read('Ada,ada@x.edu\n\nAnother,ADA@x.edu').problems).toEqual([
      { line: 3, text: 'Another,ADA@x.edu', reason: 'Same address as line 1.' },
    ]);
  });

  test('T22: can’t bring a second header into a mail', () => {
    const { rows, problems } = read('Ada <ada@x.edu\nBcc: all@x.edu>\r"Eve\r\n",eve@x.edu');
    for (const { name, email } of rows) expect(name + email).not.toMatch(/[\r\n]/);
    expect(rows.length + problems.length).toBe(4);
  });

  test('is told of when something invisible was taken out', () => {
    expect(read('Ada\u200b,ada@x.edu\nBob,bob@x.edu').notes).toEqual([
      { line: 1, text: 'Invisible characters were removed.' },
    ]);
  });
});

describe('bytes', () => {
  const text = 'Zoë Ångström,zoe@x.edu\r\n李雷,lei@x.edu';
  const rows = [
    { line: 1, name: 'Zoë Ångström', email: 'zoe@x.edu' },
    { line: 2, name: '李雷', email: 'lei@x.edu' },
  ];
  const be = (buffer: Buffer) => Buffer.from(buffer).swap16();
  test.each([
    ['UTF-8', Buffer.from(text)],
    ['UTF-8 with a mark', Buffer.from(`\ufeff${text}`)],
    ['UTF-16 LE with a mark', Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['UTF-16 BE with a mark', be(Buffer.from(`\ufeff${text}`, 'utf16le'))],
    ['UTF-16 LE', Buffer.from(text, 'utf16le')],
    ['UTF-16 BE', be(Buffer.from(text, 'utf16le'))],
  ])('in %s are read', (_, bytes) => {
    expect(read(bytes)).toMatchObject({ rows, problems: [] });
  });
  test('that are no Unicode are taken for Windows-1252', () => {
    expect(read(Buffer.from('Jos\xe9 N\xfa\xf1ez \x93x\x94;jose@x.edu', 'latin1')).rows[0]?.name).toBe(
      'José Núñez “x”',
    );
  });
  test('that are cut or mixed lose no line', () => {
    expect(read(Buffer.concat([Buffer.from(`\ufeff${text}`, 'utf16le'), Buffer.from([0x41])])).rows).toHaveLength(1);
    expect(read(Buffer.from('a\0\0\0,a@x.edu\n\0\0\nb@x.edu'))).toMatchObject({
      rows: [{ line: 1 }, { line: 3 }],
      problems: [],
    });
  });
});

test('lines end in any way, and blank ones are neither rows nor problems', () => {
  const roster = read('a@x.edu\r\n\r\n  \t \n,,,\n;;\n""\nb@x.edu\rc@x.edu\n');
  expect(roster.rows.map(row => row.email)).toEqual(['a@x.edu', 'b@x.edu', 'c@x.edu']);
  expect(roster.problems).toEqual([]);
});

test('limits: 2,000 people and 1 MB', () => {
  const list = (count: number) => Array.from({ length: count }, (_, number) => `p${number}@x.edu`).join('\n');
  expect(read(`email\n${list(2000)}`).rows).toHaveLength(2000);
  expect(parseRoster(list(2001))).toBe('too-large');
  expect(parseRoster('x'.repeat(1_000_001))).toBe('too-large');
});

test('the example roster is read whole', () => {
  const text = readFileSync(new URL('../../../examples/roster.csv', import.meta.url));
  expect(read(text).problems).toEqual([]);
  expect(read(text).rows).toHaveLength(30);
});

test('law: lines that are not blank, less the header, are rows and problems, each once and in order', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'Ada',
      'ada@x.edu',
      'Name',
      'Email',
      ',',
      ';',
      '\t',
      '"',
      '<',
      '>',
      '@',
      ' ',
      '\r\n',
      '\n',
      '\r',
      '\0',
      'Lovelace, Ada',
    ),
    fc.string({ unit: 'binary', maxLength: 5 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), pieces => {
      const text = pieces.join('');
      const { rows, problems, header } = read(text);
      // Written without looking at the parser: a line counts when it shows something besides separators and quotes.
      const counted = text
        .toWellFormed()
        .replace(/^\ufeff/, '')
        .split(/\r\n|\n|\r/)
        .map(
          (line, index) =>
            [
              line.replace(/[\p{Cc}\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\s,;"']/gu, ''),
              index + 1,
            ] as const,
        )
        .filter(([line]) => line !== '')
        .map(([, number]) => number);
      const told = [...rows, ...problems].map(each => each.line).sort((a, b) => a - b);
      expect(told).toEqual(header ? counted.slice(1) : counted);
      for (const { name, email } of rows) {
        expect(name).not.toBe('');
        // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be left
        expect(name + email).not.toMatch(/[\x00-\x1f\x7f]/);
        expect(email).toBe(email.toLowerCase());
      }
      expect(new Set(rows.map(row => row.email)).size).toBe(rows.length);
      for (const problem of problems) expect(problem.reason).not.toBe('');
    }),
    { numRuns: 1000 },
  );
});
