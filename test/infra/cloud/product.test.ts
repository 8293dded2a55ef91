import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { DescribeServicesCommand, ListServicesCommand } from '@aws-sdk/client-ecs';
import { RegisterTargetsCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSettings as readApiSettings } from '../../../api/http/settings.ts';
import { sizes } from '../../../api/resources/sizes.ts';
import { readSettings as readControllerSettings } from '../../../controller/settings.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { anyPort } from '../../support/product.ts';
import { type Stand, standUp, templateOf } from './stand.ts';

const instructor = 'grace@school.example';
const domain = 'class.school.example';
const secrets = { ARMADA_SECRET: 'a secret of more than thirty-two characters', PGPASSWORD: 'password' };

describe.each([
  ['without a domain', sizes.small, {}],
  ['with a domain', sizes.small, { DomainName: domain, HostedZoneId: 'Z123' }],
  ['with a domain, for a large class', sizes.large, { DomainName: domain, CertificateArn: 'arn:aws:acm:x:y:z' }],
] as const)('the template %s', (_name, size, parameters) => {
  it('tells API and controller all that they ask for, and they take it', async () => {
    const stand = await standUp(templateOf(size), { InstructorEmail: instructor, ...parameters });
    try {
      const api = await stand.container('Api');
      const controller = await stand.container('Controller');
      for (const { secrets: names } of [api, controller]) expect(names.toSorted()).toEqual(Object.keys(secrets));
      const settings = readApiSettings({ ...api.environment, ...secrets });
      expect(settings.host).toBe('0.0.0.0');
      expect(settings.balancers).toHaveLength(size.balancers === 1 || !('DomainName' in parameters) ? 1 : 4);
      expect(settings.balancers.every(({ path }) => path === ('DomainName' in parameters ? undefined : true))).toBe(
        true,
      );
      expect(settings.proxies).toBe('DomainName' in parameters ? 1 : 2);
      const own = readControllerSettings({ ...controller.environment, ...secrets });
      expect(own.balancers).toEqual(settings.balancers);
      expect(own.ARMADA_CAPACITY_PROVIDER).toBeDefined();
    } finally {
      await stand.close();
    }
  });
});

