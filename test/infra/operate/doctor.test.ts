import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import {
  AdminRemoveUserFromGroupCommand,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  ListUsersCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { ListServicesCommand, ListTaskDefinitionsCommand } from '@aws-sdk/client-ecs';
import { DescribeAccessPointsCommand } from '@aws-sdk/client-efs';
import {
  DescribeListenersCommand,
  DescribeRulesCommand,
  DescribeTargetGroupsCommand,
  ModifyListenerCommand,
  ModifyLoadBalancerAttributesCommand,
  RegisterTargetsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AwsError } from '../../../infra/local/aws/protocol.ts';
import type { Deployment } from '../../../infra/operate/deployment.ts';
import { doctor } from '../../../infra/operate/doctor.ts';
import { checkAddress } from '../../../infra/operate/doctor-address.ts';
import { type DoctorOptions, quota } from '../../../infra/operate/finding.ts';
import { type Clients, createClients } from '../../../reconcilers/aws/clients.ts';
import { eventually } from '../../support/eventually.ts';
import { startTestAws, type TestAws } from '../../support/local-aws.ts';
import { clientsOf, deploymentOf, quotasOf } from './operator.ts';

/** Certificates of localhost that last 100 and 5 days; undefined where openssl is missing. */
const certificates = (() => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'armada-doctor-'));
  const make = (days: number) => {
    const [key, cert] = [path.join(folder, 'key'), path.join(folder, 'cert')];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', String(days)];
    const subject = ['-subj', `/CN=localhost-${days}`, '-addext', 'subjectAltName=DNS:localhost'];
    execFileSync('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  };
  try {
    return { lasting: make(100), short: make(5) };
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
})();

let aws: TestAws;
let clients: Clients;
let quotas: ServiceQuotasClient;
let portal: http.Server;
let deployment: Deployment;
let status = 200;
const undo: (() => void)[] = [];

beforeAll(async () => {
  aws = await startTestAws({ lagMilliseconds: 0 });
  clients = clientsOf(aws);
  quotas = quotasOf(aws);
  portal = http.createServer((_, response) => response.writeHead(status).end()).listen(0, '127.0.0.1');
  await new Promise(resolve => portal.once('listening', resolve));
  deployment = { ...deploymentOf(aws), portalUrl: `http://127.0.0.1:${(portal.address() as AddressInfo).port}` };
  const Targets = [{ Id: '127.0.0.1', Port: 8080 }];
  await aws.clients.elb.send(new RegisterTargetsCommand({ TargetGroupArn: aws.ground.appTargetGroupArn, Targets }));
  await eventually(async () => expect((await examine()).wrong).toEqual([]));
});
afterEach(() => {
  for (const each of undo.splice(0)) each();
  status = 200;
});
afterAll(async () => {
  clients.destroy();
  quotas.destroy();
  portal.close();
  await aws.close();
});

async function examine(more: Partial<DoctorOptions> = {}) {
  const said: string[] = [];
  const healthy = await doctor({
    clients,
    quotas,
    deployment,
    students: 30,
    memory: 1024,
    local: true,
    report: line => said.push(line),
    signal: new AbortController().signal,
    ...more,
  });
  const wrong = said.filter(line => line.startsWith('WRONG'));
  expect(healthy).toBe(wrong.length === 0);
  return { said, wrong };
}

/** The one thing that is wrong. */
async function complaint(more: Partial<DoctorOptions> = {}): Promise<string> {
  const { wrong } = await examine(more);
  expect(wrong).toHaveLength(1);
  return wrong[0]!;
}

function refuse(broken: string, code: string) {
  const before = () => {
    throw new AwsError(code, 'for a test', 400);
  };
  undo.push(aws.aws.endpoint.faults.add((_, operation) => (operation === broken ? { before } : undefined)));
}

/** All that a write could have made, changed or taken away. */
async function everything() {
  const { cognito, ecs, efs, elb } = aws.clients;
  const { cluster, fileSystemId: FileSystemId, listenerArn: ListenerArn, userPoolId: UserPoolId } = aws.ground;
  const answers = [
    await ecs.send(new ListServicesCommand({ cluster })),
    await ecs.send(new ListTaskDefinitionsCommand({})),
    await elb.send(new DescribeRulesCommand({ ListenerArn })),
    await elb.send(new DescribeTargetGroupsCommand({})),
    await efs.send(new DescribeAccessPointsCommand({ FileSystemId })),
    await cognito.send(new ListUsersCommand({ UserPoolId })),
  ];
  return answers.map(({ $metadata: _, ...answered }) => answered);
}

/** Changes what AWS answers to one operation. */
function answer(operation: string, change: (output: never) => object) {
  const fault = { change: (output: object) => change(output as never) };
  undo.push(aws.aws.endpoint.faults.add((_, name) => (name === operation ? fault : undefined)));
}

describe('doctor', () => {
  it('finds a deployment in order and changes nothing in it', async () => {
    const before = await everything();
    aws.aws.endpoint.calls.reset();
    const { said, wrong } = await examine();
    expect(wrong).toEqual([]);
    expect(said.length).toBeGreaterThan(15);
    expect(said).toContain('ok     rights: all 14 writes that can be tried without effect are allowed');
    // Each write was refused, for what it was about is not there.
    const written = Object.keys(aws.aws.endpoint.calls.counts()).filter(name => !/^(Describe|List|Get)/.test(name));
    expect(written).toHaveLength(14);
    expect(await everything()).toEqual(before);
  });

  it.each([
    ['CreateService', 'AccessDeniedException'],
    ['UpdateService', 'AccessDeniedException'],
    ['CreateRule', 'AccessDenied'],
    ['TagResource', 'AccessDeniedException'],
    ['AdminCreateUser', 'AccessDeniedException'],
    ['AdminDeleteUser', 'AccessDeniedException'],
  ])('names the right to %s where it is missing', async (operation, code) => {
    refuse(operation, code);
    expect(await complaint()).toMatch(
      new RegExp(`rights: this identity may not [a-z-]+:${operation}\\. .*ControllerRole`),
    );
  });

  it('calls a right unknown, and nothing wrong, where AWS fails in another way', async () => {
    refuse('UpdateService', 'ServerException');
    const { said, wrong } = await examine();
    expect(wrong).toEqual([]);
    expect(said.join('\n')).toMatch(
      /note {3}rights: it can't be told whether .* ecs:UpdateService \(ServerException\)/,
    );
  });

  it.each([
    ['DescribeClusters', /cluster: not allowed/],
    ['ListTasks', /cluster: not allowed/],
    ['ListTaskDefinitions', /task definitions: not allowed/],
    ['DescribeListeners', /balancer of localhost: not allowed/],
    ['DescribeRules', /balancer of localhost: not allowed/],
    ['DescribeTargetHealth', /balancer of localhost: not allowed/],
    ['DescribeFileSystems', /file system: not allowed/],
    ['DescribeAccessPoints', /file system: not allowed/],
    ['DescribeUserPool', /user pool: not allowed/],
    ['DescribeUserPoolClient', /sign-in client: not allowed/],
    ['ListUsersInGroup', /groups: not allowed/],
  ])('names the part that %s was refused for, and goes on with the rest', async (operation, words) => {
    refuse(operation, 'AccessDeniedException');
    const { said, wrong } = await examine();
    expect(wrong).toHaveLength(1);
    expect(wrong[0]).toMatch(words);
    expect(said.some(line => line.startsWith('ok') && line.includes('portal'))).toBe(true);
  });

  it.each([
    [{ cluster: 'gone' }, /cluster: gone is not there/],
    [{ fileSystemId: 'fs-0123456789abcdef0' }, /file system: not there/],
    [{ userPoolClientId: 'nobody' }, /sign-in client: not there/],
    [{ userPoolClientId: '' }, /ARMADA_USER_POOL_CLIENT_ID/],
    [{ capacityProvider: 'hosts' }, /no capacity provider hosts/],
    [{ portalUrl: '' }, /ARMADA_PORTAL_URL/],
    [{ portalUrl: 'http://127.0.0.1:1' }, /can't be reached \(/],
  ])('says of settings %j what is not there', async (settings, words) => {
    expect(await complaint({ deployment: { ...deployment, ...settings } })).toMatch(words);
  });

  it('says that workspaces without a domain share one origin', async () => {
    const balancers = deployment.balancers.map(each => ({ ...each, path: true }));
    const { said, wrong } = await examine({ deployment: { ...deployment, balancers } });
    expect(wrong).toEqual([]);
    expect(said.join('\n')).toMatch(/note .*they share one origin/);
  });

  it('reads how many vCPUs the account may run, and says where to ask for more', async () => {
    const hosts = async (students: number) => {
      const { said } = await examine({ local: false, students });
      return said.find(line => line.includes('vCPUs'));
    };
    expect(await hosts(14)).toMatch(/^ok {5}hosts: .* need 2 m7i-flex\.large, 4 vCPUs of the account's 5$/);
    expect(await hosts(30)).toMatch(
      /^WRONG {2}hosts: .* need 5 m7i-flex\.large, 10 vCPUs; the account may have 5\. .*\/services\/ec2\/quotas\/L-1216C47A$/,
    );
    answer('GetServiceQuota', () => ({ Quota: { Value: 64 } }));
    expect(await hosts(30)).toMatch(/^ok .* 10 vCPUs of the account's 64$/);
    refuse('GetServiceQuota', 'AccessDeniedException');
    undo.shift()?.();
    expect(await hosts(30)).toMatch(/^note .*can't be asked \(AccessDeniedException\): see https:\S+L-1216C47A$/);
  });

  it('goes by the account’s own quotas of rules and target groups', async () => {
    answer('DescribeAccountLimits', () => ({
      Limits: [
        { Name: 'rules-per-application-load-balancer', Max: '200' },
        { Name: 'target-groups', Max: '1' },
      ],
    }));
    const { said, wrong } = await examine();
    expect(said.join('\n')).toMatch(/balancer of localhost: rules: \d+ of 200/);
    expect(wrong).toEqual([expect.stringMatching(/region: target groups: 1 of 1, nothing left/)]);
  });

  it('knows what SES may mail a day, where the pool mails through it', async () => {
    answer('DescribeUserPool', ({ UserPool, ...rest }: { UserPool: object }) => ({
      ...rest,
      UserPool: { ...UserPool, EmailConfiguration: { EmailSendingAccount: 'DEVELOPER' } },
    }));
    const mails = async (students: number) => {
      const { said } = await examine({ local: false, students });
      return said.find(line => line.includes('SES'));
    };
    expect(await mails(14)).toMatch(/^WRONG .*in its sandbox/);
    answer('GetServiceQuota', () => ({ Quota: { Value: 500 } }));
    expect(await mails(400)).toMatch(/^ok .*through SES, 500 a day/);
    expect(await mails(1200)).toMatch(/^note .*1200 invitations take 3 days/);
  });

  it.skipIf(!certificates)('judges the certificate of workspaces’ names as a browser does', async () => {
    const trusted = tls.getCACertificates('default');
    const [lasting, short] = [certificates!.lasting, certificates!.short];
    const server = https.createServer(lasting).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const signal = new AbortController().signal;
    const look = async () => {
      const given = { deployment: { ...deployment, portalUrl: `https://localhost:${port}` }, local: false, signal };
      const [finding] = await checkAddress(given, { listenerArn: 'x', domain: 'localhost', path: true }).then(all =>
        all.filter(({ text }) => !text.includes('share one origin')),
      );
      return finding;
    };
    try {
      expect(await look()).toMatchObject({ tone: 'wrong', text: expect.stringMatching(/DEPTH_ZERO_SELF_SIGNED_CERT/) });
      tls.setDefaultCACertificates([...trusted, lasting.cert, short.cert]);
      expect(await look()).toMatchObject({ tone: 'ok', text: expect.stringMatching(/lasts 9\d days/) });
      server.setSecureContext(short);
      expect(await look()).toMatchObject({ tone: 'wrong', text: expect.stringMatching(/ends in \d days/) });
      server.close();
      server.closeAllConnections();
      expect(await look()).toMatchObject({ tone: 'wrong', text: expect.stringMatching(/ECONNREFUSED/) });
    } finally {
      tls.setDefaultCACertificates(trusted);
      server.close();
    }
  });

  it('says when a listener is gone', async () => {
    const listenerArn = `${aws.ground.listenerArn.slice(0, -16)}0123456789abcdef`;
    expect(await complaint({ deployment: { ...deployment, balancers: [{ listenerArn, domain: 'b' }] } })).toMatch(
      /balancer of b: not there/,
    );
  });

  it('wants an idle timeout that quiet editors survive', async () => {
    const { elb } = aws.clients;
    const { Listeners } = await elb.send(new DescribeListenersCommand({ ListenerArns: [aws.ground.listenerArn] }));
    const set = (Value: string) =>
      elb.send(
        new ModifyLoadBalancerAttributesCommand({
          LoadBalancerArn: Listeners![0]!.LoadBalancerArn,
          Attributes: [{ Key: 'idle_timeout.timeout_seconds', Value }],
        }),
      );
    await set('60');
    expect(await complaint()).toMatch(/idle timeout 60 s.*Set idle_timeout.timeout_seconds to 4000/);
    await set('4000');
  });

  it('wants the listener to forward to the app, and the app healthy', async () => {
    const { elb } = aws.clients;
    const ListenerArn = aws.ground.listenerArn;
    const act = (...DefaultActions: NonNullable<ModifyListenerCommand['input']['DefaultActions']>) =>
      elb.send(new ModifyListenerCommand({ ListenerArn, DefaultActions }));
    await act({ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '404' } });
    expect(await complaint()).toMatch(/default action is fixed-response/);
    await act({ Type: 'forward', TargetGroupArn: aws.ground.appTargetGroupArn });
    answer('DescribeTargetHealth', () => ({ TargetHealthDescriptions: [] }));
    expect(await complaint()).toMatch(/no healthy app/);
  });

  it('wants a client that the API can sign people in with, and that keeps accounts secret', async () => {
    const { cognito } = aws.clients;
    const { UserPoolClient } = await cognito.send(
      new CreateUserPoolClientCommand({
        UserPoolId: aws.ground.userPoolId,
        ClientName: 'wrong',
        GenerateSecret: true,
        PreventUserExistenceErrors: 'LEGACY',
        ExplicitAuthFlows: ['ALLOW_USER_SRP_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
      }),
    );
    const { wrong } = await examine({ deployment: { ...deployment, userPoolClientId: UserPoolClient!.ClientId! } });
    expect(wrong.join()).toMatch(/ALLOW_ADMIN_USER_PASSWORD_AUTH.*PreventUserExistenceErrors.*has a secret/);
  });

  it('wants a pool without self-registration, with long enough passwords and an instructor', async () => {
    const { cognito } = aws.clients;
    const { UserPool } = await cognito.send(
      new CreateUserPoolCommand({
        PoolName: 'weak',
        Policies: { PasswordPolicy: { MinimumLength: 6, TemporaryPasswordValidityDays: 1 } },
      }),
    );
    const { wrong } = await examine({ deployment: { ...deployment, userPoolId: UserPool!.Id! } });
    const said = wrong.join('\n');
    expect(said).toMatch(/anybody can sign up/);
    expect(said).toMatch(/passwords of 6/);
    expect(said).toMatch(/work 1 days/);
    expect(said).toMatch(/groups: not there/);
    const gone = { UserPoolId: aws.ground.userPoolId, Username: 'grace@school.example', GroupName: 'instructor' };
    await cognito.send(new AdminRemoveUserFromGroupCommand(gone));
    expect(await complaint()).toMatch(/nobody is in the group instructor/);
    answer('ListUsersInGroup', () => ({ Users: [{ Username: 'grace' }] }));
    expect((await examine()).wrong).toEqual([]);
  });

  it('says what AWS alone has: mails a day, vCPUs, mount targets', async () => {
    answer('ListUsersInGroup', () => ({ Users: [{ Username: 'grace' }] }));
    const { said, wrong } = await examine({ local: false, students: 120 });
    expect(wrong).toEqual([expect.stringMatching(/no mount targets/), expect.stringMatching(/36 vCPUs; .* have 5/)]);
    expect(said.join('\n')).toMatch(/mails 50 a day; 120 invitations take 3 day/);
  });

  it('says when the portal fails, and when it is not HTTPS', async () => {
    answer('ListUsersInGroup', () => ({ Users: [{ Username: 'grace' }] }));
    status = 503;
    expect(await complaint()).toMatch(/answers 503/);
    const { wrong } = await examine({ deployment: { ...deployment, portalUrl: 'http://portal.invalid' } });
    expect(wrong.join()).toMatch(/not HTTPS.*can't be reached/);
  });

  it('warns of a quota from nine tenths on', () => {
    expect(quota('x', 89, 100, 'Do.').tone).toBe('ok');
    expect(quota('x', 90, 100, 'Do.')).toEqual({ tone: 'note', text: 'x: 90 of 100. Do.' });
    expect(quota('x', 100, 100, 'Do.').tone).toBe('wrong');
  });

  it('says when AWS refuses the credentials', async () => {
    const strangers = createClients({
      endpoint: aws.aws.url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'AKIASTRANGER', secretAccessKey: 'nothing' },
    });
    const { wrong } = await examine({ clients: strangers });
    strangers.destroy();
    expect(wrong.length).toBeGreaterThan(6);
    expect(wrong.join('\n')).toMatch(/refuses these credentials/);
  });
});
