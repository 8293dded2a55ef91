/**
 * List prices in US dollars, us-east-1, on demand, without free tiers and taxes. Gathered 2026-11-24 without an AWS
 * account, from published tables of 2025 and 2026: check again before anybody relies on them. This file alone holds
 * prices.
 */
export const prices = {
  gathered: '2026-11-24',
  region: 'us-east-1',
  /** EC2 on-demand hour of the types that hosts may be. Source: EC2 price list. */
  hostHour: {
    'm7i.large': 0.1008,
    'm7i.xlarge': 0.2016,
    'm7i.2xlarge': 0.4032,
    't3.large': 0.0832,
    't3.xlarge': 0.1664,
  },
  /** Memory of those types, in MiB. Source: EC2 instance types. */
  hostMebibytes: { 'm7i.large': 8192, 'm7i.xlarge': 16384, 'm7i.2xlarge': 32768, 't3.large': 8192, 't3.xlarge': 16384 },
  /** Fargate on x86. Source: Fargate price list. */
  fargateVcpuHour: 0.04048,
  fargateGibibyteHour: 0.004445,
  /** Application Load Balancer. Source: Elastic Load Balancing price list. */
  balancerHour: 0.0225,
  balancerCapacityUnitHour: 0.008,
  /** Every public IPv4 address in use. Source: VPC price list. */
  publicAddressHour: 0.005,
  /** RDS for PostgreSQL, one zone. Source: RDS price list. */
  databaseHour: { 'db.t4g.micro': 0.016, 'db.t4g.small': 0.032 },
  databaseGibibyteMonth: 0.115,
  /** EFS Standard with elastic throughput. Source: EFS price list. */
  filesGibibyteMonth: 0.3,
  filesReadGibibyte: 0.03,
  filesWrittenGibibyte: 0.06,
  /** AWS Backup of EFS, warm storage. Source: AWS Backup price list. */
  filesBackupGibibyteMonth: 0.05,
  /** EBS gp3. Source: EBS price list. */
  diskGibibyteMonth: 0.08,
  /** Source: Secrets Manager price list. */
  secretMonth: 0.4,
  /** CloudWatch Logs, taken in; storing two weeks of it is cents. Source: CloudWatch price list. */
  logGibibyte: 0.5,
  /** CloudWatch standard alarm. Source: CloudWatch price list. */
  alarmMonth: 0.1,
  /** Data out to the internet, beyond the first 100 GB a month of the account. Source: EC2 price list. */
  egressGibibyte: 0.09,
  egressFreeGibibytes: 100,
} as const;

/** An instance type whose price is known. */
export type HostType = keyof typeof prices.hostHour;

/** Whether a text names an instance type whose price is known. */
export function isHostType(text: string): text is HostType {
  return Object.hasOwn(prices.hostHour, text);
}
