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

/** A student's process that has their home, as the container mounts it. */
interface Process {
  readonly pid: number;
  readonly command: string;
  /** Its PID namespace: as root, each container has its own. */
  readonly namespace: string;
}

/** Those in a home, of its user; what has ended and is not yet buried is none. Another product's student may have the same uid. */
function processesIn(place: string): readonly Process[] {
  const home = statSync(place);
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => {
      try {
        if (statSync(`/proc/${name}`).uid !== home.uid) return [];
        const mounted = statSync(`/proc/${name}/root${taskPaths.home}`);
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
        if (mounted.ino !== home.ino || mounted.dev !== home.dev || command === '') return [];
        return [{ pid: Number(name), command, namespace: readlinkSync(`/proc/${name}/ns/pid`) }];
      } catch {
        return [];
      }
    });
}

/** The IDE's own process in a home; undefined while there is none. */
export function ideIn(place: string): number | undefined {
  return processesIn(place).find(({ command }) => command.includes('code-server'))?.pid;
}

/** Node as the container of a process sees it, and nsenter's names of the namespaces that make the container. */
export function insideOf(pid: number): { readonly node: string; readonly namespaces: readonly string[] } {
  return { node: readlinkSync(`/proc/${pid}/exe`), namespaces: ['--mount', '--pid', '--net'] };
}

/** What is wrong now in a home: two containers at work, or two holders of its lock. */
export function judgeHome(place: string): readonly string[] {
  const containers = new Set(processesIn(place).map(({ namespace }) => namespace));
  const holders = lockHolders(place);
  return [
    ...(containers.size > 1 ? [`double mount: ${containers.size} containers are at work in ${place}`] : []),
    ...(holders.length > 1 ? [`double mount: ${holders.length} gates hold the lock of ${place}`] : []),
  ];
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
