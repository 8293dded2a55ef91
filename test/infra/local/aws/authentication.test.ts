import { CognitoIdentityProviderClient, ForgotPasswordCommand } from '@aws-sdk/client-cognito-identity-provider';
import { ECSClient, ListClustersCommand } from '@aws-sdk/client-ecs';
import { EFSClient, ListTagsForResourceCommand } from '@aws-sdk/client-efs';
import { DescribeRulesCommand, ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAuthenticate, unsignedAllowed } from '../../../../infra/local/aws/authentication.ts';
import { Endpoint } from '../../../../infra/local/aws/endpoint.ts';
import { AwsError, type ServiceName, type WireRequest } from '../../../../infra/local/aws/protocol.ts';

const credentials = { accessKeyId: 'AKIAARMADATEST', secretAccessKey: 'the endpoint knows it too' };
const genuine = createAuthenticate(credentials);
const seen: { wire: WireRequest; service: ServiceName }[] = [];

const endpoint = new Endpoint({
  services: {
    ecs: { ListClusters: () => ({ clusterArns: ['reached'] }) },
    elasticloadbalancing: { DescribeRules: () => ({ Rules: [] }) },
    elasticfilesystem: { ListTagsForResource: () => ({ Tags: [] }) },
    'cognito-idp': { ForgotPassword: () => ({}) },
  },
  authenticate: (wire, service) => {
    seen.push({ wire, service });
    genuine(wire, service);
  },
});
let url = '';

beforeAll(async () => {
  url = await endpoint.listen(0);
});
afterAll(() => endpoint.close());
beforeEach(() => {
  seen.length = 0;
});

function settings(signedWith: object = credentials) {
  return { endpoint: url, region: 'us-east-1', credentials: { ...credentials, ...signedWith }, maxAttempts: 1 };
}

/** A request as a real client signed it, to be tampered with. */
async function signedRequest(): Promise<WireRequest> {
  await new ECSClient(settings()).send(new ListClustersCommand({ maxResults: 7 }));
  return seen[0]!.wire;
}

function refusal(wire: WireRequest, service: ServiceName = 'ecs', now = Date.now): string {
  try {
    createAuthenticate(credentials, now)(wire, service);
    return 'accepted';
  } catch (error) {
    if (error instanceof AwsError) return error.code;
    throw error;
  }
}

describe('a request signed with the credentials', () => {
  it('is let in from the clients of all services, whatever is in path, query and body', async () => {
    const ecs = await new ECSClient(settings()).send(new ListClustersCommand({}));
    expect(ecs.clusterArns).toEqual(['reached']);
    const rules = new DescribeRulesCommand({ RuleArns: ['a b', 'c&d=é/+%'] });
    await new ElasticLoadBalancingV2Client(settings()).send(rules);
    const tags = new ListTagsForResourceCommand({
      ResourceId: 'arn:aws:x:y/z é+',
      NextToken: 'a b&c=/+',
      MaxResults: 3,
    });
    await new EFSClient(settings()).send(tags);
    expect(seen.map(call => call.service)).toEqual(['ecs', 'elasticloadbalancing', 'elasticfilesystem']);
  });

  it('is refused once it is more than five minutes old, or ahead', async () => {
    const wire = await signedRequest();
    const minutes = (count: number) => () => Date.now() + count * 60_000;
    expect(refusal(wire, 'ecs', minutes(4))).toBe('accepted');
    expect(refusal(wire, 'ecs', minutes(-4))).toBe('accepted');
    expect(refusal(wire, 'ecs', minutes(6))).toBe('InvalidSignatureException');
    expect(refusal(wire, 'ecs', minutes(-6))).toBe('InvalidSignatureException');
  });

  it('does not open another service', async () => {
    expect(refusal(await signedRequest(), 'elasticfilesystem')).toBe('InvalidSignatureException');
  });
});

