import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { CreateServiceCommand, RegisterTaskDefinitionCommand } from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { startTestAws, type TestAws } from '../../support/local-aws.ts';

describe('the command', () => {
  let aws: TestAws;
  let portal: http.Server;
  let portalUrl: string;

  beforeAll(async () => {
    aws = await startTestAws();
    portal = http.createServer((_, response) => response.end()).listen(0, '127.0.0.1');
    await new Promise(resolve => portal.once('listening', resolve));
    portalUrl = `http://127.0.0.1:${(portal.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    portal.close();
    await aws.close();
  });

  const run = (args: readonly string[], environment: Record<string, string> = {}) =>
    new Promise<{ code: number; output: string }>(resolve => {
      const env = { PATH: process.env['PATH'], HOME: '/nowhere', AWS_EC2_METADATA_DISABLED: 'true', ...environment };
      execFile(process.execPath, ['infra/operate/main.ts', ...args], { env }, (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr }),
      );
    });

  it.each(['README.md', 'infra/README.md', 'ARCHITECTURE.md'])('is there as %s tells it', file => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'));
    const told = [...readFileSync(file, 'utf8').matchAll(/npm run ([a-z]+)/g)].map(([, name]) => name);
    expect(told).not.toEqual([]);
    for (const name of told) expect(scripts, name).toHaveProperty(name!);
  });

  it('says so without credentials, and fails', async () => {
    const { code, output } = await run(['doctor']);
    expect(code).toBe(1);
    expect(output).toMatch(/no AWS credentials.*aws sso login/);
  });

  const account = ({ ground } = aws): Record<string, string> => ({
    AWS_ENDPOINT_URL: aws.aws.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: aws.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: aws.credentials.secretAccessKey,
    ARMADA_CLUSTER: ground.cluster,
    ARMADA_BALANCERS: JSON.stringify([{ listenerArn: ground.listenerArn, domain: 'localhost' }]),
    ARMADA_FILE_SYSTEM_ID: ground.fileSystemId,
    ARMADA_USER_POOL_ID: ground.userPoolId,
    ARMADA_USER_POOL_CLIENT_ID: ground.userPoolClientId,
    ARMADA_PORTAL_URL: portalUrl,
  });

  it('examines the deployment that the settings name', async () => {
    const { code, output } = await run(['doctor'], account());
    // There is no app behind the balancer yet; all else is in order.
    expect(output).toMatch(/ok {5}cluster: armada/);
    expect(output).toMatch(/WRONG {2}balancer of localhost: no healthy app/);
    expect(code).toBe(1);
  });

  it('finds the deployment by its controller’s service where the environment does not name it', async () => {
    const { ARMADA_CLUSTER = '', ARMADA_PORTAL_URL, ...rest } = account();
    const settings = Object.entries(rest).filter(([name]) => name.startsWith('ARMADA_'));
    const environment = [['ARMADA_CLUSTER', ARMADA_CLUSTER], ['ARMADA_PORTAL_URL', 'http://127.0.0.1:1'], ...settings];
    const command = ['node', 'controller/main.ts'];
    await aws.clients.ecs.send(
      new RegisterTaskDefinitionCommand({
        family: 'Controller',
        containerDefinitions: [
          {
            ...{ name: 'app', image: 'app', memory: 128, command },
            environment: environment.map(([name = '', value = '']) => ({ name, value })),
          },
        ],
      }),
    );
    const service = {
      cluster: ARMADA_CLUSTER,
      serviceName: 'Controller',
      taskDefinition: 'Controller',
      desiredCount: 0,
    };
    await aws.clients.ecs.send(new CreateServiceCommand(service));
    const who = Object.fromEntries(Object.entries(rest).filter(([name]) => name.startsWith('AWS_')));
    await eventually(async () => {
      const { output } = await run(['doctor', '--cluster', ARMADA_CLUSTER], who);
      expect(output).toMatch(/WRONG {2}portal: http:\/\/127\.0\.0\.1:1 can't be reached/);
      expect(output).toMatch(/ok {5}file system: fs-/);
    });
    const { code, output } = await run(['doctor', '--cluster', 'nobody'], who);
    expect([code, output]).toEqual([
      1,
      expect.stringMatching(/could not be looked up|No service in the cluster nobody/),
    ]);
  });

  it('leaves nothing changed without --yes, and says that', async () => {
    const { code, output } = await run(['leave'], account());
    expect(output).toMatch(/services: 0 to go[\s\S]*kept, with every file on it[\s\S]*Nothing was changed\. Add --yes/);
    expect(code).toBe(0);
  });

  it('says what to do where there is nothing to save, and nothing to restore from', async () => {
    const backup = await run(['backup', '--to', '/nowhere/x.tar.gz', '--data', '/nowhere/data']);
    expect([backup.code, backup.output]).toEqual([1, expect.stringMatching(/Make it, or choose another with --to/)]);
    const data = path.join(os.tmpdir(), `armada-restore-${process.pid}`);
    const restore = await run(['restore', '--from', '/nowhere/x.tar.gz', '--data', data]);
    expect([restore.code, restore.output]).toEqual([1, expect.stringMatching(/not a backup of Armada, or not whole/)]);
    expect(existsSync(data)).toBe(false);
    const taken = await run(['restore', '--from', 'x', '--data', data], { DATABASE_URL: 'postgres://127.0.0.1/x' });
    expect(taken.output).toMatch(/Unset DATABASE_URL/);
  });

  it('estimates for the default class and another', async () => {
    const { code, output } = await run(['cost', '--students', '12', '--no-domain']);
    expect(code).toBe(0);
    expect(output).toMatch(/^12 students, 10 h a week, 1024 MiB each, on m7i-flex\.large; laid out small/);
  });

  it('answers with 2 to what it does not know, and 0 to --help', async () => {
    expect((await run(['heal'])).code).toBe(2);
    expect((await run(['cost', '--students', 'many'])).code).toBe(2);
    const help = await run(['--help']);
    expect(help.code).toBe(0);
    for (const verb of ['doctor', 'cost', 'backup', 'restore', 'leave']) expect(help.output).toContain(verb);
  });
});
