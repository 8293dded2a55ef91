import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Docker from 'dockerode';

/** The engine that DOCKER_HOST names, or the usual socket; undefined where none answers. */
export const engine = await (async () => {
  const docker = new Docker();
  return docker.ping().then(
    () => docker,
    () => undefined,
  );
})();
if (!engine) console.log('No container engine answers here: what needs one is skipped.');

const programs = ['sh', 'cat', 'echo', 'id', 'ls', 'mkdir', 'sleep', 'stat', 'touch', 'true'];

/** Makes an image of this machine's own shell and a few programs: no registry is asked. */
export async function makeShellImage(docker: Docker, name: string): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'armada-rootfs-'));
  try {
    for (const program of programs) {
      const file = execFileSync('/bin/sh', ['-c', `PATH=/usr/bin:/bin; which ${program}`], { encoding: 'utf8' }).trim();
      const libraries = execFileSync('ldd', [file], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
      for (const each of [file, ...libraries]) {
        const to = path.join(folder, each === file ? `/bin/${program}` : each);
        mkdirSync(path.dirname(to), { recursive: true });
        cpSync(realpathSync(each), to);
      }
    }
    // As our images have it: an engine gives a new volume the owner and mode of what it is mounted over.
    mkdirSync(path.join(folder, 'run/armada'), { recursive: true });
    chmodSync(path.join(folder, 'run/armada'), 0o1777);
    const archive = `${folder}.tar`;
    execFileSync('tar', ['-C', folder, '-cf', archive, '.']);
    const [repo = '', tag = 'latest'] = name.split(':');
    const progress = await docker.importImage(archive, { repo, tag });
    await new Promise<void>((resolve, reject) => {
      docker.modem.followProgress(progress, error => (error ? reject(error) : resolve()));
    });
    rmSync(archive);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
