import type { DescribeAccountLimitsOutput } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Operations } from '../endpoint.ts';
import type { Account } from './account.ts';

/** The operation that tells the account's quotas, those of Application Load Balancers. Names: the API reference, Limit. */
export function limitOperations({ quotas }: Account): Operations {
  const named: Readonly<Record<string, number>> = {
    'application-load-balancers': quotas.loadBalancers,
    'listeners-per-application-load-balancer': quotas.listenersPerLoadBalancer,
    'rules-per-application-load-balancer': quotas.rulesPerLoadBalancer,
    'target-groups': quotas.targetGroups,
    'target-groups-per-application-load-balancer': quotas.targetGroupsPerLoadBalancer,
    'target-groups-per-action-on-application-load-balancer': quotas.targetGroupsPerAction,
  };
  return {
    DescribeAccountLimits(): DescribeAccountLimitsOutput {
      return { Limits: Object.entries(named).map(([Name, value]) => ({ Name, Max: String(value) })) };
    },
  };
}
