import { type ClassSize, defaultHost, forecastCourses, workspacesPerHost } from '../../api/resources/forecast.ts';
import { type HostType, prices } from '../../api/resources/prices.ts';
import type { ClassDocument } from './class-document.ts';

/** What the classes of a document come to on AWS: US dollars a month, by list prices. */
export interface Cost {
  readonly workspaces: number;
  readonly hoursPerWeek: number;
  readonly month: number;
  /** Of it what is paid whether anybody works or not. */
  readonly fixedMonth: number;
  readonly perStudent: number;
  readonly pricesOf: string;
}

/** Assumed: as the product's own figures are told. */
const hoursPerWeek = 10;

/** Larger ones, for workspaces that don't fit the default. */
const hosts: readonly HostType[] = [defaultHost, 'm7i-flex.xlarge', 'm7i.2xlarge'];

/** Estimates a document's classes, each with its memory and idle minutes; undefined when nobody is in them. Pure. */
export function costOf(document: ClassDocument): Cost | undefined {
  const courses = [...document.courses.values()]
    .filter(({ spec }) => !spec.archived)
    .map(
      ({ spec, cohorts }): ClassSize => ({
        students: cohorts.reduce((sum, slug) => sum + (document.cohorts.get(slug)?.students.length ?? 0), 0),
        hoursPerWeek,
        memory: spec.memory,
        cpu: spec.cpu,
        idleMinutes: spec.idleMinutes,
        host: hostFor(spec),
        domain: true,
      }),
    );
  const workspaces = courses.reduce((sum, { students }) => sum + students, 0);
  const { fixedMonth, month, perStudent } = forecastCourses(courses.filter(({ students }) => students > 0));
  // Nobody there, or larger than any host whose price is known.
  if (workspaces === 0 || !Number.isFinite(month)) return undefined;
  return { workspaces, hoursPerWeek, month, fixedMonth, perStudent, pricesOf: `${prices.region}, ${prices.gathered}` };
}

/** The smallest host that holds a workspace of this size; of one that none holds, the largest. */
function hostFor({ memory, cpu }: { readonly memory: number; readonly cpu: number }): HostType {
  return hosts.find(host => workspacesPerHost(host, memory, cpu) > 0) ?? 'm7i.2xlarge';
}

/** An estimate as lines for people. */
export function costInWords(cost: Cost): readonly string[] {
  const dollars = (amount: number) => `$${amount.toFixed(2)}`;
  return [
    'Estimate, on AWS:',
    `  ${dollars(cost.month)} a month for ${cost.workspaces} workspace${cost.workspaces === 1 ? '' : 's'} used ${cost.hoursPerWeek} h a week, ${dollars(cost.perStudent)} each; ${dollars(cost.fixedMonth)} of it is fixed`,
    `  by list prices (${cost.pricesOf}), before taxes; more: npm run operate -- cost`,
  ];
}
