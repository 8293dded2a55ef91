import { aws_ec2 as ec2, type Stack } from 'aws-cdk-lib';

import { accept } from './accepted.ts';
/** The network: two zones, no NAT gateway, and who may speak to whom. */
export interface Network {
  readonly vpc: ec2.Vpc;
  /** Balancers: from the internet (or the CDN's private way in). */
  readonly balancerGroup: ec2.SecurityGroup;
  /** API and controller. */
  readonly appGroup: ec2.SecurityGroup;
  /** Hosts of workspaces. */
  readonly hostGroup: ec2.SecurityGroup;
  readonly databaseGroup: ec2.SecurityGroup;
  readonly filesGroup: ec2.SecurityGroup;
}

/** Port that API and gates listen on in their containers. */
export const appPort = 8080;
/** Range of the dynamic host ports of tasks in bridge mode. Source: Amazon ECS, port mapping. */
const dynamicPorts = ec2.Port.tcpRange(32768, 65535);

/**
 * Public subnets for balancers, hosts and app (a NAT gateway would cost a small class a third of its bill), isolated
 * ones for the database.
 */
export function createNetwork(stack: Stack): Network {
  const vpc = new ec2.Vpc(stack, 'Network', {
    maxAzs: 2,
    natGateways: 0,
    // Restricting it would need a custom resource, and that an asset; nothing uses the default group.
    restrictDefaultSecurityGroup: false,
    subnetConfiguration: [
      { name: 'public', subnetType: ec2.SubnetType.PUBLIC, cidrMask: 20, mapPublicIpOnLaunch: true },
      { name: 'balancer', subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask: 24 },
      { name: 'data', subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask: 24 },
    ],
  });
  const group = (id: string, description: string, allowAllOutbound = false) =>
    new ec2.SecurityGroup(stack, id, { vpc, description, allowAllOutbound });

  const balancerGroup = group('BalancerGroup', 'Balancers: HTTP and HTTPS in, app and hosts out');
  const appGroup = group('AppGroup', 'API and controller', true);
  const hostGroup = group('HostGroup', 'Hosts of workspaces', true);
  const databaseGroup = group('DatabaseGroup', 'Database: from the app alone');
  const filesGroup = group('FilesGroup', 'File system: from the hosts alone');

  balancerGroup.addIngressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(443), 'browsers');
  balancerGroup.addIngressRule(
    ec2.Peer.anyIpv4(),
    ec2.Port.tcp(80),
    'browsers, sent on to HTTPS; the CDN where there is no domain',
  );
  balancerGroup.addEgressRule(appGroup, ec2.Port.tcp(appPort), 'portal');
  balancerGroup.addEgressRule(hostGroup, dynamicPorts, 'gates of workspaces');
  appGroup.addIngressRule(balancerGroup, ec2.Port.tcp(appPort), 'portal');
  hostGroup.addIngressRule(balancerGroup, dynamicPorts, 'gates of workspaces');
  databaseGroup.addIngressRule(appGroup, ec2.Port.tcp(5432), 'API and controller');
  filesGroup.addIngressRule(hostGroup, ec2.Port.tcp(2049), 'homes, mounted by the hosts');
  accept(vpc, { VPC7: 'Flow logs of a class cost more than its database; what the app serves is in its own log.' });
  accept(balancerGroup, { EC23: 'The portal is for browsers anywhere; nothing but 80 and 443 is open.' });
  return { vpc, balancerGroup, appGroup, hostGroup, databaseGroup, filesGroup };
}
