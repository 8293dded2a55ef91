import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conditionOf } from '../../api/resources/resource.ts';
import type { WorkspaceStatus } from '../../api/resources/workspace.ts';
import { eventually } from '../support/eventually.ts';
import { anyPort, type Product, startInVain, startProduct, temporaryDataFolder } from '../support/product.ts';

/** What a crash leaves, with the real product: nothing running, nothing forgotten. Each step builds on the one before. */
describe.skipIf(process.platform !== 'linux')('the product after a crash', () => {
  let folder: Awaited<ReturnType<typeof temporaryDataFolder>>;
  let product: Product;
  let port: number;
  const slug = 'fall-intro-ada';

  beforeAll(async () => {
    folder = await temporaryDataFolder();
    port = await anyPort();
    const starting = startProduct({ data: folder.path, port });
    await Promise.race([starting, eventually(() => call('PUT', '/cohorts/fall', { name: 'Fall' }))]);
    await call('PUT', '/courses/intro', { name: 'Intro' });
    await call('PUT', '/courses/intro/cohorts/fall');
    await call('POST', '/cohorts/fall/roster', { text: 'Ada <ada@school.example>\nBob <bob@school.example>' });
    await call('PATCH', `/workspaces/${slug}`, { spec: { running: true } });
    // The editor is still being installed: the workspace waits, and says for what.
    await eventually(async () => (await reason(slug)) === 'ImageLoading');
    product = await starting;
    await eventually(async () => (await step(slug)) === 'ready', { every: 100 });
  }, 300_000);
  afterAll(async () => {
    await product?.end('SIGINT');
    await folder?.remove();
  });

  it('refuses a second start over the same data with the first one running', async () => {
    const { code, output } = await startInVain({ data: folder.path, port: await anyPort() });
    expect(code).toBe(1);
    expect(output).toContain('already runs on');
  });

  it('has an IDE that was killed ready again within 30 s, with the home as it was', async () => {
    writeFileSync(path.join(home(), 'kept.txt'), 'kept');
    const [ide] = ours().filter(({ command }) => command.includes('code-server'));
    process.kill(ide!.pid, 'SIGKILL');
    await eventually(async () => (await step(slug)) !== 'ready');
    await eventually(async () => (await step(slug)) === 'ready', { every: 100 });
    expect(readFileSync(path.join(home(), 'kept.txt'), 'utf8')).toBe('kept');
  });

  it('leaves no process behind when it is killed', async () => {
    expect(ours().length).toBeGreaterThan(4);
    await product.end('SIGKILL');
    await eventually(() => ours().length === 0);
  });

  it('takes up where it was: users, passwords, homes, what ran and what did not', async () => {
    const password = product.password;
    product = await startProduct({ data: folder.path, port });
    expect(product.password).toBe(password);
    // The row still says what was; the gate answers only once its task runs again.
    await eventually(async () => (await gateAnswers()) === 200, { every: 100 });
    await eventually(async () => (await step(slug)) === 'ready', { every: 100 });
    expect(await step('fall-intro-bob')).toBe('stopped');
    expect(readFileSync(path.join(home(), 'kept.txt'), 'utf8')).toBe('kept');
  });

  it('starts a program that was killed again, and the rest goes on', async () => {
    const [api] = ours().filter(({ command }) => command.includes('api/http/server.ts'));
    process.kill(api!.pid, 'SIGKILL');
    await eventually(() => product.output().includes('api ended (SIGKILL) and is started again'));
    await eventually(async () => (await step(slug)) === 'ready', { every: 100 });
  });

  it('ends every process it started on Ctrl-C', async () => {
    expect(await product.end('SIGINT')).toBe(0);
    await eventually(() => ours().length === 0);
  });

  async function call(method: string, route: string, body?: object): Promise<unknown> {
    const token = JSON.parse(readFileSync(path.join(folder.path, 'secrets.json'), 'utf8')).operatorToken;
    const response = await fetch(`http://localhost:${port}/v1${route}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      body: body ? JSON.stringify(body) : undefined,
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  async function step(workspace: string): Promise<string> {
    return (await status(workspace)).step;
  }

  async function reason(workspace: string): Promise<string | undefined> {
    return conditionOf(await status(workspace), 'Ready')?.reason;
  }

  async function status(workspace: string): Promise<WorkspaceStatus> {
    const found = (await call('GET', `/workspaces/${workspace}`)) as { status: WorkspaceStatus };
    return found.status;
  }

  /** The gate's own health, through the balancer. Node resolves no *.localhost, so the host is told. */
  function gateAnswers(): Promise<number | undefined> {
    const options = { host: '127.0.0.1', port, path: '/.gate/health', headers: { host: `${slug}.localhost:${port}` } };
    return new Promise(resolve => {
      http.get(options, response => resolve(response.resume().statusCode)).on('error', () => resolve(undefined));
    });
  }

  function home(): string {
    const homes = path.join(folder.path, 'homes');
    const found = readdirSync(homes, { recursive: true, encoding: 'utf8' }).find(name => name.endsWith('.armada/home'));
    if (!found) throw new Error('no home was marked');
    return path.join(homes, path.dirname(path.dirname(found)));
  }

  /** Processes that carry this product's data folder or address, but for the test's own. */
  function ours(): { pid: number; command: string }[] {
    return readdirSync('/proc')
      .filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
      .flatMap(name => {
        try {
          const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
          const environment = readFileSync(`/proc/${name}/environ`, 'utf8');
          const mine = [folder.path, `localhost:${port}`].some(
            mark => command.includes(mark) || environment.includes(mark),
          );
          return mine ? [{ pid: Number(name), command }] : [];
        } catch {
          return [];
        }
      });
  }
});
