import { type HostType, prices, processorOf } from './prices.ts';
import { type Size, sizes } from './sizes.ts';

/** A class, as far as money depends on it. */
export interface ClassSize {
  readonly students: number;
  /** Hours a week that a student really works. */
  readonly hoursPerWeek: number;
  /** Memory of a workspace, in MiB. */
  readonly memory: number;
  /** CPU units of a workspace, 1024 a vCPU; left out: a quarter of a vCPU for each GiB. */
  readonly cpu?: number;
  /** Minutes without work after which a workspace stops; null: it runs all month. */
  readonly idleMinutes: number | null;
  readonly host: HostType;
  /** Balancers face the internet; without a domain they are internal, behind a CDN that costs nothing at this size. */
  readonly domain: boolean;
}

/** One line of the bill: US dollars a month of the whole class. */
export interface CostLine {
  readonly what: string;
  readonly month: number;
}

/** A month's bill by list prices. */
export interface Forecast {
  readonly size: Size['name'];
  readonly fixed: readonly CostLine[];
  readonly variable: readonly CostLine[];
  readonly fixedMonth: number;
  readonly month: number;
  readonly perStudent: number;
  /** Hours a month that one workspace runs, idle time before a stop included. */
  readonly workspaceHours: number;
}

const hoursPerMonth = 730;
const weeksPerMonth = 365 / 12 / 7;
/** Assumed: a working day a session; each ends with the idle minutes. */
const sessionsPerWeek = 5;
/** Assumed: hosts stay up a while as a class leaves, and gaps between workspaces cannot be filled. */
const hostUseWithIdleStop = 0.6;
/** What the system and the ECS agent keep of a host, and what a gate reserves beside each IDE, in MiB. */
const hostOverhead = 512;
const gateReservation = 64;
const unitsPerVcpu = 1024;
/** What infra/cloud lays out and a month costs; a test compares. Disks in GiB. */
export const laidOut = {
  hostDisk: 30,
  task: { vcpu: 0.25, gibibytes: 0.5 },
  secrets: 2,
  alarms: { each: 6, perBalancer: 1 },
  databaseDisk: 20,
} as const;
const { alarms, databaseDisk, hostDisk, secrets, task } = laidOut;
/** Zones; an internet-facing balancer has a public address in each. */
const zones = 2;
/** Assumed use. Capacity units: a class's connections stay far below the 3,000 that one stands for. */
const balancerCapacityUnits = 0.1;
const logGibibytes = 0.5;
const filesPerStudent = 1;
const egressGibibytesPerHour = 0.02;
/** A class that fits one balancer is laid out small. */
const smallClass = 98;

/** Estimates a class's bill for one month. Pure; by the list prices of `prices`, good for comparing, not for a budget. */
export function forecast(given: ClassSize): Forecast {
  const size = given.students <= smallClass ? sizes.small : sizes.large;
  const fixed = fixedLines(size, given);
  const workspaceHours = hoursOf(given);
  const variable = variableLines(given, workspaceHours);
  const fixedMonth = total(fixed);
  const month = fixedMonth + total(variable);
  return { size: size.name, fixed, variable, fixedMonth, month, perStudent: month / given.students, workspaceHours };
}

/** Workspaces of this size that one host of this type holds: ECS places by memory and by CPU units, whichever is short. */
export function workspacesPerHost(host: HostType, memory: number, cpu = memory / 4): number {
  const byMemory = (prices.hostMebibytes[host] - hostOverhead) / (memory + gateReservation);
  return Math.floor(Math.min(byMemory, (vcpusOf(host) * unitsPerVcpu) / cpu));
}

/** vCPUs of an instance type. Source: EC2 instance types; `large` has two in every family, and each size twice as many. */
export function vcpusOf(host: HostType): number {
  if (host.endsWith('.2xlarge')) return 8;
  return host.endsWith('.xlarge') ? 4 : 2;
}