describe('a request changed after signing is refused', () => {
  const changes: Record<string, (wire: WireRequest) => Partial<WireRequest>> = {
    'in its body': () => ({ body: '{"maxResults":8}' }),
    'in its method': () => ({ method: 'PUT' }),
    'in its path': () => ({ path: '/elsewhere' }),
    'in its query': () => ({ query: new URLSearchParams('a=b') }),
    'in its host': wire => ({ headers: { ...wire.headers, host: 'elsewhere' } }),
    'in its operation': wire => ({
      headers: { ...wire.headers, 'x-amz-target': 'AmazonEC2ContainerServiceV20141113.X' },
    }),
    'in its date': wire => ({
      headers: { ...wire.headers, 'x-amz-date': String(wire.headers['x-amz-date']).replace(/..Z$/, '61Z') },
    }),
    'in a digit of the signature': wire => ({
      headers: {
        ...wire.headers,
        authorization: String(wire.headers['authorization']).replace(/.$/, digit => (digit === '0' ? '1' : '0')),
      },
    }),
  };
  it.each(Object.keys(changes))('%s', async name => {
    const wire = await signedRequest();
    expect(refusal(wire)).toBe('accepted');
    expect(refusal({ ...wire, ...changes[name]!(wire) })).toBe('InvalidSignatureException');
  });

  it('by an AWS header added without a signature', async () => {
    const wire = await signedRequest();
    const added = { ...wire, headers: { ...wire.headers, 'x-amz-added': 'x' } };
    expect(refusal(added)).toBe('IncompleteSignatureException');
  });

  it('by naming no header as signed', async () => {
    const wire = await signedRequest();
    const authorization = String(wire.headers['authorization']).replace(/SignedHeaders=[^,]+/, 'SignedHeaders=accept');
    const headers = { ...wire.headers, accept: 'x', authorization };
    expect(refusal({ ...wire, headers })).toBe('IncompleteSignatureException');
  });
});

describe('who does not know the credentials', () => {
  const unknown = { accessKeyId: 'AKIASOMEONEELSE' };
  const wrong = { secretAccessKey: 'a guess' };
  const ecs = (by: object) => new ECSClient(settings(by)).send(new ListClustersCommand({}));
  const elb = (by: object) => new ElasticLoadBalancingV2Client(settings(by)).send(new DescribeRulesCommand({}));
  const efs = (by: object) => new EFSClient(settings(by)).send(new ListTagsForResourceCommand({ ResourceId: 'fs-1' }));
  const cases = [
    ['ECS', 'an unknown key', () => ecs(unknown), 'UnrecognizedClientException', 400],
    ['ECS', 'a wrong secret', () => ecs(wrong), 'InvalidSignatureException', 400],
    ['ELB', 'an unknown key', () => elb(unknown), 'InvalidClientTokenId', 403],
    ['ELB', 'a wrong secret', () => elb(wrong), 'SignatureDoesNotMatch', 403],
    ['EFS', 'an unknown key', () => efs(unknown), 'UnrecognizedClientException', 403],
    ['EFS', 'a wrong secret', () => efs(wrong), 'InvalidSignatureException', 403],
  ] as const;
  it.each(cases)('is refused by %s with %s as AWS does', async (_service, _by, call, name, status) => {
    await expect(call()).rejects.toMatchObject({ name, $metadata: { httpStatusCode: status } });
  });

  it('is refused without any signature', async () => {
    const headers = { 'x-amz-target': 'AmazonEC2ContainerServiceV20141113.ListClusters' };
    const answer = await fetch(url, { method: 'POST', headers, body: '{}' });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ __type: 'MissingAuthenticationTokenException' });
    const query = new URLSearchParams({ Action: 'DescribeRules' });
    const balancer = await fetch(url, { method: 'POST', body: query });
    expect(balancer.status).toBe(403);
    expect(await balancer.text()).toContain('<Code>MissingAuthenticationToken</Code>');
  });

  it('is refused with a signature that cannot be read', async () => {
    const headers = { authorization: 'Bearer x', 'x-amz-target': 'AmazonEC2ContainerServiceV20141113.ListClusters' };
    const answer = await fetch(url, { method: 'POST', headers, body: '{}' });
    expect(await answer.json()).toMatchObject({ __type: 'IncompleteSignatureException' });
  });

  it('may forget a password, which AWS takes unsigned', async () => {
    const client = new CognitoIdentityProviderClient(settings(unknown));
    await client.send(new ForgotPasswordCommand({ ClientId: 'client', Username: 'somebody' }));
    expect(seen).toEqual([]);
  });
});

it('only what AWS takes unsigned is allowed unsigned', () => {
  for (const operation of ['ForgotPassword', 'ConfirmForgotPassword', 'InitiateAuth', 'RespondToAuthChallenge'])
    expect(unsignedAllowed('cognito-idp', operation)).toBe(true);
  for (const operation of ['AdminInitiateAuth', 'AdminGetUser', 'ListUsers', 'AdminSetUserPassword', 'toString'])
    expect(unsignedAllowed('cognito-idp', operation)).toBe(false);
  expect(unsignedAllowed('ecs', 'ForgotPassword')).toBe(false);
});
