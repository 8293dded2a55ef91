import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import {
  CreateRuleCommand,
  DescribeListenersCommand,
  DescribeRulesCommand,
  ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNoneDriver } from '../../../infra/local/aws/ecs/drivers/none.ts';
import { type LocalAws, region, startLocalAws } from '../../../infra/local/aws/local-aws.ts';
import { type Ground, type GroundOptions, layGround } from '../../../infra/local/ground.ts';
import { certificateArn, layListeners, redirectListenerPort } from '../../../infra/local/listeners.ts';
import { makeAuthority } from '../../support/certificate.ts';
import { anyPort } from '../../support/product.ts';

const authority = makeAuthority();
if (!authority) console.log('no openssl found: the test of the ground’s listeners is skipped');

/** The ground of an installation that gets a domain after its first start, and loses it again. */
describe.skipIf(!authority)('the ground’s listeners', () => {
  let aws: LocalAws;
  let options: GroundOptions;
  let ground: Ground;
  let ports: Readonly<Record<number, number>>;
  let rule: string;
  let elb: ElasticLoadBalancingV2Client;

  beforeAll(async () => {
    ports = { 80: await anyPort(), 443: await anyPort(), [redirectListenerPort]: await anyPort() };
    const pair = authority!.issue(['class.example.edu', '*.s1.class.example.edu']);
    const certificate = { current: () => pair, onRenewal: () => () => {} };
    const credentials = { accessKeyId: 'AKIATEST', secretAccessKey: 'secret-of-the-test' };
    aws = await startLocalAws({
      stateFile: ':memory:',
      homes: undefined,
      credentials,
      driver: () => createNoneDriver({}),
      instances: { memory: 1024, cpu: 1024, min: 1, max: 1 },
      port: 0,
      listenerPort: port => ports[port],
      certificate: arn => (arn === certificateArn ? certificate : undefined),
    });
    const folder = await mkdtemp(path.join(os.tmpdir(), 'armada-ground-'));
    options = {
      endpoint: aws.url,
      region,
      credentials,
      file: path.join(folder, 'ground.json'),
      portalUrl: 'http://localhost:8080',
      instructor: { email: 'grace@school.example', password: 'one-time-password' },
    };
    ground = await layGround(options);
    await rm(folder, { recursive: true });
    elb = new ElasticLoadBalancingV2Client({ ...options, maxAttempts: 1 });
    const made = await elb.send(
      new CreateRuleCommand({
        ListenerArn: ground.listenerArn,
        Priority: 1,
        Conditions: [{ Field: 'host-header', Values: ['ada.s1.class.example.edu'] }],
        Actions: [{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '200', MessageBody: 'of ada' } }],
      }),
    );
    rule = made.Rules?.[0]?.RuleArn ?? '';
  });
  afterAll(async () => {
    elb?.destroy();
    await aws?.close();
    authority?.remove();
  });

  const host = 'ada.s1.class.example.edu';
  const answerOf = (request: http.ClientRequest) =>
    new Promise<{ status?: number; location?: string }>((resolve, reject) => {
      request.on('error', reject).on('response', answer => {
        answer.resume();
        resolve({ status: answer.statusCode, location: answer.headers.location });
      });
    });
  const plain = (port: number) =>
    answerOf(http.get({ host: '127.0.0.1', port: ports[port], path: '/a?b', headers: { host }, agent: false }));
  const secure = () => {
    const tls = { servername: host, ca: authority!.cert };
    return answerOf(https.get({ host: '127.0.0.1', port: ports[443], headers: { host }, agent: false, ...tls }));
  };

  it.each([1, 2])('speak TLS with a domain, http being sent on; the ARN and its rules stay (start %i)', async () => {
    await layListeners(options, ground, { port: 8443 });
    expect(await secure()).toMatchObject({ status: 200 });
    expect(await plain(redirectListenerPort)).toEqual({ status: 301, location: `https://${host}:8443/a?b` });
    await expect(plain(80)).rejects.toThrow('ECONNREFUSED');
    const { Listeners } = await elb.send(new DescribeListenersCommand({ ListenerArns: [ground.listenerArn] }));
    expect(Listeners?.[0]).toMatchObject({ Protocol: 'HTTPS', Port: 443 });
    const { Rules } = await elb.send(new DescribeRulesCommand({ ListenerArn: ground.listenerArn }));
    expect(Rules?.map(({ RuleArn }) => RuleArn)).toContain(rule);
  });

  it.each([1, 2])('speak http alone without one (start %i)', async () => {
    await layListeners(options, ground, undefined);
    expect(await plain(80)).toEqual({ status: 200, location: undefined });
    await expect(plain(redirectListenerPort)).rejects.toThrow('ECONNREFUSED');
    await expect(secure()).rejects.toThrow('ECONNREFUSED');
  });
});
