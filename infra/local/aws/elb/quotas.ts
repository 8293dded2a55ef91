/** What one account may have. */
export interface Quotas {
  readonly loadBalancers: number;
  readonly listenersPerLoadBalancer: number;
  readonly rulesPerLoadBalancer: number;
  readonly targetGroups: number;
  readonly targetGroupsPerLoadBalancer: number;
  readonly targetGroupsPerAction: number;
  readonly targetsPerGroup: number;
  readonly conditionValuesPerRule: number;
  readonly wildcardsPerRule: number;
  readonly tagsPerResource: number;
}

/** AWS's defaults. Source: Application Load Balancer user guide, "Quotas". */
export const defaultQuotas: Quotas = {
  loadBalancers: 50,
  listenersPerLoadBalancer: 50,
  rulesPerLoadBalancer: 100,
  targetGroups: 3_000,
  targetGroupsPerLoadBalancer: 100,
  targetGroupsPerAction: 5,
  targetsPerGroup: 1_000,
  conditionValuesPerRule: 5,
  wildcardsPerRule: 5,
  tagsPerResource: 50,
};
