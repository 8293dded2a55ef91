import fs from 'node:fs';
import path from 'node:path';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { isMap, isNode, isSeq, LineCounter, parseDocument } from 'yaml';
import { type CourseSpec, CourseSpec as courseSchema, defaultCourse } from '../../api/resources/course.ts';
import { parseRoster } from '../../api/resources/roster.ts';
import { reservedSlugs, slugLengths, slugPattern } from '../../api/resources/slug.ts';

/** A person as the document names them; the address, in lower case, is who they are. */
export interface Listed {
  readonly name: string;
  readonly email: string;
}

/** A class as somebody wants it, checked: whatever it refers to is there. Keys are slugs. */
export interface ClassDocument {
  /** What becomes of courses and cohorts of the deployment that the document does not name. */
  readonly others: 'remove' | 'keep';
  readonly courses: ReadonlyMap<
    string,
    { readonly spec: CourseSpec; readonly cohorts: readonly string[]; readonly staff: readonly string[] }
  >;
  readonly cohorts: ReadonlyMap<
    string,
    { readonly name: string; readonly invite: boolean; readonly students: readonly Listed[] }
  >;
}

/** One mistake; line and column count from 1. */
export interface Mistake {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

const { name, ...settings } = courseSchema.properties;
const closed = { additionalProperties: false } as const;
const Course = Type.Object(
  {
    name,
    ...Type.Partial(Type.Object(settings)).properties,
    cohorts: Type.Optional(Type.Array(Type.String())),
    staff: Type.Optional(Type.Array(Type.String())),
  },
  closed,
);
const Cohort = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 200 }),
    invite: Type.Optional(Type.Boolean()),
    roster: Type.Optional(Type.Array(Type.String())),
    rosterFile: Type.Optional(Type.String({ minLength: 1 })),
  },
  closed,
);
const Source = Type.Object(
  {
    others: Type.Optional(Type.Union([Type.Literal('remove'), Type.Literal('keep')])),
    courses: Type.Record(Type.String(), Course),
    cohorts: Type.Record(Type.String(), Cohort),
  },
  closed,
);
type Source = Static<typeof Source>;
const source = Compile(Source);

type Path = readonly (string | number)[];
type Report = (path: Path, text: string) => void;

/** Reads a class document. Answers either the document or every mistake in it at once, in order of lines. */
export function readClassDocument(file: string, text: string): ClassDocument | readonly Mistake[] {
  const counter = new LineCounter();
  const yaml = parseDocument(text, { lineCounter: counter, prettyErrors: false });
  const mistakes: Mistake[] = [];
  const report = (offset: number, said: string) => {
    const { line, col } = counter.linePos(offset);
    mistakes.push({ file, line, column: col, text: said });
  };
  for (const error of yaml.errors) report(error.pos[0], error.message);
  if (mistakes.length > 0) return inOrder(mistakes);
  const keys = keyOffsets(yaml.contents);
  const at: Report = (path, said) => report(offsetOf(path, keys), said);
  const value: unknown = yaml.toJS();
  if (!source.Check(value)) {
    for (const [pointer, said] of faultsOf(source.Errors(value))) at(pointer.split('/').slice(1).map(unescaped), said);
    return inOrder(mistakes);
  }
  const rosters = new Map(
    Object.entries(value.cohorts).map(([slug, cohort]) => [
      slug,
      readRoster(file, ['cohorts', slug], cohort, at, mistakes),
    ]),
  );
  checkReferences(value, rosters, at);
  return mistakes.length > 0 ? inOrder(mistakes) : documentOf(value, rosters);
}

function documentOf(value: Source, rosters: ReadonlyMap<string, readonly Listed[]>): ClassDocument {
  const courses = Object.entries(value.courses).map(([slug, { cohorts = [], staff = [], ...spec }]) => {
    const whole: CourseSpec = { ...defaultCourse, ...spec };
    return [slug, { spec: whole, cohorts, staff: staff.map(email => email.toLowerCase()) }] as const;
  });
  const cohorts = Object.entries(value.cohorts).map(([slug, cohort]) => {
    const students = rosters.get(slug) ?? [];
    return [slug, { name: cohort.name, invite: cohort.invite ?? true, students }] as const;
  });
  return { others: value.others ?? 'remove', courses: new Map(courses), cohorts: new Map(cohorts) };
}

/** Offsets of keys and items by their path: `courses/python/cpu`. */
function keyOffsets(node: unknown, path: Path = [], offsets = new Map<string, number>()): ReadonlyMap<string, number> {
  const note = (key: string | number, at: unknown, value: unknown) => {
    if (isNode(at) && at.range) offsets.set([...path, key].join('/'), at.range[0]);
    keyOffsets(value, [...path, key], offsets);
  };
  if (isMap(node)) for (const { key, value } of node.items) note(String(key), key, value);
  if (isSeq(node)) for (const [index, item] of node.items.entries()) note(index, item, item);
  return offsets;
}

