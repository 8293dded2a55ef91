import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ContainerDefinition } from '@aws-sdk/client-ecs';

/** What is limited, and by which file, in the first and the second version of control groups. Source: cgroups(7). */
interface Hierarchy {
  readonly folder: string;
  limit(definition: ContainerDefinition): readonly (readonly [file: string, value: string])[];
}

const mebibyte = 1 << 20;
const root = '/sys/fs/cgroup';

/**
 * Control groups of containers, where root may make them: memory is a hard limit, as ECS's `memory` is, and CPU a share
 * that counts while others want it, as ECS's `cpu` is. A process joins by writing to each of the group's files.
 */
export class ControlGroups {
  readonly #hierarchies: readonly Hierarchy[];

  private constructor(hierarchies: readonly Hierarchy[]) {
    this.#hierarchies = hierarchies;
  }

  /** Undefined where no memory can be limited. `owner` names the groups' folder, which is emptied. */
  static open(owner: string): ControlGroups | undefined {
    const name = `armada-${createHash('sha256').update(owner).digest('hex').slice(0, 12)}`;
    try {
      const hierarchies = existsSync(path.join(root, 'cgroup.controllers')) ? second(name) : first(name);
      for (const { folder } of hierarchies) empty(folder);
      return hierarchies.length > 0 ? new ControlGroups(hierarchies) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Makes a container's group; answers the files through which its processes join. */
  make(key: string, definition: ContainerDefinition): readonly string[] {
    return this.#hierarchies.flatMap(hierarchy => {
      const folder = path.join(hierarchy.folder, key);
      try {
        mkdirSync(folder, { recursive: true });
        for (const [file, value] of hierarchy.limit(definition)) writeFileSync(path.join(folder, file), value);
        return [path.join(folder, 'cgroup.procs')];
      } catch {
        // Without a limit rather than without an editor.
        return [];
      }
    });
  }

  /** Its processes are gone. */
  remove(key: string): void {
    for (const { folder } of this.#hierarchies) removeFolder(path.join(folder, key));
  }

  close(): void {
    for (const { folder } of this.#hierarchies) {
      empty(folder);
      removeFolder(folder);
    }
  }
}

/** One tree of groups, at its root: below it a manager of services lets others make theirs. */
function second(name: string): readonly Hierarchy[] {
  const active = readFileSync(path.join(root, 'cgroup.subtree_control'), 'utf8').split(/\s+/);
  if (!active.includes('memory')) return [];
  const folder = path.join(root, name);
  mkdirSync(folder, { recursive: true });
  const wanted = ['memory', 'cpu'].filter(controller => active.includes(controller));
  writeFileSync(path.join(folder, 'cgroup.subtree_control'), wanted.map(controller => `+${controller}`).join(' '));
  const limit = ({ memory, cpu }: ContainerDefinition) => [
    ...(memory ? [['memory.max', String(memory * mebibyte)] as const] : []),
    ...(cpu && wanted.includes('cpu') ? [['cpu.weight', String(weightOf(cpu))] as const] : []),
  ];
  return [{ folder, limit }];
}

/** ECS's shares, of which 1024 are a processor, on cgroup v2's scale. Source: the conversion that runc does. */
function weightOf(shares: number): number {
  return 1 + Math.floor(((Math.max(2, shares) - 2) * 9999) / 262_142);
}

/** A tree for each controller, with groups below our own. */
function first(name: string): readonly Hierarchy[] {
  const own = new Map(
    readFileSync('/proc/self/cgroup', 'utf8')
      .trim()
      .split('\n')
      .flatMap(line => {
        const [, controllers = '', place = ''] = line.split(':');
        return controllers.split(',').map(controller => [controller, place] as const);
      }),
  );
  const limits = {
    memory: ({ memory }: ContainerDefinition) =>
      memory ? [['memory.limit_in_bytes', String(memory * mebibyte)] as const] : [],
    cpu: ({ cpu }: ContainerDefinition) => (cpu ? [['cpu.shares', String(Math.max(2, cpu))] as const] : []),
  };
  return Object.entries(limits).flatMap(([controller, limit]) => {
    const parent = path.join(root, controller, own.get(controller) ?? '');
    if (!own.has(controller) || !existsSync(path.join(parent, 'cgroup.procs'))) return [];
    const folder = path.join(parent, name);
    mkdirSync(folder, { recursive: true });
    return [{ folder, limit }];
  });
}

function empty(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeFolder(path.join(folder, entry.name));
  }
}

function removeFolder(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Not there, or something of it still ends: the next start looks again.
  }
}
