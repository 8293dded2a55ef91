import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { conditionOf } from '../../api/resources/resource.ts';
import { loadStudent } from '../../api/store/status.ts';
import { addStudent } from '../support/class-rows.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.close());

const main = fileURLToPath(new URL('../../controller/main.ts', import.meta.url));
const settings = {
  ARMADA_CLUSTER: 'armada',
  ARMADA_VPC_ID: 'vpc-1',
  ARMADA_BALANCERS: '[{"listenerArn": "arn:aws:x", "domain": "localhost"}]',
  ARMADA_FILE_SYSTEM_ID: 'fs-1',
  ARMADA_USER_POOL_ID: 'us-east-1_x',
  ARMADA_PORTAL_URL: 'http://localhost:8080',
  ARMADA_GATE_IMAGE: 'gate',
  ARMADA_IDE_IMAGE: 'ide',
  ARMADA_SECRET: 'x'.repeat(32),
  // Nobody answers there.
  AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'x',
  AWS_SECRET_ACCESS_KEY: 'canary-of-an-aws-key',
};

test('T25: the process looks after rows, tells what keeps it from AWS but no secret, and ends cleanly when told to', async () => {
  const { id } = await addStudent(database.pool);
  const child = spawn(process.execPath, [main], {
    env: { ...settings, DATABASE_URL: database.url, ARMADA_LOG_LEVEL: 'debug' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', text => {
      output += text;
    });
  try {
    await eventually(async () => {
      const { status } = (await loadStudent(database.pool, id))!;
      return conditionOf(status, 'Stalled')?.reason === 'Failing';
    });
  } finally {
    child.kill('SIGTERM');
  }
  expect(await exited).toEqual([0, null]);
  expect(output).toContain('leading');
  // At its most talkative: each call is told, none of what it was made with.
  expect(output).toContain('called AWS');
  const { password } = new URL(database.url);
  for (const secret of ['x'.repeat(32), 'canary-of-an-aws-key', password])
    if (secret !== '') expect(output.includes(secret), secret).toBe(false);
});

test('the process names what is wrong with its settings, and ends', async () => {
  const { ARMADA_CLUSTER: _, ...lacking } = settings;
  const child = spawn(process.execPath, [main], {
    env: { ...lacking, DATABASE_URL: '' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', text => {
    said += text;
  });
  const [code] = await once(child, 'close');
  expect(code).toBe(1);
  expect(said).toMatch(/DATABASE_URL.*ARMADA_CLUSTER|ARMADA_CLUSTER.*DATABASE_URL/);
});