describe.each([
  [
    'with a domain',
    { DomainName: domain, HostedZoneId: 'Z123' },
    domain,
    /^https:\/\/[a-z0-9-]+\.s1\.class\.school\.example$/,
  ],
  ['without one', {}, 'portalcdn.cloudfront.net', /^https:\/\/workspacescdn\.cloudfront\.net\/w\/[a-z0-9-]+$/],
] as const)('the product on what the template declares %s', (_name, parameters, portal, address) => {
  let stand: Stand;
  let database: TestDatabase;
  const running: { end(): Promise<void> }[] = [];
  beforeAll(async () => {
    database = await createDatabase();
    stand = await standUp(templateOf(sizes.small), { InstructorEmail: instructor, ...parameters });
    const port = await anyPort();
    for (const service of ['Api', 'Controller'] as const) {
      const { command, environment } = await stand.container(service);
      running.push(start(command, environment, port));
    }
    const appTargets = (await stand.intrinsics.resolve({ Ref: 'AppTargets1' })) as string;
    const Targets = [{ Id: '127.0.0.1', Port: port }];
    await stand.clients.elb.send(new RegisterTargetsCommand({ TargetGroupArn: appTargets, Targets }));
    await eventually(async () => (await send('GET', '/healthz')).status === 200);
  });
  afterAll(async () => {
    for (const each of running) await each.end();
    await stand?.close();
    await database.close();
  });

  /** A service's container as a process: its command and environment, and what differs on one machine. */
  function start(command: readonly string[], environment: Record<string, string>, port: number) {
    const child = spawn(process.execPath, command.slice(1), {
      env: {
        ...environment,
        ...secrets,
        DATABASE_URL: database.url,
        NODE_EXTRA_CA_CERTS: '',
        AWS_ENDPOINT_URL: stand.aws.url,
        AWS_ACCESS_KEY_ID: stand.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: stand.credentials.secretAccessKey,
        HOST: '127.0.0.1',
        PORT: String(port),
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const exit = once(child, 'exit');
    return {
      async end() {
        child.kill('SIGTERM');
        await exit;
      },
    };
  }

  let cookies: Record<string, string> = {};
  /** A request of the instructor's browser, through the template's balancer: its HTTPS listener, or what the CDN asks. */
  async function send(method: string, path: string, body?: object, form = false) {
    const payload =
      body && (form ? new URLSearchParams(body as Record<string, string>).toString() : JSON.stringify(body));
    const request = http.request({
      host: '127.0.0.1',
      port: portal === domain ? stand.securePort : stand.plainPort,
      method,
      path,
      headers: {
        host: portal,
        origin: `https://${portal}`,
        'sec-fetch-site': 'same-origin',
        cookie: Object.entries(cookies)
          .map(pair => pair.join('='))
          .join('; '),
        ...(payload ? { 'content-type': form ? 'application/x-www-form-urlencoded' : 'application/json' } : {}),
      },
    });
    request.end(payload);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    for (const set of response.headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      cookies = { ...cookies, [name]: value };
    }
    return { status: response.statusCode ?? 0, headers: response.headers, text };
  }

  it('takes a student from the roster to a workspace that is ready', async () => {
    const mail = stand.aws.cognito.outbox.list().find(({ to }) => to === instructor);
    expect(mail?.text).toContain(`https://${portal}`);
    const password = /Password: ([^<\s]+)/.exec(mail?.text ?? '')?.[1] ?? '';
    const first = await send('POST', '/sign-in', { email: instructor, password }, true);
    expect(first.headers.location).toBe('/sign-in/new-password');
    const second = await send('POST', '/sign-in/new-password', { password: 'Correct-horse-7' }, true);
    expect(second.headers.location).toBe('/');

    await send('PUT', '/v1/courses/intro', { name: 'Introduction' });
    await send('PUT', '/v1/cohorts/fall', { name: 'Fall' });
    await send('PUT', '/v1/courses/intro/cohorts/fall', {});
    const roster = await send('POST', '/v1/cohorts/fall/roster', { text: 'Ada Lovelace <ada@school.example>' });
    expect(roster.status, roster.text).toBeLessThan(300);
    const list = async () => JSON.parse((await send('GET', '/v1/workspaces')).text).items;
    const [{ id }] = await eventually(async () => {
      const items = await list();
      expect(items).toHaveLength(1);
      return items;
    });
    const started = await send('POST', '/v1/workspaces:start', { ids: [id] });
    expect(started.status, started.text).toBeLessThan(300);
    const ready = await eventually(async () => {
      const [workspace] = await list();
      expect(workspace.status.step).toBe('ready');
      return workspace;
    });
    expect(ready.url).toMatch(address);
    // Packed by memory on the hosts that the template's capacity provider brings, or no host would ever empty.
    const { ARMADA_CAPACITY_PROVIDER: capacityProvider, ARMADA_CLUSTER: cluster } = (
      await stand.container('Controller')
    ).environment;
    const { serviceArns = [] } = await stand.clients.ecs.send(new ListServicesCommand({ cluster }));
    const { services } = await stand.clients.ecs.send(new DescribeServicesCommand({ cluster, services: serviceArns }));
    expect(capacityProvider).toBeTruthy();
    expect(services?.filter(({ serviceName }) => serviceName?.startsWith('ws-'))).toEqual([
      expect.objectContaining({
        capacityProviderStrategy: [expect.objectContaining({ capacityProvider, weight: 1 })],
        placementStrategy: [{ type: 'binpack', field: 'memory' }],
      }),
    ]);
    await eventually(() => stand.aws.cognito.outbox.list().some(({ to }) => to === 'ada@school.example'));
  });
});
