import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import type { Mount, Owner } from './launch.ts';

/** Whether a namespace of users can be had: its maker reads there, and nowhere else, what its mode closes. */
export function mapsUsers(unshare: string): boolean {
  return spawnSync(unshare, ['--user', '--keep-caps', 'true'], { timeout: 5_000, stdio: 'ignore' }).status === 0;
}

/**
 * The owner of the file system among a container's mounts, when that is not its own user. An access point of EFS lets
 * everybody behind it act as one user, so what its owner reads can be read by every container.
 */
export function ownerBehind(mounts: readonly Mount[], taskFolder: string, user: string | undefined): Owner | undefined {
  const home = mounts.find(({ source }) => !source.startsWith(`${taskFolder}/`));
  if (!home) return undefined;
  const { uid, gid } = statSync(home.source);
  const own = Number(user?.split(':')[0]);
  return uid === 0 || Number.isNaN(own) || own === uid ? undefined : { uid, gid };
}

/**
 * Lines of a root's script that let `readingCommand` read as another: it is put in a namespace of two users, in which
 * one right over files counts for theirs alone. Pipes that nobody else has, as file descriptors 4 and 5, carry its
 * number and our word that the map is written.
 */
export function readingLines(temporary: string, user: string, owner: Owner): string[] {
  const [uid = '', gid = uid] = user.split(':');
  const map = (own: string, other: number) => [...new Set([own, String(other)])].map(id => `${id} ${id} 1\\n`).join('');
  const [from, to] = [`${temporary}.from`, `${temporary}.to`];
  return [
    `mkfifo -m 600 '${from}' '${to}' && exec 4<>'${to}' 5<>'${from}' && rm '${from}' '${to}'`,
    `{ read -r reader <&5 && printf '${map(uid, owner.uid)}' > /proc/$reader/uid_map &&
  printf '${map(gid, owner.gid)}' > /proc/$reader/gid_map; echo >&4; } &`,
  ];
}

/** Puts a command that drops its rights behind the map that `readingLines` writes. */
export function readingCommand(unshare: string, command: string): string {
  return `${unshare} --user --keep-caps /bin/sh -c 'echo $$ >&5; read -r word <&4; exec 4>&- 5>&-; exec "$@"' sh ${command}`;
}

/** The one right that is kept, for setpriv: to read what a mode closes. It never writes. */
export const readingRights = ['--inh-caps', '--ambient-caps', '--bounding-set'].map(
  option => `${option}=-all,+dac_read_search`,
);
