import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** A second computer on this machine: a network namespace of its own, joined by one cable. */
export interface OtherComputer {
  /** This machine as it is seen from there. */
  readonly here: string;
  /** Runs a Node program there; answers with what it printed. */
  node(program: string, environment?: Readonly<Record<string, string>>): Promise<string>;
  /** A file that runs `program` there, with the arguments that it is given. */
  wrapped(program: string): string;
  /** Sends what is meant for `range` to this machine, as a neighbour in the same network could. */
  route(range: string): void;
  remove(): void;
}

/** RFC 5737: addresses that are nobody's. */
const [here, there] = ['198.51.100.1', '198.51.100.2'];

/** Makes it; needs root, iproute2 and util-linux. One at a time: its addresses are always the same. */
export function otherComputer(): OtherComputer {
  const name = `other${process.pid}`.slice(0, 15);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'armada-other-'));
  const sh = (script: string) => execFileSync('/bin/sh', ['-ec', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  sh(`ip netns add ${name}
    ip link add ${name} type veth peer name eth0 netns ${name}
    ip addr add ${here}/30 dev ${name}
    ip link set ${name} up
    ip -n ${name} link set lo up
    ip -n ${name} addr add ${there}/30 dev eth0
    ip -n ${name} link set eth0 up`);
  const within = [`--net=/run/netns/${name}`, '--'];
  return {
    here,
    node(program, environment = {}) {
      return new Promise((resolve, reject) => {
        const args = [...within, process.execPath, '--input-type=module', '-e', program];
        const env = { ...process.env, ...environment };
        execFile('nsenter', args, { env, timeout: 30_000 }, (error, stdout, stderr) =>
          error ? reject(new Error(stderr || error.message)) : resolve(stdout),
        );
      });
    },
    wrapped(program) {
      const file = path.join(folder, path.basename(program));
      writeFileSync(file, `#!/bin/sh\nexec nsenter ${within.join(' ')} ${program} "$@"\n`);
      chmodSync(file, 0o755);
      return file;
    },
    route: range => void sh(`ip -n ${name} route add ${range} via ${here}`),
    remove() {
      sh(`ip link del ${name}; ip netns del ${name}`);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
