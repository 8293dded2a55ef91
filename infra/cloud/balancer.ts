import {
  aws_certificatemanager as acm,
  type CfnCondition,
  aws_cloudfront as cloudfront,
  aws_elasticloadbalancingv2 as elb,
  Fn,
  aws_route53 as route53,
  type Stack,
} from 'aws-cdk-lib';
import type { Size } from '../../api/resources/sizes.ts';
import { accept } from './accepted.ts';
import type { Network } from './network.ts';
import type { Parameters } from './parameters.ts';

/** The way in. */
export interface Entrance {
  readonly portalUrl: string;
  /** ARMADA_BALANCERS: one entry a balancer, as JSON text. */
  readonly balancersJson: string;
  /** ARMADA_PROXIES: the balancer, and without a domain the CDN before it. */
  readonly proxies: string;
  /** One a balancer: AWS lets a target group belong to no more than one. */
  readonly appTargetGroupArns: readonly string[];
  readonly listenerArns: readonly string[];
  readonly balancerFullNames: readonly string[];
  /** DNS names, in the order of the balancers' numbers: what records of a domain point at. */
  readonly balancerNames: readonly string[];
  /** What the app's service must wait for. */
  readonly listeners: readonly elb.CfnListener[];
}

/** AWS's longest: an editor's WebSocket may be quiet for over an hour. */
const idleSeconds = '4000';

/**
 * With a domain: internet-facing balancers with HTTPS, one wildcard name each (`<host>.s1.<domain>`). Without one:
 * internal balancers behind two CDN distributions, portal and workspaces on different hosts, TLS on the CDN's names.
 * A CDN's own name has no subdomains, so workspaces share one and are told apart by path: their pages too share it.
 */
export function createEntrance(stack: Stack, network: Network, parameters: Parameters, size: Size): Entrance {
  const certificateArn = createCertificate(stack, parameters, size);
  const balancers = Array.from({ length: size.balancers }, (_, index) =>
    createBalancer(stack, network, parameters, index + 1, certificateArn),
  );
  const [first] = balancers;
  if (!first) throw new Error('a deployment needs a balancer');
  const cdn = createCdn(stack, parameters, first.balancer);
  createRecords(stack, parameters, balancers);

  const either = (withDomain: string, without: string) =>
    Fn.conditionIf(parameters.hasDomain.logicalId, withDomain, without).toString();
  const entry = (listenerArn: string, domain: string, more = '') =>
    `{"listenerArn":"${listenerArn}","domain":"${domain}"${more}}`;
  const withDomain = balancers.map(({ secure, number }) => entry(secure.ref, `s${number}.${parameters.domainName}`));
  const without = balancers
    .slice(0, 1)
    .map(({ plain }) => entry(plain.ref, cdn.workspaces.attrDomainName, ',"path":true'));
  return {
    portalUrl: either(`https://${parameters.domainName}`, `https://${cdn.portal.attrDomainName}`),
    balancersJson: either(`[${withDomain.join(',')}]`, `[${without.join(',')}]`),
    proxies: either('1', '2'),
    appTargetGroupArns: balancers.map(({ app }) => app.ref),
    listenerArns: balancers.map(({ secure, plain }) => either(secure.ref, plain.ref)),
    balancerFullNames: balancers.map(({ balancer }) => balancer.attrLoadBalancerFullName),
    balancerNames: balancers.map(({ balancer }) => balancer.attrDnsName),
    listeners: balancers.map(({ plain }) => plain),
  };
}

interface Balancer {
  readonly number: number;
  readonly app: elb.CfnTargetGroup;
  readonly balancer: elb.CfnLoadBalancer;
  /** HTTPS; there only with a domain. */
  readonly secure: elb.CfnListener;
  /** HTTP: sends on to HTTPS with a domain, serves the CDN without one. */
  readonly plain: elb.CfnListener;
}

function createBalancer(
  stack: Stack,
  network: Network,
  parameters: Parameters,
  number: number,
  certificateArn: string,
): Balancer {
  const app = new elb.CfnTargetGroup(stack, `AppTargets${number}`, {
    protocol: 'HTTP',
    port: 80,
    targetType: 'ip',
    vpcId: network.vpc.vpcId,
    healthCheckPath: '/healthz',
    healthCheckIntervalSeconds: 10,
    targetGroupAttributes: [{ key: 'deregistration_delay.timeout_seconds', value: '10' }],
  });
  const ids = (group: string) => network.vpc.selectSubnets({ subnetGroupName: group }).subnetIds;
  const { hasDomain } = parameters;
  const either = (a: unknown, b: unknown) => Fn.conditionIf(hasDomain.logicalId, a, b);
  const balancer = new elb.CfnLoadBalancer(stack, `Balancer${number}`, {
    type: 'application',
    scheme: either('internet-facing', 'internal').toString(),
    securityGroups: [network.balancerGroup.securityGroupId],
    loadBalancerAttributes: [
      { key: 'idle_timeout.timeout_seconds', value: idleSeconds },
      { key: 'routing.http.drop_invalid_header_fields.enabled', value: 'true' },
      { key: 'routing.http.desync_mitigation_mode', value: 'strictest' },
      { key: 'deletion_protection.enabled', value: 'false' },
    ],
  });
  accept(balancer, {
    ELB2: 'The API logs each request; a bucket of access logs would hold who worked when, and outlive the stack.',
  });
  balancer.addPropertyOverride('Subnets', either(ids('public'), ids('balancer')));
  const toApp = { type: 'forward', targetGroupArn: app.ref };
  const secure = new elb.CfnListener(stack, `Https${number}`, {
    loadBalancerArn: balancer.ref,
    protocol: 'HTTPS',
    port: 443,
    sslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
    certificates: [{ certificateArn }],
    defaultActions: [toApp],
  });
  secure.cfnOptions.condition = hasDomain;
  const plain = new elb.CfnListener(stack, `Http${number}`, {
    loadBalancerArn: balancer.ref,
    protocol: 'HTTP',
    port: 80,
    defaultActions: [toApp],
  });
  const toHttps = { Type: 'redirect', RedirectConfig: { Protocol: 'HTTPS', Port: '443', StatusCode: 'HTTP_301' } };
  const forward = { Type: 'forward', TargetGroupArn: app.ref };
  plain.addPropertyOverride('DefaultActions', [either(toHttps, forward)]);
  return { number, app, balancer, secure, plain };
}

