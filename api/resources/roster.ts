import { parse } from 'csv-parse/sync';
import Format from 'typebox/format';
import { decodeText, removeInvisible } from './text.ts';

/** A class of 2,000 is larger than any that one deployment is made for; a list above it is a mistake. */
export const rosterLimits = { bytes: 1_000_000, rows: 2000, name: 200, email: 254 } as const;

/** One person who can be added. `email` is in lower case; without a name the address's local part stands for it. */
export interface RosterRow {
  readonly line: number;
  readonly name: string;
  readonly email: string;
}

/** One line that needs a look. `text` is what it says, cut; `reason` is a sentence for people. */
export interface RosterProblem {
  readonly line: number;
  readonly text: string;
  readonly reason: string;
}

/**
 * What a roster says. Nothing is dropped silently: lines that are not blank, less the header, = rows + problems. Lines
 * count from 1. `notes` tells of what was changed in rows that were accepted.
 */
export interface Roster {
  readonly rows: readonly RosterRow[];
  readonly problems: readonly RosterProblem[];
  readonly notes: readonly { readonly line: number; readonly text: string }[];
  /** The line that was taken for a header, split; null: none. */
  readonly header: readonly string[] | null;
}

type Role = 'name' | 'first' | 'last' | 'email' | 'other';

/** Header words by what their column holds, in lower case without marks, spaces or punctuation. */
const headerWords: Readonly<Record<Exclude<Role, 'other'>, readonly string[]>> = {
  name: ['name', 'fullname', 'student', 'studentname', 'displayname', 'names', 'nomcomplet', 'nombrecompleto'],
  first: ['firstname', 'givenname', 'first', 'given', 'forename', 'vorname', 'prenom', 'nombre', 'nome', 'imie'],
  last: ['lastname', 'surname', 'familyname', 'last', 'family', 'nachname', 'nom', 'apellido', 'apellidos', 'cognome'],
  email: [
    'email',
    'mail',
    'emailaddress',
    'mailaddress',
    'address',
    'eposta',
    'correo',
    'courriel',
    'username',
    'sisloginid',
  ],
};

/** Reads a pasted text or an uploaded file. 'too-large': above 1 MB or 2,000 lines; nothing was read then. */
export function parseRoster(input: string | Uint8Array): Roster | 'too-large' {
  const size = typeof input === 'string' ? Buffer.byteLength(input) : input.byteLength;
  // UTF-16 takes twice the bytes of the same list.
  if (size > rosterLimits.bytes * (typeof input === 'string' ? 1 : 2)) return 'too-large';
  const lines = decodeText(input)
    .split(/\r\n|\n|\r/)
    .map((text, index) => ({ line: index + 1, ...removeInvisible(text) }))
    .filter(({ text }) => !/^[\s,;"']*$/.test(text));
  if (lines.length > rosterLimits.rows + 1) return 'too-large';
  const columns = lines[0] && headerOf(lines[0].text);
  const people = columns ? lines.slice(1) : lines;
  if (people.length > rosterLimits.rows) return 'too-large';

  const rows: RosterRow[] = [];
  const problems: RosterProblem[] = [];
  const notes: { line: number; text: string }[] = [];
  const firstLine = new Map<string, number>();
  for (const { line, text, removed } of people) {
    const read = readLine(text, columns?.roles);
    const reason = 'reason' in read ? read.reason : duplicateOf(read.email, firstLine);
    if ('reason' in read || reason !== undefined) {
      problems.push({ line, text: text.trim().slice(0, rosterLimits.name), reason: reason ?? '' });
      continue;
    }
    firstLine.set(read.email, line);
    rows.push({ line, ...read });
    if (removed) notes.push({ line, text: 'Invisible characters were removed.' });
  }
  return { rows, problems, notes, header: columns?.names ?? null };
}

function duplicateOf(email: string, firstLine: ReadonlyMap<string, number>): string | undefined {
  const line = firstLine.get(email);
  return line === undefined ? undefined : `Same address as line ${line}.`;
}

/** The header's columns if this first line is one: no address in it, and a word that names a column. */
function headerOf(text: string): { roles: readonly Role[]; names: readonly string[] } | undefined {
  if (text.includes('@')) return undefined;
  const names = split(text);
  if (!names) return undefined;
  const roles = names.map(roleOf);
  // A lone "Nom" could be a person; two columns, or one that says mail or name in full, could not.
  const known = roles.filter(role => role !== 'other').length;
  const certain = roles.includes('email') || (roles.length === 1 && roles[0] === 'name') || known >= 2;
  return certain ? { roles, names } : undefined;
}

function roleOf(title: string): Role {
  const word = title
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z]/g, '');
  const roles = ['name', 'first', 'last', 'email'] as const;
  return roles.find(role => headerWords[role].includes(word)) ?? 'other';
}

