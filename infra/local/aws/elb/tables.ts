import type { Action, RuleCondition, RuleTransform } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { State, Table } from '../state.ts';

/** A load balancer as it is remembered. */
export interface LoadBalancerRow {
  readonly arn: string;
  readonly name: string;
  readonly dnsName: string;
  readonly scheme: 'internet-facing' | 'internal';
  readonly ipAddressType: 'ipv4' | 'dualstack' | 'dualstack-without-public-ipv4';
  readonly subnets: readonly string[];
  readonly securityGroups: readonly string[];
  /** ISO 8601. */
  readonly createdTime: string;
  /** Only what differs from AWS's defaults. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** A listener; its default action is the row of its default rule. */
export interface ListenerRow {
  readonly arn: string;
  readonly loadBalancerArn: string;
  readonly port: number;
  readonly protocol: 'HTTP' | 'HTTPS';
  /** With HTTPS only. */
  readonly certificateArn?: string;
  readonly defaultRuleArn: string;
}

/** A rule, with actions and conditions spelt out as AWS's reads give them. */
export interface RuleRow {
  readonly arn: string;
  readonly listenerArn: string;
  readonly priority: number | 'default';
  readonly conditions: readonly RuleCondition[];
  readonly actions: readonly Action[];
  readonly transforms: readonly RuleTransform[];
}

/** What a target group checks, and how often. */
export interface HealthCheckSettings {
  readonly protocol: 'HTTP';
  /** `traffic-port` or a number. */
  readonly port: string;
  readonly path: string;
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
  /** Codes and ranges of codes, such as `200,301-302`. */
  readonly matcher: string;
}

/** A target group as it is remembered. */
export interface TargetGroupRow {
  readonly arn: string;
  readonly name: string;
  readonly protocol: 'HTTP';
  readonly protocolVersion: 'HTTP1';
  readonly port: number;
  readonly vpcId: string;
  readonly targetType: 'instance' | 'ip';
  readonly healthCheck: HealthCheckSettings;
  /** Only what differs from AWS's defaults. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** A registered target; `drainingUntil` (milliseconds since 1970) once it is being deregistered. */
export interface TargetRow {
  readonly groupArn: string;
  readonly id: string;
  readonly port: number;
  readonly drainingUntil: number | null;
}

/** The tags of one load balancer, listener, rule or target group. */
export interface TagsRow {
  readonly arn: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** Everything that load balancing remembers. */
export interface Tables {
  readonly loadBalancers: Table<LoadBalancerRow>;
  readonly listeners: Table<ListenerRow>;
  readonly rules: Table<RuleRow>;
  readonly targetGroups: Table<TargetGroupRow>;
  readonly targets: Table<TargetRow>;
  readonly tags: Table<TagsRow>;
}

/** Opens the tables in a state; rows are kept under their ARN, targets under `targetKey`. */
export function openTables(state: State): Tables {
  return {
    loadBalancers: state.table('elb-load-balancer'),
    listeners: state.table('elb-listener'),
    rules: state.table('elb-rule'),
    targetGroups: state.table('elb-target-group'),
    targets: state.table('elb-target'),
    tags: state.table('elb-tags'),
  };
}
