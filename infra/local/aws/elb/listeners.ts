import type {
  CreateListenerInput,
  CreateListenerOutput,
  DeleteListenerInput,
  DeleteListenerOutput,
  DescribeListenersInput,
  DescribeListenersOutput,
  Listener,
  ModifyListenerInput,
  ModifyListenerOutput,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Operations } from '../endpoint.ts';
import { AwsError } from '../protocol.ts';
import type { Account } from './account.ts';
import { readActions, requireRoomForGroups } from './actions.ts';
import { requireArn } from './arns.ts';
import { page } from './paging.ts';
import { invalid, notFound, required, whole } from './refusals.ts';
import type { ListenerRow } from './tables.ts';
import { readTags } from './tags.ts';

/** Where the listeners' ports are really served. */
export interface Ports {
  /** Resolves once the port of this listener takes requests; rejects when it can't. */
  open(listener: ListenerRow): Promise<void>;
  /** Takes the listener off its port; resolves once the port is free. */
  close(listener: ListenerRow): Promise<void>;
}

const portRange = [1, 65_535] as const;

/** What every HTTPS listener here speaks: TLS 1.2 and 1.3. */
const policy = 'ELBSecurityPolicy-TLS13-1-2-2021-06';

/** CreateListener, DescribeListeners, ModifyListener, DeleteListener. */
export function listenerOperations(
  account: Account,
  ports: Ports,
  isCertificate: (arn: string) => boolean,
): Operations {
  const { tables, rules, arns } = account;

  function rowOf(arn: string | undefined): ListenerRow {
    const row = tables.listeners.get(requireArn(arn, 'listener'));
    if (!row) throw notFound.listener();
    return row;
  }

  return {
    async CreateListener(input: CreateListenerInput): Promise<CreateListenerOutput> {
      const loadBalancerArn = requireArn(input.LoadBalancerArn, 'load-balancer');
      if (!tables.loadBalancers.get(loadBalancerArn)) throw notFound['load-balancer']();
      const served = readProtocol(input, isCertificate);
      const port = whole(required(input.Port, 'Port'), 0, portRange, 'Port');
      const actions = readActions(account, input.DefaultActions);
      const tags = readTags(account, input.Tags);
      const others = rules.listenersOf(loadBalancerArn);
      const same = others.find(listener => listener.port === port);
      if (same) {
        const now = JSON.stringify(tables.rules.get(same.defaultRuleArn)?.actions);
        const isSame = same.protocol === served.protocol && same.certificateArn === served.certificateArn;
        if (isSame && now === JSON.stringify(actions)) return { Listeners: [toListener(account, same)] };
        throw new AwsError('DuplicateListener', 'A listener already exists on this port for this load balancer');
      }
      const limit = account.quotas.listenersPerLoadBalancer;
      if (others.length >= limit)
        throw new AwsError('TooManyListeners', `The load balancer has ${limit} listeners already`);
      requireRoomForGroups(
        account,
        loadBalancerArn,
        rules.ofLoadBalancer(loadBalancerArn).map(rule => rule.actions),
        actions,
      );
      const arn = arns.listener(loadBalancerArn);
      const row: ListenerRow = { arn, loadBalancerArn, port, ...served, defaultRuleArn: arns.rule(arn) };
      tables.listeners.put(arn, row);
      tables.tags.put(arn, { arn, tags });
      rules.put({
        arn: row.defaultRuleArn,
        listenerArn: arn,
        priority: 'default',
        conditions: [],
        actions,
        transforms: [],
      });
      try {
        await ports.open(row);
      } catch (error) {
        await deleteListener(account, ports, row);
        throw new AwsError('InvalidConfigurationRequest', error instanceof Error ? error.message : String(error));
      }
      return { Listeners: [toListener(account, row)] };
    },

    DescribeListeners(input: DescribeListenersInput): DescribeListenersOutput {
      if (input.ListenerArns?.length) {
        const found = input.ListenerArns.map(arn => tables.listeners.seen(requireArn(arn, 'listener')));
        return { Listeners: found.map(row => toListener(account, row ?? missing())) };
      }
      if (input.LoadBalancerArn === undefined)
        throw invalid('You must specify either listener ARNs or a load balancer ARN');
      const loadBalancerArn = requireArn(input.LoadBalancerArn, 'load-balancer');
      if (!tables.loadBalancers.seen(loadBalancerArn)) throw notFound['load-balancer']();
      const rows = tables.listeners.seenAll().filter(row => row.loadBalancerArn === loadBalancerArn);
      const { items, nextMarker } = page(rows, row => row.arn, input, account.consistency.shuffled);
      return { Listeners: items.map(row => toListener(account, row)), NextMarker: nextMarker };
    },

    async ModifyListener(input: ModifyListenerInput): Promise<ModifyListenerOutput> {
      const row = rowOf(input.ListenerArn);
      const served =
        input.Protocol === undefined && !input.Certificates?.length
          ? readProtocol({ Protocol: row.protocol, ...certificatesOf(row) }, isCertificate)
          : readProtocol({ ...input, Protocol: input.Protocol ?? row.protocol }, isCertificate);
      const port = whole(input.Port, row.port, portRange, 'Port');
      const siblings = rules.listenersOf(row.loadBalancerArn).filter(other => other.arn !== row.arn);
      if (siblings.some(other => other.port === port))
        throw new AwsError('DuplicateListener', 'A listener already exists on this port for this load balancer');
      const rule = tables.rules.get(row.defaultRuleArn);
      if (input.DefaultActions?.length && rule) {
        const actions = readActions(account, input.DefaultActions);
        const others = rules.ofLoadBalancer(row.loadBalancerArn).filter(other => other.arn !== rule.arn);
        requireRoomForGroups(
          account,
          row.loadBalancerArn,
          others.map(other => other.actions),
          actions,
        );
        rules.put({ ...rule, actions });
      }
      const { arn, loadBalancerArn, defaultRuleArn } = row;
      const changed = tables.listeners.put(arn, { arn, loadBalancerArn, port, ...served, defaultRuleArn });
      const isMoved = port !== row.port || served.protocol !== row.protocol;
      if (isMoved || served.certificateArn !== row.certificateArn) {
        await ports.close(row);
        await ports.open(changed);
      }
      return { Listeners: [toListener(account, changed)] };
    },

    async DeleteListener(input: DeleteListenerInput): Promise<DeleteListenerOutput> {
      await deleteListener(account, ports, rowOf(input.ListenerArn));
      return {};
    },
  };
}

