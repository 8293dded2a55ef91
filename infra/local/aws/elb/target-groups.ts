import type {
  CreateTargetGroupInput,
  CreateTargetGroupOutput,
  DeleteTargetGroupInput,
  DeleteTargetGroupOutput,
  DescribeTargetGroupAttributesInput,
  DescribeTargetGroupAttributesOutput,
  DescribeTargetGroupsInput,
  DescribeTargetGroupsOutput,
  ModifyTargetGroupAttributesInput,
  ModifyTargetGroupAttributesOutput,
  ModifyTargetGroupInput,
  ModifyTargetGroupOutput,
  TargetGroup,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Operations } from '../endpoint.ts';
import { AwsError } from '../protocol.ts';
import type { Account } from './account.ts';
import { requireArn } from './arns.ts';
import { changeAttributes, listAttributes, targetGroupAttributes } from './attributes.ts';
import { defaultHealthCheck, readHealthCheck } from './health-check-settings.ts';
import { page } from './paging.ts';
import { invalid, notFound, required, requireName, whole } from './refusals.ts';
import type { TargetGroupRow } from './tables.ts';
import { readTags } from './tags.ts';
import type { Targets } from './targets.ts';

const portRange = [1, 65_535] as const;

/** The operations on target groups and their attributes. */
export function targetGroupOperations(account: Account, targets: Targets): Operations {
  const { tables, rules, arns } = account;

  function rowOf(arn: string | undefined): TargetGroupRow {
    const row = tables.targetGroups.get(requireArn(arn, 'target-group'));
    if (!row) throw notFound['target-group']();
    return row;
  }

  function chosen(input: DescribeTargetGroupsInput, all: readonly TargetGroupRow[]): TargetGroupRow[] | undefined {
    const { LoadBalancerArn, TargetGroupArns = [], Names = [] } = input;
    if ([LoadBalancerArn !== undefined, TargetGroupArns.length > 0, Names.length > 0].filter(Boolean).length > 1)
      throw invalid('Specify one of load balancer ARN, target group ARNs and names');
    if (TargetGroupArns.length) {
      return TargetGroupArns.map(arn => tables.targetGroups.seen(requireArn(arn, 'target-group')) ?? missing());
    }
    if (!Names.length) return undefined;
    const byName = new Map(all.map(row => [row.name, row]));
    return Names.map(name => byName.get(name) ?? missing());
  }

  return {
    CreateTargetGroup(input: CreateTargetGroupInput): CreateTargetGroupOutput {
      const name = requireName(input.Name, 'target group');
      const tags = readTags(account, input.Tags);
      const settings = readSettings(input);
      const same = tables.targetGroups.all().find(row => row.name === name);
      if (same) {
        const { arn: _, name: __, attributes: ___, ...now } = same;
        if (JSON.stringify(now) === JSON.stringify(settings)) return { TargetGroups: [toTargetGroup(account, same)] };
        throw new AwsError(
          'DuplicateTargetGroupName',
          `A target group with the same name '${name}' exists, but with different settings`,
        );
      }
      const limit = account.quotas.targetGroups;
      if (tables.targetGroups.size >= limit)
        throw new AwsError('TooManyTargetGroups', `The maximum number of target groups has been reached: ${limit}`);
      const arn = arns.targetGroup(name);
      tables.tags.put(arn, { arn, tags });
      return {
        TargetGroups: [
          toTargetGroup(account, tables.targetGroups.put(arn, { arn, name, ...settings, attributes: {} })),
        ],
      };
    },

    DescribeTargetGroups(input: DescribeTargetGroupsInput): DescribeTargetGroupsOutput {
      const all = tables.targetGroups.seenAll();
      const found = chosen(input, all);
      if (found) return { TargetGroups: found.map(row => toTargetGroup(account, row)) };
      const { LoadBalancerArn } = input;
      if (LoadBalancerArn !== undefined && !tables.loadBalancers.seen(requireArn(LoadBalancerArn, 'load-balancer')))
        throw notFound['load-balancer']();
      const rows =
        LoadBalancerArn === undefined
          ? all
          : all.filter(row => rules.loadBalancersOf(row.arn).includes(LoadBalancerArn));
      const { items, nextMarker } = page(rows, row => row.arn, input, account.consistency.shuffled);
      return { TargetGroups: items.map(row => toTargetGroup(account, row)), NextMarker: nextMarker };
    },

    ModifyTargetGroup(input: ModifyTargetGroupInput): ModifyTargetGroupOutput {
      const row = rowOf(input.TargetGroupArn);
      const changed = tables.targetGroups.put(row.arn, {
        ...row,
        healthCheck: readHealthCheck(input, row.healthCheck),
      });
      targets.groupChanged(row.arn);
      return { TargetGroups: [toTargetGroup(account, changed)] };
    },

    DeleteTargetGroup(input: DeleteTargetGroupInput): DeleteTargetGroupOutput {
      const arn = requireArn(input.TargetGroupArn, 'target-group');
      if (rules.names(arn))
        throw new AwsError('ResourceInUse', `Target group '${arn}' is currently in use by a listener or a rule`);
      // AWS knows no refusal for a group that is gone already.
      targets.forget(arn);
      tables.targetGroups.delete(arn);
      tables.tags.delete(arn);
      return {};
    },

    ModifyTargetGroupAttributes(input: ModifyTargetGroupAttributesInput): ModifyTargetGroupAttributesOutput {
      const row = rowOf(input.TargetGroupArn);
      const attributes = changeAttributes(targetGroupAttributes, row.attributes, input.Attributes);
      tables.targetGroups.put(row.arn, { ...row, attributes });
      return { Attributes: listAttributes(targetGroupAttributes, attributes) };
    },

    DescribeTargetGroupAttributes(input: DescribeTargetGroupAttributesInput): DescribeTargetGroupAttributesOutput {
      const row = tables.targetGroups.seen(requireArn(input.TargetGroupArn, 'target-group'));
      if (!row) throw notFound['target-group']();
      return { Attributes: listAttributes(targetGroupAttributes, row.attributes) };
    },
  };
}

