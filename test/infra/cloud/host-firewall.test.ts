import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostCommands } from '../../../infra/cloud/host-firewall.ts';
import { eventually } from '../../support/eventually.ts';

/**
 * The host's firewall as the launch template lays it down, in network namespaces: a host with Docker's bridge, two
 * containers on it, and behind the host what a VPC and the internet are.
 */

const has = (program: string, ...args: string[]) => spawnSync(program, args, { stdio: 'ignore' }).status === 0;
const possible = process.getuid?.() === 0 && has('ip', 'netns') && has('iptables', '--version');
if (!possible) console.log('Without root, iproute2 and iptables the host’s firewall is not tried here.');

const [host, one, two, world] = ['host', 'one', 'two', 'world'].map(name => `armfw-${process.pid}-${name}`) as [
  string,
  string,
  string,
  string,
];
const inside = (space: string, ...command: string[]) =>
  execFileSync('ip', ['netns', 'exec', space, ...command], { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
const ip = (...args: string[]) => execFileSync('ip', args, { stdio: 'ignore' });

const addresses = { resolver: '10.0.0.2', neighbour: '10.0.1.5', metadata: '169.254.169.254', outside: '203.0.113.9' };
const ports = [53, 80, 2049];
const listener = `
for (const port of [${ports}]) require('node:net').createServer(s => s.end()).listen(port, '0.0.0.0');
`;
const folder = mkdtempSync(path.join(os.tmpdir(), 'armada-firewall-'));
const children: ReturnType<typeof spawn>[] = [];

function lay(): void {
  for (const space of [host, one, two, world]) {
    ip('netns', 'add', space);
    inside(space, 'ip', 'link', 'set', 'lo', 'up');
  }
  inside(host, 'ip', 'link', 'add', 'docker0', 'type', 'bridge');
  inside(host, 'ip', 'addr', 'add', '172.17.0.1/16', 'dev', 'docker0');
  inside(host, 'ip', 'link', 'set', 'docker0', 'up');
  for (const [space, name, address] of [
    [one, 'c1', '172.17.0.2/16'],
    [two, 'c2', '172.17.0.3/16'],
  ] as const) {
    inside(host, 'ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space);
    inside(host, 'ip', 'link', 'set', name, 'master', 'docker0', 'up');
    inside(space, 'ip', 'addr', 'add', address, 'dev', 'eth0');
    inside(space, 'ip', 'link', 'set', 'eth0', 'up');
    inside(space, 'ip', 'route', 'add', 'default', 'via', '172.17.0.1');
  }
  inside(host, 'ip', 'link', 'add', 'ens5', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', world);
  inside(host, 'ip', 'addr', 'add', '10.0.0.10/24', 'dev', 'ens5');
  inside(host, 'ip', 'link', 'set', 'ens5', 'up');
  inside(world, 'ip', 'link', 'set', 'eth0', 'up');
  inside(world, 'ip', 'addr', 'add', '10.0.0.2/24', 'dev', 'eth0');
  for (const address of [addresses.neighbour, addresses.metadata, addresses.outside]) {
    inside(world, 'ip', 'addr', 'add', `${address}/32`, 'dev', 'lo');
    inside(host, 'ip', 'route', 'add', address, 'via', '10.0.0.2');
  }
  inside(world, 'ip', 'route', 'add', '172.17.0.0/16', 'via', '10.0.0.10');
  inside(host, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
  // As Docker makes them before our script runs.
  for (const rule of ['-N DOCKER-USER', '-A DOCKER-USER -j RETURN', '-I FORWARD -j DOCKER-USER'])
    inside(host, 'iptables', ...rule.split(' '));
  for (const space of [host, two, world])
    children.push(spawn('ip', ['netns', 'exec', space, process.execPath, '-e', listener], { stdio: 'ignore' }));
}

/** Runs the script between the FIREWALL marks of the user data; metadata is answered by a program in curl's place. */
function wall(): void {
  const text = hostCommands('armada').join('\n');
  const [, script = ''] = /<<'FIREWALL'\n([\s\S]*?)\nFIREWALL\n/.exec(text) ?? [];
  expect(script).toContain('iptables -A DOCKER-USER');
  writeFileSync(path.join(folder, 'firewall'), script);
  const answers = 'case "$*" in *vpc-ipv4-cidr-block*) echo 10.0.0.0/16;; *) echo 02:00:00:00:00:01;; esac';
  writeFileSync(path.join(folder, 'curl'), `#!/bin/sh\n${answers}\n`);
  chmodSync(path.join(folder, 'curl'), 0o755);
  inside(host, 'env', `PATH=${folder}:${process.env['PATH']}`, 'sh', path.join(folder, 'firewall'));
}

/** Whether a TCP connection opens within so many seconds. */
function reaches(from: string, address: string, port: number, seconds = 30): boolean {
  const command = `exec 3<>/dev/tcp/${address}/${port}`;
  const args = ['netns', 'exec', from, 'timeout', String(seconds), 'bash', '-c', command];
  const { status } = spawnSync('ip', args, { stdio: 'ignore' });
  return status === 0;
}

const forbidden = [
  ['instance metadata', addresses.metadata, 80],
  ['another host of the network', addresses.neighbour, 80],
  ['a file system by NFS', addresses.neighbour, 2049],
  ['NFS anywhere', addresses.outside, 2049],
  ['another container', '172.17.0.3', 80],
  ['the host’s own ports', '172.17.0.1', 80],
  ['the resolver’s other ports', addresses.resolver, 80],
] as const;

describe.skipIf(!possible)('the host’s firewall', () => {
  beforeAll(async () => {
    lay();
    await eventually(() => [host, two, world].every(space => reaches(space, '127.0.0.1', 80)));
  });
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL');
    for (const space of [host, one, two, world]) spawnSync('ip', ['netns', 'del', space], { stdio: 'ignore' });
    rmSync(folder, { recursive: true });
  });

  it('is the reason why a container reaches none of what it must not: without it all of it answers', () => {
    for (const [what, address, port] of forbidden) expect(reaches(one, address, port), what).toBe(true);
    wall();
    for (const [what, address, port] of forbidden) expect(reaches(one, address, port, 2), what).toBe(false);
  });

  it('leaves names and the internet, and lets the balancer in', () => {
    expect(reaches(one, addresses.resolver, 53)).toBe(true);
    expect(reaches(one, addresses.outside, 80)).toBe(true);
    expect(reaches(world, '172.17.0.3', 80)).toBe(true);
    expect(reaches(host, '172.17.0.3', 80)).toBe(true);
  });

  it('is the same when it runs again, as with every restart of Docker', () => {
    const rules = () => inside(host, 'iptables-save').replace(/^#.*$|\[\d+:\d+\]/gm, '');
    const before = rules();
    wall();
    expect(rules()).toBe(before);
  });
});