/** A certificate for the portal and every balancer's wildcard, validated by DNS; or the one that was given. */
function createCertificate(stack: Stack, parameters: Parameters, size: Size): string {
  const { domainName, hostedZoneId, makesCertificate } = parameters;
  const wildcards = Array.from({ length: size.balancers }, (_, index) => `*.s${index + 1}.${domainName}`);
  const certificate = new acm.CfnCertificate(stack, 'Certificate', {
    domainName,
    subjectAlternativeNames: wildcards,
    validationMethod: 'DNS',
  });
  const validation = [domainName, ...wildcards].map(name => ({ DomainName: name, HostedZoneId: hostedZoneId }));
  certificate.addPropertyOverride(
    'DomainValidationOptions',
    Fn.conditionIf(parameters.hasZone.logicalId, validation, Fn.ref('AWS::NoValue')),
  );
  certificate.cfnOptions.condition = makesCertificate;
  return Fn.conditionIf(makesCertificate.logicalId, certificate.ref, parameters.certificateArn).toString();
}

/** Addresses of portal and workspaces in the zone that was given. */
function createRecords(stack: Stack, parameters: Parameters, balancers: readonly Balancer[]): void {
  const record = (id: string, name: string, { balancer }: Balancer) => {
    const made = new route53.CfnRecordSet(stack, id, {
      hostedZoneId: parameters.hostedZoneId,
      name,
      type: 'A',
      aliasTarget: { dnsName: balancer.attrDnsName, hostedZoneId: balancer.attrCanonicalHostedZoneId },
    });
    made.cfnOptions.condition = parameters.hasZone;
  };
  for (const balancer of balancers) {
    if (balancer.number === 1) record('PortalRecord', parameters.domainName, balancer);
    record(`WorkspacesRecord${balancer.number}`, `*.s${balancer.number}.${parameters.domainName}`, balancer);
  }
}

/** AWS's managed policies for what must not be cached and passes all headers. Source: CloudFront, managed policies. */
const cachingDisabled = '4135ea2d-6df8-44a3-9df3-4b5a84be39ad';
const allViewerHeaders = '216adef6-5c7f-47e4-b989-5492eafa07d3';

/** Two hosts with TLS where there is no domain: one for the portal, one for what students' programs serve. */
function createCdn(stack: Stack, { noDomain }: Parameters, balancer: elb.CfnLoadBalancer) {
  const origin = new cloudfront.CfnVpcOrigin(stack, 'CdnOrigin', {
    vpcOriginEndpointConfig: {
      arn: balancer.ref,
      name: 'armada',
      httpPort: 80,
      httpsPort: 443,
      originProtocolPolicy: 'http-only',
    },
  });
  origin.cfnOptions.condition = noDomain;
  return {
    portal: distribution(stack, 'PortalCdn', noDomain, balancer, origin),
    workspaces: distribution(stack, 'WorkspacesCdn', noDomain, balancer, origin),
  };
}

function distribution(
  stack: Stack,
  id: string,
  condition: CfnCondition,
  balancer: elb.CfnLoadBalancer,
  origin: cloudfront.CfnVpcOrigin,
): cloudfront.CfnDistribution {
  const made = new cloudfront.CfnDistribution(stack, id, {
    distributionConfig: {
      enabled: true,
      comment: `Armada ${id}`,
      httpVersion: 'http2and3',
      priceClass: 'PriceClass_100',
      origins: [
        {
          id: 'balancer',
          domainName: balancer.attrDnsName,
          vpcOriginConfig: { vpcOriginId: origin.ref, originReadTimeout: 60, originKeepaliveTimeout: 60 },
        },
      ],
      defaultCacheBehavior: {
        targetOriginId: 'balancer',
        viewerProtocolPolicy: 'redirect-to-https',
        allowedMethods: ['GET', 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'POST', 'DELETE'],
        cachePolicyId: cachingDisabled,
        originRequestPolicyId: allViewerHeaders,
        compress: true,
      },
      viewerCertificate: { cloudFrontDefaultCertificate: true },
    },
  });
  accept(made, {
    CFR1: 'A class may be anywhere.',
    CFR2: 'A firewall costs as much as the balancer; the API limits tries itself, gates let in nobody without a ticket.',
    CFR3: 'The API logs each request; a bucket of access logs would outlive the stack.',
    CFR4: 'The provider’s own certificate leaves no choice of protocols; a domain of your own brings TLS 1.2 and up.',
  });
  made.cfnOptions.condition = condition;
  return made;
}
