import { readFile } from 'node:fs/promises';
import { parseAllDocuments } from 'yaml';
import { defaultCourse } from '../../api/resources/course.ts';
import { type ClassSize, type Forecast, forecast, workspacesPerHost } from '../../api/resources/forecast.ts';
import { isHostType, prices } from '../../api/resources/prices.ts';
import { OperateFault } from './fault.ts';

/** Flags of `cost`, as commander gives them. */
export interface CostFlags {
  readonly students?: number;
  readonly hours: number;
  readonly memory?: number;
  readonly alwaysOn?: boolean;
  readonly file?: string;
  readonly host: string;
  readonly domain: boolean;
}

/** Goals per student and month at 1 GiB and 10 h a week, idle stop on. Source: the project's figures. */
const goals = [
  { students: 30, goal: 4 },
  { students: 300, goal: 2.5 },
] as const;
const goalClass = { hoursPerWeek: 10, memory: 1024, idleMinutes: 30 } as const;
const defaultStudents = 30;

/** Says what a described class costs a month, idle stop on and off, and how the project's goals stand. */
export async function cost(flags: CostFlags): Promise<string> {
  const asked = await classOf(flags);
  if (workspacesPerHost(asked.host, asked.memory) < 1)
    throw new OperateFault(`${asked.memory} MiB don't fit on ${asked.host}. Choose a larger one with --host.`);
  const withStop = forecast({ ...asked, idleMinutes: asked.idleMinutes ?? defaultCourse.idleMinutes });
  const always = forecast({ ...asked, idleMinutes: null });
  const shown = asked.idleMinutes === null ? always : withStop;
  return [
    `${asked.students} students, ${asked.hoursPerWeek} h a week, ${asked.memory} MiB each, on ${asked.host}; laid out ${shown.size}`,
    '',
    'Fixed, a month',
    ...linesOf(shown.fixed),
    line('together', shown.fixedMonth),
    'By use, a month',
    ...linesOf(shown.variable),
    line('Whole class, a month', shown.month),
    '',
    'Per student and month',
    line(`idle stop on (${withStop.workspaceHours.toFixed(1)} h running)`, withStop.perStudent),
    line(`always on (${always.workspaceHours.toFixed(1)} h running)`, always.perStudent),
    '',
    ...table(asked),
    '',
    ...goalLines(asked),
    '',
    ...(asked.domain || shown.size === 'small'
      ? []
      : ['Without a domain all share one balancer: at most 98 at once.', '']),
    `List prices of ${prices.region}, gathered ${prices.gathered}, without free tiers, taxes or discounts. Check them again before you rely on them: https://calculator.aws`,
  ].join('\n');
}

async function classOf(flags: CostFlags): Promise<ClassSize> {
  const { host } = flags;
  if (!isHostType(host))
    throw new OperateFault(`No price is known for ${host}. Known: ${Object.keys(prices.hostHour).join(', ')}.`, {
      exitCode: 2,
    });
  const described = flags.file === undefined ? {} : await describedIn(flags.file);
  const idleMinutes = described.idleMinutes === undefined ? defaultCourse.idleMinutes : described.idleMinutes;
  return {
    students: flags.students ?? described.students ?? defaultStudents,
    hoursPerWeek: flags.hours,
    memory: flags.memory ?? described.memory ?? defaultCourse.memory,
    idleMinutes: flags.alwaysOn ? null : idleMinutes,
    host,
    domain: flags.domain,
  };
}

interface Described {
  readonly students?: number;
  readonly memory?: number;
  readonly idleMinutes?: number | null;
}

/**
 * Sizes from a class's YAML, wherever they stand in it: `memory`, `idleMinutes`, and `students` as a number, a list or a
 * roster's lines. The largest memory and the sum of students count.
 */
async function describedIn(file: string): Promise<Described> {
  const text = await readFile(file, 'utf8').catch(cause => {
    throw new OperateFault(`${file} can't be read. Give -f a file that describes a class.`, { cause });
  });
  const documents = parseAllDocuments(text);
  const wrong = documents.flatMap(document => ('errors' in document ? document.errors : []))[0];
  if (wrong) throw new OperateFault(`${file} is not YAML: ${wrong.message.split('\n')[0]} Mend that line.`);
  const found = { students: 0, memory: 0, idleMinutes: undefined as number | null | undefined };
  const look = (value: unknown, key: string): void => {
    if (key === 'students' || key === 'roster') found.students += countOf(value);
    if (key === 'memory' && typeof value === 'number') found.memory = Math.max(found.memory, value);
    if (key === 'idleMinutes' && (typeof value === 'number' || value === null)) found.idleMinutes = value;
    if (typeof value === 'object' && value !== null)
      for (const [name, inner] of Object.entries(value)) look(inner, Array.isArray(value) ? '' : name);
  };
  for (const document of documents) look('toJS' in document ? document.toJS() : undefined, '');
  return {
    ...(found.students > 0 ? { students: found.students } : {}),
    ...(found.memory > 0 ? { memory: found.memory } : {}),
    ...(found.idleMinutes === undefined ? {} : { idleMinutes: found.idleMinutes }),
  };
}

function countOf(value: unknown): number {
  if (typeof value === 'number') return value;
  if (Array.isArray(value)) return value.length;
  if (typeof value === 'string') return value.split('\n').filter(each => each.includes('@')).length;
  return 0;
}

/** Small and large class, 1 and 2 GiB: the figures that classes are compared by. */
function table({ host, domain }: ClassSize): string[] {
  const row = (students: number, memory: number) => {
    const at = (idleMinutes: number | null) => forecast({ ...goalClass, students, memory, idleMinutes, host, domain });
    const figures = [at(goalClass.idleMinutes), at(null)].map(each => dollars(each.perStudent).padStart(12));
    return `  ${String(students).padStart(3)} students, ${memory / 1024} GiB${figures.join('')}`;
  };
  const rows = goals.flatMap(({ students }) => [row(students, 1024), row(students, 2048)]);
  return [`At ${goalClass.hoursPerWeek} h a week, per student     idle stop   always on`, ...rows];
}

function goalLines({ host, domain }: ClassSize): string[] {
  return goals.map(({ students, goal }) => {
    const { perStudent }: Forecast = forecast({ ...goalClass, students, host, domain });
    const verdict = perStudent <= goal ? 'met' : `missed by ${dollars(perStudent - goal)}`;
    return `Goal at ${students} students, 1 GiB, idle stop: at most ${dollars(goal)}; ${dollars(perStudent)}: ${verdict}`;
  });
}

function linesOf(lines: readonly { readonly what: string; readonly month: number }[]): string[] {
  return lines.map(({ what, month }) => line(`  ${what}`, month));
}

function line(what: string, month: number): string {
  return `  ${what.padEnd(44)}${dollars(month).padStart(12)}`;
}

function dollars(amount: number): string {
  return `$${amount.toFixed(2)}`;
}