/** Takes away a listener with all its rules. */
export async function deleteListener(account: Account, ports: Ports, row: ListenerRow): Promise<void> {
  for (const rule of account.rules.of(row.arn)) account.rules.delete(rule);
  account.tables.listeners.delete(row.arn);
  account.tables.tags.delete(row.arn);
  await ports.close(row);
}

function toListener(account: Account, row: ListenerRow): Listener {
  return {
    ListenerArn: row.arn,
    LoadBalancerArn: row.loadBalancerArn,
    Port: row.port,
    Protocol: row.protocol,
    ...certificatesOf(row),
    ...(row.protocol === 'HTTPS' ? { SslPolicy: policy } : {}),
    DefaultActions: [...(account.tables.rules.seen(row.defaultRuleArn)?.actions ?? [])],
  };
}

function certificatesOf({ certificateArn }: ListenerRow): Pick<Listener, 'Certificates'> {
  return certificateArn === undefined ? {} : { Certificates: [{ CertificateArn: certificateArn }] };
}

/** The protocol that is asked for, with its one certificate. */
function readProtocol(
  {
    Protocol,
    Certificates = [],
    SslPolicy = policy,
  }: Pick<CreateListenerInput, 'Protocol' | 'Certificates' | 'SslPolicy'>,
  isCertificate: (arn: string) => boolean,
): Pick<ListenerRow, 'protocol' | 'certificateArn'> {
  if (Protocol === 'HTTP') {
    if (Certificates.length) throw invalid('Certificates cannot be specified for HTTP listeners');
    return { protocol: 'HTTP' };
  }
  if (Protocol !== 'HTTPS') throw invalid(`Listener protocol '${Protocol ?? ''}' must be one of 'HTTPS, HTTP'`);
  const [certificate, ...more] = Certificates;
  if (!certificate) throw invalid('A certificate must be specified for HTTPS listeners');
  if (more.length)
    throw invalid('Only one certificate can be specified here; more are added with AddListenerCertificates');
  const certificateArn = certificate.CertificateArn ?? '';
  if (!isCertificate(certificateArn))
    throw new AwsError('CertificateNotFound', `Certificate ARN '${certificateArn}' is not valid`);
  if (SslPolicy !== policy) throw new AwsError('SSLPolicyNotFound', `Only '${policy}' is available here`);
  return { protocol: 'HTTPS', certificateArn };
}

function missing(): never {
  throw notFound.listener();
}
