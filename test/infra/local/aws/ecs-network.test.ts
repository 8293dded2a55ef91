import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Networks } from '../../../../infra/local/aws/ecs/drivers/network.ts';
import { findNetworkTools } from '../../../../infra/local/aws/ecs/drivers/router.ts';

const able = process.platform === 'linux' && process.getuid?.() === 0 && findNetworkTools() !== undefined;
if (!able) console.log('not root with iproute2 and nftables: the test of the tasks’ networks is skipped');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'armada-network-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/**
 * A machine of its own, a network namespace in which nobody else changes anything: a task starts and ends there,
 * between two links that are made and removed so that the monitor's beginning and end can be told.
 */
const program = () => `
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createProcessDriver } from ${JSON.stringify(path.resolve('infra/local/aws/ecs/drivers/process.ts'))};

const ip = (line) => execFileSync('ip', line.split(' '));
ip('link set lo up');
const driver = createProcessDriver({
  fileSystems: { mount: async () => '' },
  images: new Map([['sh', { entryPoint: ['/bin/sh', '-c'] }]]),
  directory: ${JSON.stringify(path.join(folder, 'tasks'))},
  logsDirectory: ${JSON.stringify(path.join(folder, 'logs'))},
});
await driver.start();
const monitor = spawn('ip', ['-o', 'monitor', 'link', 'address'], { stdio: ['ignore', 'pipe', 'inherit'] });
let seen = '';
monitor.stdout.on('data', chunk => { seen += chunk; });
async function sentinel(name) {
  for (;;) {
    ip('link add ' + name + ' type veth peer name ' + name + '-peer');
    ip('link del ' + name);
    if (seen.includes(name)) return;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}
await sentinel('first');
const port = await driver.takePort(0);
await driver.prepare({ id: 'task', volumes: [] });
let exited;
const exit = new Promise(resolve => { exited = resolve; });
await driver.run('task', { definition: { name: 'c', image: 'sh', command: ['sleep 60'] },
  ports: [{ containerPort: 1, hostPort: port }] }, exited);
await driver.halt('task', 'c', 0);
await exit;
await driver.release('task');
await sentinel('last');
monitor.kill();
await once(monitor, 'close');
await driver.stop();
console.log(seen);
`;

/** Of this installation alone: others may come and go meanwhile. */
const mark = () => `ar${createHash('sha256').update(folder).digest('hex').slice(0, 6)}`;
const traces = () => ({
  links: Object.keys(networkInterfaces()).filter(name => name.startsWith(mark())).length,
  namespaces: readdirSync('/run/netns').filter(name => name.startsWith(mark())).length,
});

describe.skipIf(!able)('the networks of tasks', () => {
  test('a task starts and ends without an event of link or address on this machine', async () => {
    const file = path.join(folder, 'machine.ts');
    await writeFile(file, program());
    const run = promisify(execFile);
    const { stdout, stderr } = await run('unshare', ['--net', process.execPath, file], { timeout: 50_000 });
    // It would say here that the task has no network of its own.
    expect(stderr).toBe('');
    const events = stdout.trim().split('\n');
    expect(events.some(line => line.includes('first'))).toBe(true);
    expect(events.filter(line => !line.includes('first') && !line.includes('last'))).toEqual([]);
  });

  test('what a killed life left is removed by the next, and nothing is left by an orderly end', async () => {
    const killed = await Networks.open(folder);
    const { file } = (await killed?.join('task')) ?? {};
    await killed?.publish('task', { uid: 1, ports: [1], reaches: [] });
    expect(file && existsSync(file)).toBe(true);
    const next = await Networks.open(folder);
    expect(file && existsSync(file)).toBe(false);
    expect(traces()).toEqual({ links: 1, namespaces: 1 });
    await next?.close();
    expect(traces()).toEqual({ links: 0, namespaces: 0 });
  });
});
