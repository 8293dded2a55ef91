import type {
  CreateLoadBalancerInput,
  CreateLoadBalancerOutput,
  DeleteLoadBalancerInput,
  DeleteLoadBalancerOutput,
  DescribeLoadBalancerAttributesInput,
  DescribeLoadBalancerAttributesOutput,
  DescribeLoadBalancersInput,
  DescribeLoadBalancersOutput,
  LoadBalancer,
  ModifyLoadBalancerAttributesInput,
  ModifyLoadBalancerAttributesOutput,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Operations } from '../endpoint.ts';
import { AwsError } from '../protocol.ts';
import type { Account } from './account.ts';
import { requireArn } from './arns.ts';
import { attribute, changeAttributes, listAttributes, loadBalancerAttributes } from './attributes.ts';
import { deleteListener, type Ports } from './listeners.ts';
import { page } from './paging.ts';
import { invalid, notFound, requireName } from './refusals.ts';
import type { LoadBalancerRow } from './tables.ts';
import { readTags } from './tags.ts';

/** AWS's limit on the ARNs of one DescribeLoadBalancers. */
const arnsPerCall = 20;
/** An application load balancer stands in two zones at least; here every subnet is taken to be a zone of its own. */
const fewestSubnets = 2;
const localVpc = 'vpc-00000000';

/** The operations on load balancers and their attributes. */
export function loadBalancerOperations(account: Account, ports: Ports): Operations {
  const { tables, rules, arns, clock } = account;

  function rowOf(arn: string | undefined): LoadBalancerRow {
    const row = tables.loadBalancers.get(requireArn(arn, 'load-balancer'));
    if (!row) throw notFound['load-balancer']();
    return row;
  }

  return {
    CreateLoadBalancer(input: CreateLoadBalancerInput): CreateLoadBalancerOutput {
      const name = requireName(input.Name, 'load balancer');
      if (name.startsWith('internal-')) throw invalid(`load balancer name '${name}' cannot begin with 'internal-'`);
      if ((input.Type ?? 'application') !== 'application')
        throw invalid(`Load balancers of type '${input.Type}' are not available here`);
      const settings = {
        scheme: input.Scheme ?? 'internet-facing',
        ipAddressType: input.IpAddressType ?? 'ipv4',
        subnets: input.Subnets ?? input.SubnetMappings?.map(mapping => mapping.SubnetId ?? '') ?? [],
        securityGroups: input.SecurityGroups ?? [],
      } as const;
      if (new Set(settings.subnets).size < fewestSubnets)
        throw invalid('At least two subnets in two different Availability Zones must be specified');
      const tags = readTags(account, input.Tags);
      const same = tables.loadBalancers.all().find(row => row.name === name);
      if (same) {
        const { scheme, ipAddressType, subnets, securityGroups } = same;
        if (JSON.stringify({ scheme, ipAddressType, subnets, securityGroups }) === JSON.stringify(settings))
          return { LoadBalancers: [toLoadBalancer(same)] };
        throw new AwsError(
          'DuplicateLoadBalancerName',
          `A load balancer with the same name '${name}' exists, but with different settings`,
        );
      }
      const limit = account.quotas.loadBalancers;
      if (tables.loadBalancers.size >= limit)
        throw new AwsError('TooManyLoadBalancers', `The maximum number of load balancers is ${limit}`);
      const arn = arns.loadBalancer(name);
      tables.tags.put(arn, { arn, tags });
      const row = tables.loadBalancers.put(arn, {
        arn,
        name,
        // A name that browsers take to this machine, where AWS gives one of its own.
        dnsName: `${name}-${arn.slice(arn.lastIndexOf('/') + 1)}.elb.localhost`,
        ...settings,
        createdTime: new Date(clock.now()).toISOString(),
        attributes: {},
      });
      return { LoadBalancers: [toLoadBalancer(row)] };
    },

    DescribeLoadBalancers(input: DescribeLoadBalancersInput): DescribeLoadBalancersOutput {
      const { LoadBalancerArns: wanted = [], Names: names = [] } = input;
      if (wanted.length > arnsPerCall) throw invalid(`The number of ARNs exceeds the limit of ${arnsPerCall}`);
      if (wanted.length && names.length) throw invalid('Specify either names or ARNs, not both');
      for (const arn of wanted) requireArn(arn, 'load-balancer');
      const all = tables.loadBalancers.seenAll();
      const chosen = all.filter(row => (wanted.length ? wanted.includes(row.arn) : names.includes(row.name)));
      if (chosen.length < new Set([...wanted, ...names]).size) throw notFound['load-balancer']();
      if (chosen.length) return { LoadBalancers: chosen.map(toLoadBalancer) };
      const { items, nextMarker } = page(all, row => row.arn, input, account.consistency.shuffled);
      return { LoadBalancers: items.map(toLoadBalancer), NextMarker: nextMarker };
    },

    async DeleteLoadBalancer(input: DeleteLoadBalancerInput): Promise<DeleteLoadBalancerOutput> {
      const row = tables.loadBalancers.get(requireArn(input.LoadBalancerArn, 'load-balancer'));
      // AWS: deleting what is not there succeeds.
      if (!row) return {};
      if (attribute(loadBalancerAttributes, row.attributes, 'deletion_protection.enabled') === 'true')
        throw new AwsError(
          'OperationNotPermitted',
          `Load balancer '${row.arn}' cannot be deleted because deletion protection is enabled`,
        );
      tables.loadBalancers.delete(row.arn);
      tables.tags.delete(row.arn);
      await Promise.all(rules.listenersOf(row.arn).map(listener => deleteListener(account, ports, listener)));
      return {};
    },

    ModifyLoadBalancerAttributes(input: ModifyLoadBalancerAttributesInput): ModifyLoadBalancerAttributesOutput {
      const row = rowOf(input.LoadBalancerArn);
      const attributes = changeAttributes(loadBalancerAttributes, row.attributes, input.Attributes);
      tables.loadBalancers.put(row.arn, { ...row, attributes });
      return { Attributes: listAttributes(loadBalancerAttributes, attributes) };
    },

    DescribeLoadBalancerAttributes(input: DescribeLoadBalancerAttributesInput): DescribeLoadBalancerAttributesOutput {
      const row = tables.loadBalancers.seen(requireArn(input.LoadBalancerArn, 'load-balancer'));
      if (!row) throw notFound['load-balancer']();
      return { Attributes: listAttributes(loadBalancerAttributes, row.attributes) };
    },
  };
}

function toLoadBalancer(row: LoadBalancerRow): LoadBalancer {
  return {
    LoadBalancerArn: row.arn,
    LoadBalancerName: row.name,
    DNSName: row.dnsName,
    CanonicalHostedZoneId: 'Z00000000000000000000',
    CreatedTime: new Date(row.createdTime),
    Scheme: row.scheme,
    VpcId: localVpc,
    State: { Code: 'active' },
    Type: 'application',
    AvailabilityZones: row.subnets.map((SubnetId, index) => ({ SubnetId, ZoneName: `local-${index + 1}` })),
    SecurityGroups: [...row.securityGroups],
    IpAddressType: row.ipAddressType,
  };
}
