import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { taskPaths } from '../../api/resources/entrance.ts';

/** The folder of a home in a data folder, by its path on the file system; throws while there is none. */
export function homeFolder(data: string, pathOnFileSystem: string): string {
  const homes = path.join(data, 'homes');
  const places = readdirSync(homes).map(fileSystem => path.join(homes, fileSystem, pathOnFileSystem));
  const place = places.find(each => statSync(each, { throwIfNoEntry: false }));
  if (place === undefined) throw new Error(`there is no home ${pathOnFileSystem}`);
  return place;
}

/** The gate's own health, through the balancer: it holds the home, and the editor answers. */
export function gateAnswers(port: number, slug: string): Promise<boolean> {
  // Node resolves no *.localhost, so the host is told.
  const options = { host: '127.0.0.1', port, path: '/.gate/health', headers: { host: `${slug}.localhost:${port}` } };
  return new Promise(resolve => {
    http.get(options, response => resolve(response.resume().statusCode === 200)).on('error', () => resolve(false));
  });
}

/** A process of this machine, as far as it is of interest. */
interface Process {
  readonly pid: number;
  readonly uid: number;
  readonly command: string;
  /** Its PID namespace: as root, each container has its own. */
  readonly namespace: string;
}

/** Those that run under one of these users; what has ended and is not yet buried is none. */
function processesOf(uids: ReadonlySet<number>): readonly Process[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => {
      try {
        const { uid } = statSync(`/proc/${name}`);
        if (!uids.has(uid)) return [];
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return command === ''
          ? []
          : [{ pid: Number(name), uid, command, namespace: readlinkSync(`/proc/${name}/ns/pid`) }];
      } catch {
        return [];
      }
    });
}

/** The IDE's own process of a home's user; undefined while there is none. */
export function ideOf(uid: number): number | undefined {
  return processesOf(new Set([uid])).find(({ command }) => command.includes('code-server'))?.pid;
}

/** Node as the container of a process sees it, and nsenter's names of the namespaces that make the container. */
export function insideOf(pid: number): { readonly node: string; readonly namespaces: readonly string[] } {
  return { node: readlinkSync(`/proc/${pid}/exe`), namespaces: ['--mount', '--pid', '--net'] };
}

/** What is wrong now: two containers that run as one home's user, or two holders of its lock. */
export function judgeHomes(homes: readonly { readonly place: string; readonly uid: number }[]): readonly string[] {
  const running = processesOf(new Set(homes.map(({ uid }) => uid)));
  return homes.flatMap(({ place, uid }) => {
    const containers = new Set(running.filter(each => each.uid === uid).map(({ namespace }) => namespace));
    const holders = lockHolders(place);
    return [
      ...(containers.size > 1 ? [`double mount: ${containers.size} containers run as the user of ${place}`] : []),
      ...(holders.length > 1 ? [`double mount: ${holders.length} gates hold the lock of ${place}`] : []),
    ];
  });
}

/** Who holds the lock of a home, by pid. Source: proc_locks(5); a line with an arrow waits. */
export function lockHolders(place: string): readonly number[] {
  const inode = statSync(path.join(place, taskPaths.homeLock), {
    throwIfNoEntry: false,
  })?.ino;
  return readFileSync('/proc/locks', 'utf8')
    .split('\n')
    .filter(line => !line.includes('->'))
    .map(line => /FLOCK +ADVISORY +WRITE +(\d+) +\S+:(\d+) /.exec(line))
    .filter(found => found !== null && Number(found[2]) === inode)
    .map(found => Number(found?.[1]));
}
