import { execFile } from 'node:child_process';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

  it('says so without credentials, and fails', async () => {
    const { code, output } = await run(['doctor']);
    expect(code).toBe(1);
    expect(output).toMatch(/no AWS credentials.*aws sso login/);
  });

  it('examines the deployment that the settings name', async () => {
    const { ground } = aws;
    const { code, output } = await run(['doctor'], {
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
    // There is no app behind the balancer yet; all else is in order.
    expect(output).toMatch(/ok {5}cluster: armada/);
    expect(output).toMatch(/WRONG {2}balancer of localhost: no healthy app/);
    expect(code).toBe(1);
  });

  it('answers with 2 to what it does not know, and 0 to --help', async () => {
    expect((await run(['heal'])).code).toBe(2);
    expect((await run(['cost', '--students', 'many'])).code).toBe(2);
    const help = await run(['--help']);
    expect(help.code).toBe(0);
    for (const verb of ['doctor', 'cost', 'backup', 'restore', 'leave']) expect(help.output).toContain(verb);
  });
});