/** Where a path is, or, where it is missing, the nearest thing that holds it. */
function offsetOf(path: Path, offsets: ReadonlyMap<string, number>): number {
  for (let length = path.length; length > 0; length--) {
    const offset = offsets.get(path.slice(0, length).join('/'));
    if (offset !== undefined) return offset;
  }
  return 0;
}

/** One sentence for each place that does not fit the schema. */
function faultsOf(
  errors: readonly {
    readonly keyword: string;
    readonly instancePath: string;
    readonly message: string;
    readonly params: object;
  }[],
): ReadonlyMap<string, string> {
  const faults = new Map<string, string>();
  for (const { keyword, instancePath, message, params } of errors) {
    // These only sum up what other errors say in full.
    if (keyword === 'additionalProperties' || keyword === 'anyOf') continue;
    const said =
      keyword === 'boolean'
        ? 'is not a known field'
        : keyword === 'const' && 'allowedValue' in params
          ? `must be ${String(params.allowedValue)}`
          : message.replace('must have required properties', 'misses');
    const known = faults.get(instancePath);
    const isMore = known !== undefined && !known.includes(said);
    faults.set(instancePath, isMore ? `${known} or ${said.replace(/^must (be )?/, '')}` : (known ?? said));
  }
  for (const [pointer, said] of faults)
    faults.set(pointer, `${pointer.slice(1).replaceAll('/', '.') || 'the document'} ${said}`);
  return faults;
}

function readRoster(
  file: string,
  path: Path,
  cohort: Source['cohorts'][string],
  at: Report,
  mistakes: Mistake[],
): readonly Listed[] {
  if (cohort.roster !== undefined && cohort.rosterFile !== undefined)
    at([...path, 'rosterFile'], 'give either roster or rosterFile');
  const students = new Map<string, Listed>();
  if (cohort.rosterFile === undefined) {
    for (const [index, line] of (cohort.roster ?? []).entries()) {
      const where = [...path, 'roster', index];
      const roster = parseRoster(line);
      const [row] = roster === 'too-large' ? [] : roster.rows;
      if (roster === 'too-large' || row === undefined || roster.problems.length > 0)
        at(
          where,
          roster === 'too-large' ? 'is too long' : (roster.problems[0]?.reason ?? 'names nobody: “Name <address>”'),
        );
      else if (students.has(row.email)) at(where, `${row.email} is in this roster twice`);
      else students.set(row.email, { name: row.name, email: row.email });
    }
    return [...students.values()];
  }
  const rosterFile = rosterPath(file, cohort.rosterFile);
  let bytes: Uint8Array;
  try {
    bytes = fs.readFileSync(rosterFile);
  } catch {
    at([...path, 'rosterFile'], `${rosterFile} can’t be read`);
    return [];
  }
  const roster = parseRoster(bytes);
  if (roster === 'too-large') at([...path, 'rosterFile'], `${rosterFile} is too large: 2,000 lines and 1 MB at most`);
  else {
    for (const { line, reason } of roster.problems) mistakes.push({ file: rosterFile, line, column: 1, text: reason });
    for (const row of roster.rows) students.set(row.email, { name: row.name, email: row.email });
  }
  return [...students.values()];
}

function rosterPath(file: string, name: string): string {
  return path.join(path.dirname(file), name);
}

function checkReferences(value: Source, rosters: ReadonlyMap<string, readonly Listed[]>, at: Report): void {
  const slug = new RegExp(slugPattern);
  for (const kind of ['courses', 'cohorts'] as const) {
    const most = kind === 'courses' ? slugLengths.course : slugLengths.cohort;
    for (const key of Object.keys(value[kind])) {
      if (!slug.test(key) || key.length > most)
        at([kind, key], `${JSON.stringify(key)} must be of a–z, 0–9 and -, at most ${most} of them`);
      else if (reservedSlugs.has(key)) at([kind, key], `${JSON.stringify(key)} is a word that Armada needs itself`);
    }
  }
  for (const [key, { cohorts = [] }] of Object.entries(value.courses)) {
    for (const [index, cohort] of cohorts.entries())
      if (!Object.hasOwn(value.cohorts, cohort))
        at(['courses', key, 'cohorts', index], `there is no cohort ${JSON.stringify(cohort)} in this document`);
  }
  const names = new Map<string, string>();
  for (const [key, students] of rosters) {
    for (const { name, email } of students) {
      const other = names.get(email);
      if (other !== undefined && other !== name)
        at(['cohorts', key], `${email} is called ${name} here and ${other} elsewhere`);
      names.set(email, name);
    }
  }
}

function inOrder(mistakes: readonly Mistake[]): readonly Mistake[] {
  return mistakes.toSorted((a, b) => a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column);
}

function unescaped(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~');
}