/**
 * A month's bill of several courses in one deployment: what is fixed is paid once. Students who take two courses count
 * twice, for they have two workspaces.
 */
export function forecastCourses(courses: readonly ClassSize[]): Pick<Forecast, 'fixedMonth' | 'month' | 'perStudent'> {
  const students = courses.reduce((sum, course) => sum + course.students, 0);
  const [first] = courses;
  if (!first || students === 0) return { fixedMonth: 0, month: 0, perStudent: 0 };
  const { fixedMonth } = forecast({ ...first, students });
  const month = fixedMonth + courses.reduce((sum, course) => sum + total(forecast(course).variable), 0);
  return { fixedMonth, month, perStudent: month / students };
}

/** What hosts are where nobody says otherwise; infra/cloud's default too. */
export const defaultHost = 'm7i-flex.large' satisfies HostType;
/** As infra/cloud takes where somebody asks for ARM: the same memory. */
export const defaultArmHost = 'm7g.large' satisfies HostType;

function hoursOf({ hoursPerWeek, idleMinutes }: ClassSize): number {
  if (idleMinutes === null) return hoursPerMonth;
  const idle = hoursPerWeek > 0 ? (sessionsPerWeek * idleMinutes) / 60 : 0;
  return Math.min(hoursPerMonth, (hoursPerWeek + idle) * weeksPerMonth);
}

function fixedLines(size: Size, { domain, host }: ClassSize): CostLine[] {
  const processor = processorOf(host);
  const tasks = 2 * size.replicas;
  const addresses = tasks + (domain ? zones * size.balancers : 0);
  const taskHour =
    task.vcpu * prices.fargateVcpuHour[processor] + task.gibibytes * prices.fargateGibibyteHour[processor];
  const balancerHour = prices.balancerHour + balancerCapacityUnits * prices.balancerCapacityUnitHour;
  const instance = size.databaseInstance === 'db.t4g.small' ? 'db.t4g.small' : 'db.t4g.micro';
  const database = prices.databaseHour[instance] * hoursPerMonth + databaseDisk * prices.databaseGibibyteMonth;
  return [
    { what: `balancers (${size.balancers})`, month: size.balancers * balancerHour * hoursPerMonth },
    { what: `public addresses (${addresses})`, month: addresses * prices.publicAddressHour * hoursPerMonth },
    { what: `app on Fargate (${tasks} tasks)`, month: tasks * taskHour * hoursPerMonth },
    { what: `database (${instance})`, month: database },
    { what: `secrets (${secrets})`, month: secrets * prices.secretMonth },
    {
      what: 'logs and alarms',
      month:
        logGibibytes * prices.logGibibyte + (alarms.each + alarms.perBalancer * size.balancers) * prices.alarmMonth,
    },
  ];
}

function variableLines(given: ClassSize, workspaceHours: number): CostLine[] {
  const { students, hoursPerWeek, host, memory, cpu, idleMinutes } = given;
  const hostHour =
    prices.hostHour[host] + prices.publicAddressHour + (hostDisk * prices.diskGibibyteMonth) / hoursPerMonth;
  const use = idleMinutes === null ? 1 : hostUseWithIdleStop;
  const hostHours = (students * workspaceHours) / workspacesPerHost(host, memory, cpu) / use;
  const home = filesPerStudent * (prices.filesGibibyteMonth + prices.filesBackupGibibyteMonth);
  const egress = students * hoursPerWeek * weeksPerMonth * egressGibibytesPerHour;
  return [
    { what: `hosts (${host}, ${Math.round(hostHours)} h)`, month: hostHours * hostHour },
    { what: 'homes and their backup', month: students * home },
    {
      what: 'traffic out, above the free 100 GB',
      month: Math.max(0, egress - prices.egressFreeGibibytes) * prices.egressGibibyte,
    },
  ];
}

function total(lines: readonly CostLine[]): number {
  return lines.reduce((sum, { month }) => sum + month, 0);
}
