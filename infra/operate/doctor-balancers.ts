import {
  DescribeAccountLimitsCommand,
  DescribeListenersCommand,
  DescribeLoadBalancerAttributesCommand,
  DescribeLoadBalancersCommand,
  DescribeTargetHealthCommand,
  paginateDescribeRules,
  paginateDescribeTargetGroups,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { type DoctorOptions, type Finding, ok, quota, wrong } from './finding.ts';

/** Quotas as AWS names them, and what they are where it does not tell. Source: Application Load Balancer quotas. */
const defaults = {
  'target-groups-per-application-load-balancer': 100,
  'rules-per-application-load-balancer': 100,
  'target-groups': 3000,
} as const;
/** An editor's WebSocket may be quiet for over an hour. */
const idleSecondsWanted = 4000;
const idleAttribute = 'idle_timeout.timeout_seconds';

/** Listener, its default action, the app behind it, the balancer's idle timeout and how full it is. */
export async function checkBalancer(
  { clients: { elb } }: Pick<DoctorOptions, 'clients'>,
  listenerArn: string,
  domain: string,
): Promise<readonly Finding[]> {
  const about = `balancer of ${domain}`;
  const { Listeners } = await elb.send(new DescribeListenersCommand({ ListenerArns: [listenerArn] }));
  const listener = Listeners?.[0];
  const LoadBalancerArn = listener?.LoadBalancerArn;
  if (!listener || !LoadBalancerArn) return [wrong(`${about}: the listener is gone. Update the stack.`)];
  const { LoadBalancers } = await elb.send(new DescribeLoadBalancersCommand({ LoadBalancerArns: [LoadBalancerArn] }));
  const state = LoadBalancers?.[0]?.State?.Code;
  const findings: Finding[] = [
    state === 'active' || state === 'active_impaired'
      ? ok(`${about}: listens on ${listener.Port} (${listener.Protocol})`)
      : wrong(`${about}: is ${state}. Wait some minutes; if it stays so, update the stack.`),
  ];
  const action = listener.DefaultActions?.[0];
  const TargetGroupArn = action?.TargetGroupArn ?? action?.ForwardConfig?.TargetGroups?.[0]?.TargetGroupArn;
  findings.push(
    action?.Type === 'forward' && TargetGroupArn
      ? await checkApp({ elb }, about, TargetGroupArn)
      : wrong(`${about}: its default action is ${action?.Type}, not forwarding to the app. Update the stack.`),
  );
  const { Attributes = [] } = await elb.send(new DescribeLoadBalancerAttributesCommand({ LoadBalancerArn }));
  const idle = Number(Attributes.find(({ Key }) => Key === idleAttribute)?.Value);
  findings.push(
    idle >= idleSecondsWanted
      ? ok(`${about}: idle timeout ${idle} s`)
      : wrong(
          `${about}: idle timeout ${idle} s cuts quiet editors off. Set ${idleAttribute} to ${idleSecondsWanted}: EC2 console, Load Balancers, Attributes.`,
        ),
  );
  let rules = 0;
  for await (const page of paginateDescribeRules({ client: elb }, { ListenerArn: listenerArn }))
    rules += (page.Rules ?? []).filter(({ IsDefault }) => !IsDefault).length;
  let groups = 0;
  for await (const page of paginateDescribeTargetGroups({ client: elb }, { LoadBalancerArn }))
    groups += page.TargetGroups?.length ?? 0;
  const then = 'More workspaces need another balancer: npm run synth -- --size large, and update the stack.';
  const limits = await limitsOf({ elb });
  findings.push(quota(`${about}: rules`, rules, limits('rules-per-application-load-balancer'), then));
  findings.push(quota(`${about}: target groups`, groups, limits('target-groups-per-application-load-balancer'), then));
  return findings;
}

async function checkApp({ elb }: Pick<DoctorOptions['clients'], 'elb'>, about: string, TargetGroupArn: string) {
  const { TargetHealthDescriptions = [] } = await elb.send(new DescribeTargetHealthCommand({ TargetGroupArn }));
  const healthy = TargetHealthDescriptions.filter(({ TargetHealth }) => TargetHealth?.State === 'healthy').length;
  return healthy > 0
    ? ok(`${about}: the app answers (${healthy} healthy)`)
    : wrong(`${about}: no healthy app behind it. See the Api service's events and log in the ECS console.`);
}

/** What the region's quota of target groups leaves. */
export async function checkRegion({ clients: { elb } }: Pick<DoctorOptions, 'clients'>): Promise<readonly Finding[]> {
  let groups = 0;
  for await (const page of paginateDescribeTargetGroups({ client: elb }, {})) groups += page.TargetGroups?.length ?? 0;
  const then = 'Ask for more: https://console.aws.amazon.com/servicequotas (Elastic Load Balancing).';
  return [quota('region: target groups', groups, (await limitsOf({ elb }))('target-groups'), then)];
}

/** The account's own quotas, which somebody may have had raised. */
async function limitsOf({
  elb,
}: Pick<DoctorOptions['clients'], 'elb'>): Promise<(name: keyof typeof defaults) => number> {
  const { Limits = [] } = await elb.send(new DescribeAccountLimitsCommand({}));
  return name => Number(Limits.find(({ Name }) => Name === name)?.Max ?? defaults[name]);
}
