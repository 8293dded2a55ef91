import { spawn } from 'node:child_process';
import http from 'node:http';
import { expect, test } from 'vitest';
import { createDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { anyPort } from '../../support/product.ts';
import { environment } from './harness.ts';

function run(env: Record<string, string>) {
  const child = spawn(process.execPath, ['api/http/server.ts'], {
    env: { PATH: process.env['PATH'], ...env } as NodeJS.ProcessEnv,
  });
  let output = '';
  child.stdout.on('data', chunk => {
    output += chunk;
  });
  child.stderr.on('data', chunk => {
    output += chunk;
  });
  const ended = new Promise<number | null>(resolve => child.once('close', resolve));
  return { child, ended, output: () => output };
}

function get(
  port: number,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string; type: string }> {
  return new Promise((resolve, reject) => {
    const request = http.get(
      { host: '127.0.0.1', port, path, headers: { host: 'localhost:8080', ...headers } },
      response => {
        let text = '';
        response.on('data', chunk => {
          text += chunk;
        });
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode!, text, type: String(response.headers['content-type']) }),
        );
      },
    );
    request.on('error', reject);
  });
}

test('the process migrates, serves pages, scripts and API on loopback, and ends on SIGTERM with a watch open', async () => {
  const database = await createDatabase();
  const port = await anyPort();
  const { child, ended, output } = run({ ...environment, DATABASE_URL: database.url, PORT: String(port) });
  try {
    await eventually(async () => (await get(port, '/readyz')).status === 200);
    expect((await get(port, '/sign-in')).text).toContain('<form');
    expect((await get(port, '/assets/class.js')).type).toContain('javascript');
    expect((await get(port, '/v1/openapi.json')).status).toBe(200);
    const watching = get(port, '/v1/watch', { authorization: `Bearer ${environment.ARMADA_OPERATOR_TOKEN}` }).catch(
      () => 'closed',
    );
    await eventually(() => output().includes('/v1/watch'));
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    await watching;
    expect(output()).not.toContain(environment.ARMADA_OPERATOR_TOKEN);
    expect(output()).not.toContain(environment.ARMADA_SECRET);
  } finally {
    child.kill('SIGKILL');
    await database.close();
  }
});

test('without settings it says which are missing and ends', async () => {
  const { ended, output } = run({});
  expect(await ended).toBe(1);
  for (const name of ['DATABASE_URL', 'ARMADA_PORTAL_URL', 'PORT']) expect(output()).toContain(name);
});
