import type { ContainerDefinition } from '@aws-sdk/client-ecs';
import type { DriverContainer } from '../driver.ts';
import type { LocalImage } from './images.ts';
import type { Mount } from './launch.ts';

/** The mount that is somebody's home; the root where there is none. */
export function homeOf(mounts: readonly Mount[]): string {
  return mounts.find(mount => mount.path.startsWith('/home/'))?.path ?? '/';
}

/** What the image and the task definition say, and what every container has; nothing of ours. */
export function environmentOf(
  definition: ContainerDefinition,
  image: LocalImage,
  mounts: readonly Mount[],
  ports: DriverContainer['ports'],
): Record<string, string> {
  const own = Object.fromEntries((definition.environment ?? []).map(({ name = '', value = '' }) => [name, value]));
  // A container listens on the host's port itself: so IDE and gate of one namespace never want the same.
  const port = ports.find(({ containerPort }) => String(containerPort) === own['PORT']);
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: homeOf(mounts),
    HOSTNAME: definition.hostname ?? definition.name ?? 'container',
    LANG: 'C.UTF-8',
    TERM: 'xterm-256color',
    ...image.environment,
    ...own,
    ...(port ? { PORT: String(port.hostPort) } : {}),
  };
}
