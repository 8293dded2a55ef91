import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { processStart } from '../../../infra/local/process-start.ts';
import { anyPort, startInVain, temporaryDataFolder } from '../../support/product.ts';

const asRoot = process.getuid?.() === 0;

describe('a start that cannot be', () => {
  let folder: Awaited<ReturnType<typeof temporaryDataFolder>>;
  let port: number;

  beforeEach(async () => {
    folder = await temporaryDataFolder();
    port = await anyPort();
  });
  afterEach(() => folder.remove());

  it('lists its options with --help and ends with 0', async () => {
    const { code, output } = await startInVain({ data: folder.path, port, args: ['--help'] });
    expect(code).toBe(0);
    for (const option of ['--port', '--data', '--email', 'DATABASE_URL']) expect(output).toContain(option);
  });

  it('names an option that it does not know', async () => {
    const { code, output } = await startInVain({ data: folder.path, port, args: ['--prot', '9000'] });
    expect(code).toBe(1);
    expect(output).toMatch(/--prot.*--help/s);
  });

  it('says which port is taken and how to choose another', async () => {
    const server = net.createServer().listen(port, '127.0.0.1');
    const { code, output } = await startInVain({ data: folder.path, port });
    await new Promise(resolve => server.close(resolve));
    expect(code).toBe(1);
    expect(output).toContain(`Port ${port} is taken`);
    expect(output).toContain('--port');
    expect(output).not.toContain('    at ');
  });

  it('refuses a second start over the same data', async () => {
    const holder = { pid: process.pid, started: processStart(process.pid) };
    writeFileSync(path.join(folder.path, 'running.json'), JSON.stringify(holder));
    const { code, output } = await startInVain({ data: folder.path, port });
    expect(code).toBe(1);
    expect(output).toContain(`already runs on ${folder.path} (process ${process.pid})`);
  });

  it('says that a file is no folder', async () => {
    const file = path.join(folder.path, 'file');
    writeFileSync(file, '');
    const { code, output } = await startInVain({ data: file, port });
    expect(code).toBe(1);
    expect(output).toMatch(/is not a folder.*--data/s);
  });

  it.skipIf(!asRoot)('says that a folder is not writable', async () => {
    const mount = mountTmpfs(folder.path, 'ro,size=1m');
    const { code, output } = await startInVain({ data: path.join(mount.path, 'data'), port });
    mount.unmount();
    expect(code).toBe(1);
    expect(output).toMatch(/can't write to .*--data/s);
  });

  it.skipIf(!asRoot)('says that the disk has no room for a first start', async () => {
    const mount = mountTmpfs(folder.path, 'size=8m');
    const { code, output } = await startInVain({ data: path.join(mount.path, 'data'), port });
    mount.unmount();
    expect(code).toBe(1);
    expect(output).toMatch(/MB free; a first start needs 1024 MB.*--data/s);
  });
});

function mountTmpfs(below: string, options: string): { path: string; unmount(): void } {
  const target = path.join(below, 'disk');
  mkdirSync(target);
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', target]);
  return {
    path: target,
    unmount() {
      execFileSync('umount', [target]);
      rmSync(target, { recursive: true });
    },
  };
}
