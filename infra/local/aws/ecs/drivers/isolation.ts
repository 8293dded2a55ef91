import { existsSync } from 'node:fs';
import type { Command, Launch, Mount } from './launch.ts';
import type { TaskNetwork } from './network.ts';
import { mapsUsers, readingCommand, readingLines, readingRights } from './reading.ts';
import { findTool, toolFolders } from './tools.ts';

/** Ours alone on every host that runs containers this way: first a place to hold mounts, then the task's own folder. */
export const hostMountPoint = '/run/armada';
const tools = ['prlimit', 'setpriv', 'unshare', 'nsenter', 'mount'] as const;
/** Whoever a task definition leaves open is nobody; root would be the machine's own. */
const nobody = '65534:65534';

export type Tools = Readonly<Record<(typeof tools)[number], string>> & { readonly mapsUsers: boolean };

/** The programs that isolation needs, or undefined where it can't work: not root, not Linux, or one is missing. */
export function findTools(): Tools | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined;
  const [prlimit, setpriv, unshare, nsenter, mount] = tools.map(findTool);
  if (!prlimit || !setpriv || !unshare || !nsenter || !mount) return undefined;
  return { prlimit, setpriv, unshare, nsenter, mount, mapsUsers: mapsUsers(unshare) };
}

/**
 * Runs a container in a mount and a PID namespace of its own and its task's network namespace, as its own user: it sees its volumes where the task
 * definition has them, its own /tmp, nobody's /home and no hidden folder; and all of it dies with its first process,
 * which dies with us.
 */
export function isolatedCommand(
  tools: Tools,
  launch: Launch,
  hidden: readonly string[],
  network?: TaskNetwork,
): Command {
  const args = [
    '--pdeathsig',
    'KILL',
    ...(network ? [tools.nsenter, `--net=${network.file}`, '--'] : []),
    tools.unshare,
    '--mount',
    '--pid',
    '--fork',
    '--kill-child=KILL',
    '--mount-proc',
    '--',
  ];
  return {
    file: tools.setpriv,
    args: [...args, '/bin/sh', '-c', script(tools, launch, hidden, network?.resolvConf), 'sh', ...launch.argv],
    environment: ownEnvironment,
    input: exports(launch.environment),
    workingDirectory: '/',
  };
}

/** Runs a health check's command inside a container whose first process is `pid`. */
export function commandInside(tools: Tools, launch: Launch, pid: number, argv: readonly string[]): Command {
  const own = [...limited(tools, launch), tools.setpriv, ...privileges(launch.user)];
  const joining = ['/bin/sh', '-c', `${joins(launch).join('\n')}\nexec "$@"`, 'sh'];
  const drop = [...joining, ...own, '/bin/sh', '-c', withEnvironment, 'sh'];
  return {
    file: tools.nsenter,
    args: ['--target', String(pid), '--mount', '--pid', '--net', '--', ...drop, ...argv],
    environment: ownEnvironment,
    input: exports(launch.environment),
    workingDirectory: '/',
  };
}

/**
 * A container's environment is set only once its rights are dropped: until then programs of ours run as root, and a
 * variable such as LD_PRELOAD would run another's. It comes by file descriptor 3, for arguments can be read by all.
 */
const withEnvironment = 'eval "$(cat <&3)"; exec 3<&-; exec "$@"';
const ownEnvironment = { PATH: toolFolders.join(':') };

function exports(environment: Readonly<Record<string, string>>): string {
  const named = Object.entries(environment).filter(([name]) => /^[A-Za-z_]\w*$/.test(name));
  return named.map(([name, value]) => `export ${name}=${quote(value)}\n`).join('');
}

/** Limits that the kernel holds every process of the user to. */
function limited(tools: Tools, { processes }: Launch): string[] {
  return processes === undefined ? [] : [tools.prlimit, `--nproc=${processes}:${processes}`];
}

/** Lines of a script that runs as root. */
function joins({ groups = [] }: Launch): string[] {
  return groups.map(file => `echo 0 > ${quote(file)} || true`);
}

/** No rights but the user's, for good. Changing the user clears the parent-death signal, so it is set again. */
function privileges(user = nobody, reads = false): string[] {
  const [uid = '', gid = uid] = user.split(':');
  if (!/^\d+$/.test(uid) || !/^\d+$/.test(gid))
    throw new Error(`CannotStartContainerError: unable to find user ${user}`);
  const groups = ['--reuid', uid, '--regid', gid, '--clear-groups'];
  const rights = reads ? readingRights : ['--inh-caps=-all', '--bounding-set=-all'];
  return [...groups, '--no-new-privs', ...rights, '--pdeathsig', 'KILL'];
}

