import { type Clock, realClock } from '../../clock.ts';
import type { CheckAnswer, ContainerExit, Driver } from '../driver.ts';

/** How the containers of an image behave that has no processes; without one they run at once and for ever, healthy. */
export interface ScriptedImage {
  /** Fetching it fails with this reason, such as `CannotPullContainerError: …`. */
  readonly pullError?: string;
  readonly pullMilliseconds?: number;
  readonly startMilliseconds?: number;
  /** It ends by itself, this long after it started. */
  readonly exits?: { readonly afterMilliseconds: number } & ContainerExit;
  readonly neverHealthy?: boolean;
  /** It goes on for this long after it was told to stop. */
  readonly stopMilliseconds?: number;
}

/** A driver without processes, and what a test does to its containers. */
export interface NoneDriver extends Driver {
  /** How images behave from now on; a test may change it at any time. */
  readonly images: Map<string, ScriptedImage>;
  /** Ends a running container as if it had ended by itself. False: it does not run. */
  exit(taskId: string, container: string, exit: ContainerExit): boolean;
}

interface Running {
  readonly image: ScriptedImage;
  end(exit: ContainerExit): void;
}

/** Linux's range of ephemeral ports, which ECS takes dynamic host ports from. */
const [firstPort, lastPort] = [32_768, 60_999];

/** Makes a driver that runs nothing: for campaigns and scale, on the injected clock. */
export function createNoneDriver(
  options: { readonly clock?: Clock; readonly images?: ReadonlyMap<string, ScriptedImage> } = {},
): NoneDriver {
  const clock = options.clock ?? realClock;
  const images = new Map(options.images);
  const running = new Map<string, Running>();
  const ports = new Set<number>();
  let nextPort = firstPort;
  const after = (milliseconds: number | undefined) =>
    milliseconds ? new Promise<void>(resolve => void clock.after(milliseconds, resolve)) : Promise.resolve();
  const keyOf = (taskId: string, container: string | undefined) => `${taskId}/${container}`;
  return {
    images,
    start: async () => {},
    stop: async () => running.clear(),
    async takePort(wanted) {
      while (wanted === 0 && ports.has(nextPort)) nextPort = nextPort === lastPort ? firstPort : nextPort + 1;
      const port = wanted === 0 ? nextPort++ : wanted;
      if (nextPort > lastPort) nextPort = firstPort;
      ports.add(port);
      return port;
    },
    givePort: port => void ports.delete(port),
    async pull(image) {
      const script = images.get(image);
      await after(script?.pullMilliseconds);
      if (script?.pullError) throw new Error(script.pullError);
    },
    prepare: async () => {},
    async run(taskId, { definition }, exited) {
      const image = images.get(definition.image ?? '') ?? {};
      await after(image.startMilliseconds);
      const key = keyOf(taskId, definition.name);
      let cancel = () => {};
      const end = (exit: ContainerExit) => {
        cancel();
        if (running.delete(key)) exited(exit);
      };
      running.set(key, { image, end });
      const { exits } = image;
      if (exits)
        cancel = clock.after(exits.afterMilliseconds, () =>
          end({ exitCode: exits.exitCode, ...(exits.reason ? { reason: exits.reason } : {}) }),
        );
    },
    async check(taskId, container): Promise<CheckAnswer> {
      return running.get(keyOf(taskId, container))?.image.neverHealthy ? 'unhealthy' : 'unchanging';
    },
    checkPace: () => 1_000,
    async halt(taskId, container, graceSeconds) {
      const found = running.get(keyOf(taskId, container));
      if (!found) return;
      await after(Math.min(found.image.stopMilliseconds ?? 0, graceSeconds * 1000));
      found.end({ exitCode: 0 });
    },
    release: async () => {},
    forget: () => {},
    logs: async () => [],
    exit(taskId, container, exit) {
      const found = running.get(keyOf(taskId, container));
      found?.end(exit);
      return found !== undefined;
    },
  };
}
