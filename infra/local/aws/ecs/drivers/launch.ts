/** A directory of this machine, and where a container sees it. */
export interface Mount {
  readonly source: string;
  readonly path: string;
  readonly readOnly: boolean;
}

/** Whose files a container reads besides its own user's. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** All that is needed to run a container's program. */
export interface Launch {
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  /** As in the container. */
  readonly workingDirectory: string;
  /** Numeric `uid` or `uid:gid`. */
  readonly user: string | undefined;
  /** A directory for this container's own /tmp. */
  readonly temporary: string;
  readonly imageFolders: readonly string[];
  readonly initProcess: boolean;
  /** Most processes and threads of its user; undefined: as many as the machine lets. */
  readonly processes?: number | undefined;
  /** Files of control groups; who writes `0` there joins. */
  readonly groups?: readonly string[] | undefined;
  /** Whose files it reads as its own; only where users can be mapped. */
  readonly reads?: Owner | undefined;
}

/** What is spawned for it. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  /** Written to file descriptor 3, which is then closed. */
  readonly input?: string;
}

/** Where a path in the container is on this machine: the longest mount that it is under, else itself. */
export function realPath(mounts: readonly Mount[], inside: string): string {
  const under = mounts.filter(mount => inside === mount.path || inside.startsWith(`${mount.path}/`));
  const mount = under.sort((a, b) => b.path.length - a.path.length)[0];
  return mount ? mount.source + inside.slice(mount.path.length) : inside;
}

/**
 * Without mount namespaces: values and arguments that begin with a mounted path, or have one after a `=`, are rewritten
 * to where it really is.
 */
export function plainCommand(launch: Launch): Command {
  const rewrite = (text: string) => {
    const equals = text.startsWith('-') ? text.indexOf('=') + 1 : 0;
    return text.slice(0, equals) + realPath(launch.mounts, text.slice(equals));
  };
  const [file = '', ...args] = launch.argv.map(rewrite);
  const environment = Object.fromEntries(
    Object.entries(launch.environment).map(([name, text]) => [name, rewrite(text)]),
  );
  return {
    file,
    args,
    environment: { TMPDIR: launch.temporary, ...environment },
    workingDirectory: realPath(launch.mounts, launch.workingDirectory),
  };
}
