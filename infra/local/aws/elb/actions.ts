import type { Action, TargetGroupTuple } from '@aws-sdk/client-elastic-load-balancing-v2';
import { AwsError } from '../protocol.ts';
import type { Account } from './account.ts';
import { requireArn } from './arns.ts';
import { invalid, notFound } from './refusals.ts';
import { groupsOf } from './rule-index.ts';

/** AWS's limit on the text of a fixed response. */
const longestBody = 1_024;
const largestWeight = 999;
const contentTypes: readonly string[] = [
  'text/plain',
  'text/css',
  'text/html',
  'application/javascript',
  'application/json',
];

/** Checks a rule's actions and spells them out as AWS's reads give them. The groups named must be there. */
export function readActions(account: Account, actions: readonly Action[] | undefined): readonly Action[] {
  const [action, ...more] = actions ?? [];
  if (!action) throw invalid('At least one action must be specified');
  // The kinds that may stand before the last one ask for HTTPS, which is not spoken here.
  if (more.length) throw new AwsError('TooManyActions', 'A rule can only have one action without authentication');
  const order = action.Order === undefined ? {} : { Order: action.Order };
  switch (action.Type) {
    case 'forward':
      return [{ ...order, ...readForward(account, action) }];
    case 'fixed-response':
      return [{ ...order, ...readFixedResponse(action) }];
    case 'redirect':
      return [{ ...order, ...readRedirect(action) }];
    default:
      throw new AwsError('InvalidLoadBalancerAction', `The action type '${action.Type ?? ''}' is not valid here`);
  }
}

/** Refuses actions whose groups exceed the load balancer's quota or are another load balancer's. `others`: its rules apart from the one being changed. */
export function requireRoomForGroups(
  account: Account,
  loadBalancerArn: string,
  others: Iterable<readonly Action[]>,
  actions: readonly Action[],
): void {
  const groups = groupsOf(actions);
  for (const arn of groups)
    if (account.rules.loadBalancersOf(arn).some(user => user !== loadBalancerArn))
      throw new AwsError(
        'TargetGroupAssociationLimit',
        `The target group '${arn}' is associated with another load balancer`,
      );
  const used = new Set([...others].flatMap(groupsOf));
  const limit = account.quotas.targetGroupsPerLoadBalancer;
  if (groups.some(arn => !used.has(arn)) && new Set([...used, ...groups]).size > limit)
    throw new AwsError(
      'TooManyUniqueTargetGroupsPerLoadBalancer',
      `The load balancer has reached its limit of ${limit} unique target groups`,
    );
}

function readForward(account: Account, action: Action): Action {
  const groups = readGroups(action);
  if (!groups.length) throw invalid('A target group must be specified for a forward action');
  const limit = account.quotas.targetGroupsPerAction;
  if (groups.length > limit) throw invalid(`A forward action can only have '${limit}' target groups`);
  for (const { TargetGroupArn, Weight = 1 } of groups) {
    const arn = requireArn(TargetGroupArn, 'target-group');
    if (!account.tables.targetGroups.get(arn)) throw notFound['target-group']();
    if (!Number.isInteger(Weight) || Weight < 0 || Weight > largestWeight)
      throw invalid(`The weight '${Weight}' must be in the range of 0-${largestWeight}`);
  }
  const [only] = groups.length === 1 ? groups : [];
  return {
    Type: 'forward',
    ...(only ? { TargetGroupArn: only.TargetGroupArn } : {}),
    ForwardConfig: {
      TargetGroups: groups.map(({ TargetGroupArn, Weight = 1 }) => ({ TargetGroupArn, Weight })),
      TargetGroupStickinessConfig: action.ForwardConfig?.TargetGroupStickinessConfig ?? { Enabled: false },
    },
  };
}

function readGroups(action: Action): readonly TargetGroupTuple[] {
  const groups = action.ForwardConfig?.TargetGroups ?? [];
  const arn = action.TargetGroupArn;
  if (arn === undefined) return groups;
  if (groups.length > 1 || (groups[0] && groups[0].TargetGroupArn !== arn))
    throw invalid('The target group must be the same in TargetGroupArn and ForwardConfig');
  return groups.length ? groups : [{ TargetGroupArn: arn }];
}

function readFixedResponse(action: Action): Action {
  const { StatusCode, MessageBody, ContentType } = action.FixedResponseConfig ?? {};
  if (!StatusCode || !/^[245]\d\d$/.test(StatusCode))
    throw invalid(`The status code '${StatusCode ?? ''}' is not valid`);
  if (MessageBody !== undefined && MessageBody.length > longestBody)
    throw invalid(`The message body cannot be longer than '${longestBody}' characters`);
  if (ContentType !== undefined && !contentTypes.includes(ContentType))
    throw invalid(`The content type '${ContentType}' is not valid`);
  return {
    Type: 'fixed-response',
    FixedResponseConfig: {
      StatusCode,
      ...(MessageBody === undefined ? {} : { MessageBody }),
      ContentType: ContentType ?? 'text/plain',
    },
  };
}

function readRedirect(action: Action): Action {
  const given = action.RedirectConfig;
  const code = given?.StatusCode;
  if (code !== 'HTTP_301' && code !== 'HTTP_302') throw invalid(`The status code '${String(code)}' is not valid`);
  const redirect = {
    Protocol: given?.Protocol ?? '#{protocol}',
    Port: given?.Port ?? '#{port}',
    Host: given?.Host ?? '#{host}',
    Path: given?.Path ?? '/#{path}',
    Query: given?.Query ?? '#{query}',
  };
  if (!/^(HTTPS?|#\{protocol\})$/.test(redirect.Protocol))
    throw invalid(`The protocol '${redirect.Protocol}' is not valid`);
  if (!/^(#\{port\}|[1-9]\d{0,4})$/.test(redirect.Port)) throw invalid(`The port '${redirect.Port}' is not valid`);
  if (!redirect.Path.startsWith('/')) throw invalid(`The path '${redirect.Path}' must start with '/'`);
  if (
    Object.entries(redirect).every(
      ([key, value]) => value === (key === 'Path' ? '/#{path}' : `#{${key.toLowerCase()}}`),
    )
  )
    throw invalid('A redirect must change protocol, port, host or path, or it would never end');
  return { Type: 'redirect', RedirectConfig: { ...redirect, StatusCode: code } };
}
