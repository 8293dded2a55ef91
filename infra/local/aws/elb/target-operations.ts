import { isIP } from 'node:net';
import type {
  DeregisterTargetsInput,
  DeregisterTargetsOutput,
  DescribeTargetHealthInput,
  DescribeTargetHealthOutput,
  RegisterTargetsInput,
  RegisterTargetsOutput,
  TargetDescription,
  TargetHealthDescription,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Operations } from '../endpoint.ts';
import type { Target } from '../ports.ts';
import { AwsError } from '../protocol.ts';
import type { Account } from './account.ts';
import { requireArn } from './arns.ts';
import { invalid, notFound, required, whole } from './refusals.ts';
import type { TargetGroupRow } from './tables.ts';
import { reasonOf, type Targets } from './targets.ts';

const portRange = [1, 65_535] as const;

/** RegisterTargets, DeregisterTargets, DescribeTargetHealth. */
export function targetOperations(account: Account, targets: Targets): Operations {
  const { tables, quotas } = account;

  function groupOf(arn: string | undefined): TargetGroupRow {
    const row = tables.targetGroups.get(requireArn(arn, 'target-group'));
    if (!row) throw notFound['target-group']();
    return row;
  }

  return {
    RegisterTargets(input: RegisterTargetsInput): RegisterTargetsOutput {
      const group = groupOf(input.TargetGroupArn);
      const wanted = readTargets(group, input.Targets);
      for (const target of wanted) requireReachable(group, target);
      const known = targets.membersOf(group.arn).length;
      const added = wanted.filter(target => targets.health(group.arn, target) === undefined).length;
      if (known + added > quotas.targetsPerGroup)
        throw new AwsError(
          'TooManyTargets',
          `The maximum number of targets has been reached: ${quotas.targetsPerGroup}`,
        );
      for (const target of wanted) targets.register(group.arn, target);
      return {};
    },

    DeregisterTargets(input: DeregisterTargetsInput): DeregisterTargetsOutput {
      const group = groupOf(input.TargetGroupArn);
      for (const target of readTargets(group, input.Targets)) void targets.deregister(group.arn, target);
      return {};
    },

    DescribeTargetHealth(input: DescribeTargetHealthInput): DescribeTargetHealthOutput {
      const group = groupOf(input.TargetGroupArn);
      const asked = input.Targets?.length ? readTargets(group, input.Targets) : undefined;
      const found = asked ?? targets.membersOf(group.arn).map(member => member.target);
      return { TargetHealthDescriptions: found.map(target => describe(group, target)) };
    },
  };

  function describe(group: TargetGroupRow, target: Target): TargetHealthDescription {
    const state = targets.health(group.arn, target);
    const reason = state === undefined ? 'Target.NotRegistered' : reasonOf(state);
    return {
      Target: { Id: target.id, Port: target.port },
      HealthCheckPort: group.healthCheck.port === 'traffic-port' ? String(target.port) : group.healthCheck.port,
      TargetHealth: { State: state ?? 'unused', ...(reason ? { Reason: reason } : {}) },
    };
  }
}

function readTargets(group: TargetGroupRow, targets: readonly TargetDescription[] | undefined): readonly Target[] {
  if (!targets?.length) throw invalid('At least one target must be specified');
  return targets.map(target => ({
    id: required(target.Id, 'Targets.Id'),
    port: whole(target.Port, group.port, portRange, 'Port'),
  }));
}

/** Every instance is this machine, and so must every address be. */
function requireReachable(group: TargetGroupRow, target: Target): void {
  const valid =
    group.targetType === 'instance'
      ? /^i-[0-9a-z]+$/.test(target.id)
      : isIP(target.id) === 4 && target.id.startsWith('127.');
  if (!valid) throw new AwsError('InvalidTarget', `The following targets are not in this VPC: '${target.id}'`);
}
