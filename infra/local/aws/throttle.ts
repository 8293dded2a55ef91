import type { Clock } from './clock.ts';
import type { FaultRule } from './faults.ts';
import { AwsError, type ServiceName } from './protocol.ts';

/** The calls that share one of AWS's token buckets. */
interface Limit {
  readonly service: ServiceName;
  readonly operations: RegExp;
  readonly burst: number;
  readonly perSecond: number;
}

/** First match counts. Sources: ECS API request throttling; ELB API throttling; Cognito quotas (no burst is published). */
const limits: readonly Limit[] = [
  { service: 'ecs', operations: /^(Create|Update|Delete)Service$/, burst: 50, perSecond: 5 },
  { service: 'ecs', operations: /^(Register|Deregister)TaskDefinition$/, burst: 20, perSecond: 1 },
  { service: 'ecs', operations: /^DeleteTaskDefinitions$/, burst: 5, perSecond: 1 },
  { service: 'ecs', operations: /^(Describe|List)Services$/, burst: 100, perSecond: 20 },
  { service: 'ecs', operations: /^(Describe|List)Tasks$/, burst: 100, perSecond: 20 },
  { service: 'ecs', operations: /^(DescribeTaskDefinition|ListTaskDefinition)/, burst: 50, perSecond: 20 },
  { service: 'elasticloadbalancing', operations: /^Describe/, burst: 40, perSecond: 10 },
  { service: 'elasticloadbalancing', operations: /^(Create|Modify|Delete|Add|Remove|Set)/, burst: 20, perSecond: 3 },
  { service: 'cognito-idp', operations: /^AdminCreateUser$/, burst: 50, perSecond: 50 },
  { service: 'cognito-idp', operations: /^Admin(Get|List)/, burst: 120, perSecond: 120 },
  { service: 'cognito-idp', operations: /^Admin(Update|Enable|Disable|AddUser|RemoveUser)/, burst: 25, perSecond: 25 },
];

/** A rule for `Faults` that enforces AWS's published token buckets, each full at first. */
export function awsThrottles(clock: Clock): FaultRule {
  const levels = new Map<Limit, { tokens: number; at: number }>();
  return (service, operation) => {
    const limit = limits.find(each => each.service === service && each.operations.test(operation));
    if (!limit) return undefined;
    const now = clock.now();
    const before = levels.get(limit) ?? { tokens: limit.burst, at: now };
    const tokens = Math.min(limit.burst, before.tokens + ((now - before.at) / 1000) * limit.perSecond);
    levels.set(limit, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    return tokens >= 1 ? undefined : { before: () => refuse(service) };
  };
}

function refuse(service: ServiceName): never {
  if (service === 'elasticloadbalancing') throw new AwsError('Throttling', 'Rate exceeded');
  if (service === 'cognito-idp') throw new AwsError('TooManyRequestsException', 'Rate exceeded');
  throw new AwsError('ThrottlingException', 'Rate exceeded');
}
