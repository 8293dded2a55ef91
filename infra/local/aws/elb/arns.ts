import { randomBytes } from 'node:crypto';
import { AwsError } from '../protocol.ts';

/** What an ARN of this service can name. */
export type ResourceKind = 'load-balancer' | 'listener' | 'rule' | 'target-group';

const patterns: Readonly<Record<ResourceKind, RegExp>> = {
  'load-balancer': /^arn:aws:elasticloadbalancing:[^:]*:\d{12}:loadbalancer\/app\/[^/]+\/[0-9a-f]+$/,
  listener: /^arn:aws:elasticloadbalancing:[^:]*:\d{12}:listener\/app\/[^/]+\/[0-9a-f]+\/[0-9a-f]+$/,
  rule: /^arn:aws:elasticloadbalancing:[^:]*:\d{12}:listener-rule\/app\/[^/]+\/[0-9a-f]+\/[0-9a-f]+\/[0-9a-f]+$/,
  'target-group': /^arn:aws:elasticloadbalancing:[^:]*:\d{12}:targetgroup\/[^/]+\/[0-9a-f]+$/,
};

/** Names of new resources: unique, and of the form that AWS gives. */
export interface Arns {
  loadBalancer(name: string): string;
  listener(loadBalancerArn: string): string;
  rule(listenerArn: string): string;
  targetGroup(name: string): string;
}

/** Names resources of one account in one region. */
export function createArns(region: string, accountId: string): Arns {
  const prefix = `arn:aws:elasticloadbalancing:${region}:${accountId}`;
  const suffix = () => randomBytes(8).toString('hex');
  return {
    loadBalancer: name => `${prefix}:loadbalancer/app/${name}/${suffix()}`,
    listener: arn => `${arn.replace(':loadbalancer/', ':listener/')}/${suffix()}`,
    rule: arn => `${arn.replace(':listener/', ':listener-rule/')}/${suffix()}`,
    targetGroup: name => `${prefix}:targetgroup/${name}/${suffix()}`,
  };
}

/** What an ARN names, or undefined for none of ours. */
export function kindOf(arn: string): ResourceKind | undefined {
  for (const kind of ['load-balancer', 'listener', 'rule', 'target-group'] as const)
    if (patterns[kind].test(arn)) return kind;
  return undefined;
}

/** Refuses an ARN that is missing or names something else; answers the ARN. */
export function requireArn(arn: string | undefined, kind: ResourceKind): string {
  if (arn !== undefined && patterns[kind].test(arn)) return arn;
  throw new AwsError('ValidationError', `'${arn ?? ''}' is not a valid ${kind.replace('-', ' ')} ARN`);
}
