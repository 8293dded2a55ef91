import type { CreateTargetGroupInput } from '@aws-sdk/client-elastic-load-balancing-v2';
import { invalid, whole } from './refusals.ts';
import type { HealthCheckSettings } from './tables.ts';

/** AWS's defaults of an application load balancer's HTTP health check. Source: ALB user guide, "Health checks". */
export const defaultHealthCheck: HealthCheckSettings = {
  protocol: 'HTTP',
  port: 'traffic-port',
  path: '/',
  intervalSeconds: 30,
  timeoutSeconds: 5,
  healthyThreshold: 5,
  unhealthyThreshold: 2,
  matcher: '200',
};

const longestPath = 1_024;
const codes = [200, 499] as const;

type Input = Pick<
  CreateTargetGroupInput,
  | 'HealthCheckEnabled'
  | 'HealthCheckProtocol'
  | 'HealthCheckPort'
  | 'HealthCheckPath'
  | 'HealthCheckIntervalSeconds'
  | 'HealthCheckTimeoutSeconds'
  | 'HealthyThresholdCount'
  | 'UnhealthyThresholdCount'
  | 'Matcher'
>;

/** The settings that an input asks for; what it leaves out is as in `now`. */
export function readHealthCheck(input: Input, now: HealthCheckSettings): HealthCheckSettings {
  if (input.HealthCheckEnabled === false)
    throw invalid('Health check enabled must be true for target groups with target type instance or ip');
  const protocol = input.HealthCheckProtocol ?? now.protocol;
  if (protocol !== 'HTTP') throw invalid(`Health check protocol '${protocol}' is not available here`);
  const settings = {
    protocol,
    port: input.HealthCheckPort ?? now.port,
    path: input.HealthCheckPath ?? now.path,
    intervalSeconds: whole(input.HealthCheckIntervalSeconds, now.intervalSeconds, [5, 300], 'Health check interval'),
    timeoutSeconds: whole(input.HealthCheckTimeoutSeconds, now.timeoutSeconds, [2, 120], 'Health check timeout'),
    healthyThreshold: whole(input.HealthyThresholdCount, now.healthyThreshold, [2, 10], 'Healthy threshold count'),
    unhealthyThreshold: whole(
      input.UnhealthyThresholdCount,
      now.unhealthyThreshold,
      [2, 10],
      'Unhealthy threshold count',
    ),
    matcher: input.Matcher?.HttpCode ?? now.matcher,
  } as const;
  if (settings.timeoutSeconds >= settings.intervalSeconds)
    throw invalid('Health check interval must be greater than the timeout.');
  if (!settings.path.startsWith('/') || settings.path.length > longestPath || /[\s#]/.test(settings.path))
    throw invalid(`Health check path '${settings.path}' is not valid`);
  if (!/^(traffic-port|[1-9]\d{0,4})$/.test(settings.port))
    throw invalid(`Health check port '${settings.port}' is not valid`);
  if (!settings.matcher.split(',').every(isRange))
    throw invalid(`Health check matcher HTTP code '${settings.matcher}' is not valid`);
  return settings;
}

/** Whether a status passes a matcher such as `200,301-302`. */
export function passes(matcher: string, status: number): boolean {
  return matcher.split(',').some(part => {
    const [from = '', to = from] = part.split('-');
    return status >= Number(from) && status <= Number(to);
  });
}

function isRange(part: string): boolean {
  const found = /^(\d{3})(?:-(\d{3}))?$/.exec(part);
  if (!found) return false;
  const from = Number(found[1]);
  const to = Number(found[2] ?? found[1]);
  return from >= codes[0] && to <= codes[1] && from <= to;
}