function readSettings(input: CreateTargetGroupInput): Omit<TargetGroupRow, 'arn' | 'name' | 'attributes'> {
  const targetType = input.TargetType ?? 'instance';
  if (targetType !== 'instance' && targetType !== 'ip')
    throw invalid(`Targets of type '${targetType}' are not available here`);
  if (input.Protocol !== 'HTTP')
    throw invalid(`Target groups of protocol '${input.Protocol ?? ''}' are not available here`);
  const version = input.ProtocolVersion ?? 'HTTP1';
  if (version !== 'HTTP1') throw invalid(`Protocol version '${version}' is not available here`);
  return {
    protocol: 'HTTP',
    protocolVersion: 'HTTP1',
    port: whole(required(input.Port, 'Port'), 0, portRange, 'Port'),
    vpcId: required(input.VpcId, 'VpcId'),
    targetType,
    healthCheck: readHealthCheck(input, defaultHealthCheck),
  };
}

function toTargetGroup(account: Account, row: TargetGroupRow): TargetGroup {
  const check = row.healthCheck;
  return {
    TargetGroupArn: row.arn,
    TargetGroupName: row.name,
    Protocol: row.protocol,
    ProtocolVersion: row.protocolVersion,
    Port: row.port,
    VpcId: row.vpcId,
    TargetType: row.targetType,
    IpAddressType: 'ipv4',
    HealthCheckEnabled: true,
    HealthCheckProtocol: check.protocol,
    HealthCheckPort: check.port,
    HealthCheckPath: check.path,
    HealthCheckIntervalSeconds: check.intervalSeconds,
    HealthCheckTimeoutSeconds: check.timeoutSeconds,
    HealthyThresholdCount: check.healthyThreshold,
    UnhealthyThresholdCount: check.unhealthyThreshold,
    Matcher: { HttpCode: check.matcher },
    LoadBalancerArns: [...account.rules.loadBalancersOf(row.arn)],
  };
}

function missing(): never {
  throw notFound['target-group']();
}
