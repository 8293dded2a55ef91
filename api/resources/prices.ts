/**
 * List prices in US dollars, us-east-1, on demand, without free tiers and taxes. Gathered 2026-11-24 without an AWS
 * account and never compared with a bill: check again before anybody relies on them. Most are from copies of AWS's
 * tables that others published in 2025 and 2026; those that say so below are only remembered. This file alone holds prices.
 */
export const prices = {
  gathered: '2026-11-24',
  region: 'us-east-1',
  /** EC2 on-demand hour of the types that hosts may be. Source: AWS's price list of 2026-01-19 as Karpenter's releases carry it. */
  hostHour: {
    'm6a.large': 0.0864,
    'm6a.xlarge': 0.1728,
    'm7i-flex.large': 0.09576,
    'm7i-flex.xlarge': 0.19152,
    'm7i.large': 0.1008,
    'm7i.xlarge': 0.2016,
    'm7i.2xlarge': 0.4032,
    'm7g.large': 0.0816,
    'm7g.xlarge': 0.1632,
    'r6a.large': 0.1134,
    'r7g.large': 0.1071,
    'r7i.large': 0.1323,
    't3.large': 0.0832,
    't3.xlarge': 0.1664,
  },
  /** Memory of those types, in MiB. Source: EC2 instance types. */
  hostMebibytes: {
    'm6a.large': 8192,
    'm6a.xlarge': 16384,
    'm7i-flex.large': 8192,
    'm7i-flex.xlarge': 16384,
    'm7i.large': 8192,
    'm7i.xlarge': 16384,
    'm7i.2xlarge': 32768,
    'm7g.large': 8192,
    'm7g.xlarge': 16384,
    'r6a.large': 16384,
    'r7g.large': 16384,
    'r7i.large': 16384,
    't3.large': 8192,
    't3.xlarge': 16384,
  },
  /** Fargate, by processor. */
  fargateVcpuHour: { x86_64: 0.04048, arm64: 0.03238 },
  fargateGibibyteHour: { x86_64: 0.004445, arm64: 0.00356 },
  /** Application Load Balancer. */
  balancerHour: 0.0225,
  balancerCapacityUnitHour: 0.008,
  /** Every public IPv4 address in use. */
  publicAddressHour: 0.005,
  /** RDS for PostgreSQL, one zone; `db.t4g.small` is remembered: twice the micro. */
  databaseHour: { 'db.t4g.micro': 0.016, 'db.t4g.small': 0.032 },
  databaseGibibyteMonth: 0.115,
  /** EFS Standard; with bursting throughput, reading and writing is in it. Source: Amazon EFS pricing. */
  filesGibibyteMonth: 0.3,
  /** AWS Backup of EFS, warm storage: remembered. */
  filesBackupGibibyteMonth: 0.05,
  /** EBS gp3: remembered. */
  diskGibibyteMonth: 0.08,
  /** Secrets Manager, a secret: remembered. */
  secretMonth: 0.4,
  /** CloudWatch Logs, taken in; storing two weeks of it is cents: remembered. */
  logGibibyte: 0.5,
  /** CloudWatch standard alarm: remembered. */
  alarmMonth: 0.1,
  /** Data out to the internet, beyond the first 100 GB a month of the account: remembered. */
  egressGibibyte: 0.09,
  egressFreeGibibytes: 100,
} as const;

/** An instance type whose price is known. */
export type HostType = keyof typeof prices.hostHour;

/** Graviton types have a `g` after the generation. Source: EC2 naming conventions. */
export function processorOf(host: HostType): 'x86_64' | 'arm64' {
  return /^[a-z]+\d+g/.test(host) ? 'arm64' : 'x86_64';
}

/** Whether a text names an instance type whose price is known. */
export function isHostType(text: string): text is HostType {
  return Object.hasOwn(prices.hostHour, text);
}
