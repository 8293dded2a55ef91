import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';

const run = promisify(execFile);
const start = path.join(import.meta.dirname, '../../../infra/images/ide/start.sh');
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'jobs-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** An IDE that lives for six seconds, in which this runs in a terminal of it, or without one; answers what lies beside its socket. */
async function live(script: string): Promise<string[]> {
  await writeFile(path.join(folder, 'ide.sh'), script);
  await run('/bin/sh', [start, '--socket', path.join(folder, 'ide.sock')], {
    env: {
      PATH: process.env['PATH'],
      HOME: path.join(folder, '.'),
      ARMADA_JOB_SECONDS: '1',
      ARMADA_IDE_PROGRAM: '/bin/sh',
      ARMADA_IDE_SCRIPT: path.join(folder, 'ide.sh'),
    },
  });
  return (await readdir(folder)).filter(name => name === 'busy');
}

const terminal = (command: string) =>
  `timeout 6 script -qfc '${command}' /dev/null > /dev/null 2>&1 < /dev/null; exit 0`;
const canTest = existsSync('/proc/self/stat') && existsSync('/usr/bin/script');

test.skipIf(!canTest)('a job in a terminal leaves a sign beside the socket', async () => {
  expect(await live(terminal('while :; do :; done'))).toEqual(['busy']);
});

test.skipIf(!canTest)('a shell that waits, and an editor that works, leave none', async () => {
  expect(await live(terminal('sleep 5'))).toEqual([]);
  expect(await live('timeout 4 sh -c "while :; do :; done"; exit 0')).toEqual([]);
});
