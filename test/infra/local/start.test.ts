import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { processStart } from '../../../infra/local/process-start.ts';
import { makeAuthority } from '../../support/certificate.ts';
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
    for (const option of ['--port', '--data', '--email', '--domain', '--cert', '--key', 'DATABASE_URL'])
      expect(output).toContain(option);
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

  it('wants domain, certificate and key together', async () => {
    const { code, output } = await startInVain({ data: folder.path, port, args: ['--domain', 'class.example.edu'] });
    expect(code).toBe(1);
    expect(output).toContain('--cert and --key is missing');
  });

  it.each(['class', 'class.example.edu:443', 'https://class.example.edu', '192.0.2.1', 'a_b.example.edu'])(
    'takes no domain such as %s',
    async domain => {
      const args = ['--domain', domain, '--cert', 'c', '--key', 'k'];
      const { code, output } = await startInVain({ data: folder.path, port, args });
      expect(code).toBe(1);
      expect(output).toContain('--domain takes a domain name such as class.example.edu');
    },
  );

  it('says that there is no certificate, and writes nothing', async () => {
    const missing = path.join(folder.path, 'cert.pem');
    const args = ['--domain', 'class.example.edu', '--cert', missing, '--key', missing];
    const { code, output } = await startInVain({ data: path.join(folder.path, 'data'), port, args });
    expect(code).toBe(1);
    expect(output).toMatch(/There is no file .*cert\.pem\. --cert takes/);
    expect(output).not.toContain('    at ');
    expect(existsSync(path.join(folder.path, 'data'))).toBe(false);
  });

  it('says that a certificate lacks the workspaces’ names', async ({ skip }) => {
    const authority = makeAuthority();
    if (!authority) return skip('no openssl found');
    const pair = authority.issue(['class.example.edu']);
    authority.remove();
    const [cert, key] = ['cert.pem', 'key.pem'].map(name => path.join(folder.path, name)) as [string, string];
    writeFileSync(cert, pair.cert);
    writeFileSync(key, pair.key);
    const args = ['--domain', 'class.example.edu', '--cert', cert, '--key', key];
    const { code, output } = await startInVain({ data: path.join(folder.path, 'data'), port, args });
    expect(code).toBe(1);
    expect(output).toContain('does not hold for *.s1.class.example.edu. Get one for');
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
