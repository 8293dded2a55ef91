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
  /** Takes the listener off its port. */
  close(listener: ListenerRow): void;
}

const portRange = [1, 65_535] as const;

/** CreateListener, DescribeListeners, ModifyListener, DeleteListener. */
export function listenerOperations(account: Account, ports: Ports): Operations {
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
      requireHttp(input);
      const port = whole(required(input.Port, 'Port'), 0, portRange, 'Port');
      const actions = readActions(account, input.DefaultActions);
      const tags = readTags(account, input.Tags);
      const others = rules.listenersOf(loadBalancerArn);
      const same = others.find(listener => listener.port === port);
      if (same) {
        const now = JSON.stringify(tables.rules.get(same.defaultRuleArn)?.actions);
        if (now === JSON.stringify(actions)) return { Listeners: [toListener(account, same)] };
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
      const row: ListenerRow = { arn, loadBalancerArn, port, protocol: 'HTTP', defaultRuleArn: arns.rule(arn) };
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
        deleteListener(account, ports, row);
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
      if (input.Protocol !== undefined) requireHttp({ ...input, Protocol: input.Protocol });
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
      const changed = tables.listeners.put(row.arn, { ...row, port });
      if (port !== row.port) {
        ports.close(row);
        await ports.open(changed);
      }
      return { Listeners: [toListener(account, changed)] };
    },

    DeleteListener(input: DeleteListenerInput): DeleteListenerOutput {
      deleteListener(account, ports, rowOf(input.ListenerArn));
      return {};
    },
  };
}

/** Takes away a listener with all its rules. */
export function deleteListener(account: Account, ports: Ports, row: ListenerRow): void {
  for (const rule of account.rules.of(row.arn)) account.rules.delete(rule);
  account.tables.listeners.delete(row.arn);
  account.tables.tags.delete(row.arn);
  ports.close(row);
}

function toListener(account: Account, row: ListenerRow): Listener {
  return {
    ListenerArn: row.arn,
    LoadBalancerArn: row.loadBalancerArn,
    Port: row.port,
    Protocol: row.protocol,
    DefaultActions: [...(account.tables.rules.seen(row.defaultRuleArn)?.actions ?? [])],
  };
}

/** HTTPS would need certificates, and there are none here. */
function requireHttp(input: Pick<CreateListenerInput, 'Protocol' | 'Certificates'>): void {
  if (input.Protocol === 'HTTP') {
    if (input.Certificates?.length) throw invalid('Certificates cannot be specified for HTTP listeners');
    return;
  }
  if (input.Protocol !== 'HTTPS')
    throw invalid(`Listener protocol '${input.Protocol ?? ''}' must be one of 'HTTPS, HTTP'`);
  if (!input.Certificates?.length) throw invalid('A certificate must be specified for HTTPS listeners');
  throw new AwsError('CertificateNotFound', 'Certificates are not available here');
}

function missing(): never {
  throw notFound.listener();
}
