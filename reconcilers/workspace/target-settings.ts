import type { CreateTargetGroupInput, TargetGroupAttribute } from '@aws-sdk/client-elastic-load-balancing-v2';
import { healthPath } from '../../api/resources/entrance.ts';
import { gatePort } from './blueprint.ts';

/** How a workspace's target group is made. The shortest health checks that AWS has: a start waits for one to pass. */
export const targetGroupSettings = {
  Protocol: 'HTTP',
  Port: gatePort,
  TargetType: 'instance',
  HealthCheckProtocol: 'HTTP',
  HealthCheckPath: healthPath,
  HealthCheckIntervalSeconds: 5,
  HealthCheckTimeoutSeconds: 4,
  HealthyThresholdCount: 2,
  UnhealthyThresholdCount: 3,
  Matcher: { HttpCode: '200' },
} as const satisfies Partial<CreateTargetGroupInput>;

/** Its attributes, which AWS takes only after creation. The default delay would make every stop take five minutes. */
export const targetAttributes: readonly Required<TargetGroupAttribute>[] = [
  { Key: 'deregistration_delay.timeout_seconds', Value: '5' },
  { Key: 'stickiness.enabled', Value: 'false' },
];