type Read = { readonly name: string; readonly email: string } | { readonly reason: string };

function readLine(text: string, roles: readonly Role[] | undefined): Read {
  if (!text.includes('@')) return { reason: 'No e-mail address in this line.' };
  const angled = /^(?<name>[^<>;\t]*)<\s*(?<email>[^<>\s]*@[^<>\s]*)\s*>[\s,;]*$/.exec(text)?.groups;
  if (angled) return person(angled['name'] ?? '', angled['email'] ?? '');
  const fields = split(text);
  if (!fields) return { reason: 'A quotation mark in this line is not closed.' };
  const withAddress = fields.filter(field => field.includes('@'));
  const [field = ''] = withAddress;
  if (withAddress.length > 1)
    return { reason: 'More than one e-mail address in this line; one person a line, please.' };
  const inField = /^(?<name>[^<>]*)<\s*(?<email>[^<>\s]*@[^<>\s]*)\s*>$/.exec(field.trim())?.groups;
  if (inField) return person(named(fields, roles) || (inField['name'] ?? ''), inField['email'] ?? '');
  const words = field.trim().split(/\s+/);
  const addresses = words.filter(word => word.includes('@'));
  if (addresses.length > 1) return { reason: 'More than one e-mail address in this line; one person a line, please.' };
  const rest = words.filter(word => !word.includes('@')).join(' ');
  return person(named(fields, roles) || rest, addresses[0] ?? '');
}

/** The name that the other fields hold, in the order that the header or, without one, the line gives. */
function named(fields: readonly string[], roles: readonly Role[] | undefined): string {
  const of = (role: Role) => fields.filter((field, index) => roles?.[index] === role && !field.includes('@')).join(' ');
  if (roles) {
    const whole = of('name') || `${of('first')} ${of('last')}`;
    if (whole.trim() !== '') return whole;
    if (roles.length > 1) return '';
  }
  return fields.filter(field => !field.includes('@') && !/^[\d\s#.-]*$/.test(field)).join(' ');
}

function person(rawName: string, rawEmail: string): Read {
  const email = rawEmail
    .replace(/^mailto:/i, '')
    .replace(/^[("'<]+|[)"'>,;.]+$/g, '')
    .toLowerCase();
  const reason = addressFault(email);
  if (reason) return { reason };
  const name = nameOf(rawName) || (email.split('@')[0] ?? '');
  if ([...name].length > rosterLimits.name)
    return { reason: `The name is longer than ${rosterLimits.name} characters.` };
  return { name, email };
}

/** `"Lovelace, Ada"` → `Ada Lovelace`; `King, Jr.` stays. */
function nameOf(raw: string): string {
  const name = raw
    .replace(/["]/g, ' ')
    .replace(/^[\s,;]+|[\s,;]+$/g, '')
    .replace(/^\((.*)\)$/, '$1')
    .replace(/\s+/g, ' ')
    .trim()
    .normalize('NFC');
  const parts = name.split(', ');
  const [last, first] = parts;
  if (parts.length !== 2 || !first || /^(jr|sr|ii|iii|iv|ph\.?d|md)\.?$/i.test(first)) return name;
  return `${first} ${last}`;
}

function addressFault(email: string): string | undefined {
  const [local = '', domain = ''] = email.split('@');
  if (email.length > rosterLimits.email || local.length > 64) return 'The e-mail address is too long.';
  if (/[^\x21-\x7e]/.test(email)) return 'The e-mail address has characters that mail servers do not take.';
  // Format's grammar allows hosts without a dot; no school's mail comes from one.
  if (!Format.Test('email', email) || !domain.includes('.')) return 'This is not an e-mail address.';
  return undefined;
}

/** The fields of one line by CSV's rules; undefined when a quote stays open. Tabs win over semicolons, these over commas. */
function split(text: string): string[] | undefined {
  const outside = text.replace(/"[^"]*"/g, '');
  const delimiter = ['\t', ';'].find(candidate => outside.includes(candidate)) ?? ',';
  try {
    const records: string[][] = parse(text, { delimiter, relax_column_count: true, relax_quotes: true, trim: true });
    return records[0] ?? [];
  } catch {
    return undefined;
  }
}
