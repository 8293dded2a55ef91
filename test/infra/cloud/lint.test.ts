import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { sizes } from '../../../api/resources/sizes.ts';
import { templateOf } from './stand.ts';

const isThere = spawnSync('cfn-lint', ['--version']).status === 0;
/** An optional parameter's empty default is no certificate's ARN; the listener with it is there only with a domain. */
const accepted = 'W1030';

it.skipIf(!isThere).each(Object.values(sizes))(
  'the template for a $name class has nothing that cfn-lint finds',
  { timeout: 120_000 },
  async size => {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'armada-lint-'));
    const file = path.join(directory, 'armada.template.json');
    try {
      await writeFile(file, JSON.stringify(templateOf(size), null, 1));
      const { stdout } = await promisify(execFile)('cfn-lint', ['--ignore-checks', accepted, '--', file]).catch(
        (error: { stdout: string }) => error,
      );
      expect(stdout.trim()).toBe('');
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },
);
