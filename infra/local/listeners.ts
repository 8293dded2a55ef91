import {
  CreateListenerCommand,
  DeleteListenerCommand,
  DescribeListenersCommand,
  ElasticLoadBalancingV2Client,
  ModifyListenerCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { type Ground, type GroundOptions, listenerPort } from './ground.ts';

/** The ARN under which the local AWS knows the certificate that the person gave. */
export const certificateArn = 'arn:aws:acm:us-east-1:000000000000:certificate/given';
/** The secure listener's port as AWS knows it. */
export const securePort = 443;
/**
 * Port, as AWS knows it, of the listener that sends browsers on to TLS. Not the ground's own: that one forwards in plain
 * until it is told to speak TLS, and must not be served to other computers meanwhile.
 */
export const redirectListenerPort = 8080;

/**
 * Makes the ground's listener speak TLS, and another send browsers there from http; or, with no domain, takes both
 * back. The listener keeps its ARN and rules, as a change of its protocol keeps them on AWS.
 */
export async function layListeners(options: GroundOptions, ground: Ground, tls: { readonly port: number } | undefined) {
  const elb = new ElasticLoadBalancingV2Client(options);
  const { listenerArn: ListenerArn } = ground;
  const { Listeners = [] } = await elb.send(new DescribeListenersCommand({ ListenerArns: [ListenerArn] }));
  const LoadBalancerArn = Listeners[0]?.LoadBalancerArn;
  if (!LoadBalancerArn) throw new Error('the local AWS answered without a listener');
  if (tls) {
    const Certificates = [{ CertificateArn: certificateArn }];
    await elb.send(new ModifyListenerCommand({ ListenerArn, Protocol: 'HTTPS', Port: securePort, Certificates }));
    const RedirectConfig = { Protocol: 'HTTPS', Port: String(tls.port), StatusCode: 'HTTP_301' } as const;
    const DefaultActions = [{ Type: 'redirect' as const, RedirectConfig }];
    await removeOthers(elb, LoadBalancerArn, ListenerArn);
    await elb.send(
      new CreateListenerCommand({ LoadBalancerArn, Protocol: 'HTTP', Port: redirectListenerPort, DefaultActions }),
    );
  } else {
    await removeOthers(elb, LoadBalancerArn, ListenerArn);
    await elb.send(new ModifyListenerCommand({ ListenerArn, Protocol: 'HTTP', Port: listenerPort }));
  }
}

async function removeOthers(elb: ElasticLoadBalancingV2Client, LoadBalancerArn: string, kept: string): Promise<void> {
  const { Listeners = [] } = await elb.send(new DescribeListenersCommand({ LoadBalancerArn }));
  for (const { ListenerArn } of Listeners)
    if (ListenerArn !== kept) await elb.send(new DeleteListenerCommand({ ListenerArn }));
}