function script(tools: Tools, launch: Launch, hidden: readonly string[], resolvConf: string | undefined): string {
  const covered = ['/home', '/tmp', ...hidden];
  const isCovered = (folder: string) => covered.some(cover => folder === cover || folder.startsWith(`${cover}/`));
  const mounts: Mount[] = [
    { source: launch.temporary, path: '/tmp', readOnly: false },
    ...launch.imageFolders.filter(isCovered).map(folder => ({ source: folder, path: folder, readOnly: true })),
    ...launch.mounts,
  ].filter(({ source }) => existsSync(source));
  // Everything is held first, for the covers may hide it; the place where it is held is itself mounted over last.
  const held = mounts.map((mount, index) => ({ ...mount, holder: `${hostMountPoint}/${index}` }));
  const depth = ({ path: place }: Mount) => (isOurs(place) ? 1e6 : 0) + place.length;
  const table = [
    ...(resolvConf ? [bound(resolvConf, '/etc/resolv.conf')] : []),
    cover(hostMountPoint, '700', '1m'),
    ...held.map(({ source, holder }) => bound(source, holder, 'X-mount.mkdir')),
    cover('/home', '755', '1m'),
    ...(existsSync('/dev/shm') ? [cover('/dev/shm', '1777', '64m')] : []),
    ...hidden.filter(folder => existsSync(folder)).map(folder => cover(folder, '755', '1m')),
    ...held
      .sort((a, b) => depth(a) - depth(b))
      .map(({ holder, path: place, readOnly }) => bound(holder, place, `X-mount.mkdir${readOnly ? ',ro' : ''}`)),
    ...(held.some(({ path: place }) => place === hostMountPoint) ? [] : [cover(hostMountPoint, '700', '1m')]),
  ];
  const tableFile = `${launch.temporary}.fstab`;
  const reads = tools.mapsUsers ? launch.reads : undefined;
  const own = [...limited(tools, launch), tools.setpriv, ...privileges(launch.user, reads !== undefined)];
  const command = `${own.join(' ')} /bin/sh -c ${quote(withEnvironment)} sh "$@"`;
  const lines = [
    'set -e',
    'umask 022',
    ...(reads ? readingLines(launch.temporary, launch.user ?? nobody, reads) : []),
    // One process for all of them: a start that runs a program for each is mostly that.
    `printf '%s\\n' ${table.map(quote).join(' ')} > ${quote(tableFile)}`,
    `${tools.mount} --all -T ${quote(tableFile)}`,
    // Where memory runs out, a student's process ends before the machine's own.
    'echo 500 > /proc/self/oom_score_adj || true',
    ...joins(launch),
    'umask 022',
    `cd ${quote(launch.workingDirectory)}`,
    ...start(reads ? readingCommand(tools.unshare, command) : command, launch.initProcess),
  ];
  return lines.join('\n');
}

function isOurs(place: string): boolean {
  return place === hostMountPoint || place.startsWith(`${hostMountPoint}/`);
}

/** A line of fstab(5): `source` is seen at `place` too. */
function bound(source: string, place: string, options?: string): string {
  return `${field(source)} ${field(place)} none ${options ? `bind,${options}` : 'bind'}`;
}

/** A line of fstab(5): `place` is empty. By a name of ours, for `mount --all` leaves out what is mounted already. */
function cover(place: string, mode: string, size: string): string {
  return `armada ${field(place)} tmpfs mode=${mode},size=${size},nosuid,nodev`;
}

/** As fstab(5) wants a path: blanks and backslashes in octal. */
function field(text: string): string {
  return text.replaceAll(/[\s\\]/g, letter => `\\${letter.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

/** With `initProcessEnabled` a small init passes SIGTERM on and reaps; without, the program is process 1 itself. */
function start(command: string, initProcess: boolean): string[] {
  if (!initProcess) return [`exec ${command}`];
  return [
    'set +e',
    `${command} &`,
    'child=$!',
    "trap 'kill -TERM $child' TERM",
    'wait $child; code=$?',
    'while kill -0 $child 2>/dev/null; do wait $child; code=$?; done',
    'exit $code',
  ];
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
