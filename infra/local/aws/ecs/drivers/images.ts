/** What an image is on a machine without a container engine: a program that is there. */
export interface LocalImage {
  readonly entryPoint: readonly string[];
  /** As the image's own environment: PATH and what the program wants; the task definition's comes on top. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Until then the image counts as being fetched: a promise (rejected: it can't be fetched), or asked again and again. */
  readonly ready?: Promise<void> | (() => boolean);
  /** Folders that the program needs and that isolation may hide: under /home, /tmp or a hidden folder. Shown read-only. */
  readonly folders?: readonly string[];
}

/** The images of this machine, by the names that task definitions use. */
export type ImageTable = ReadonlyMap<string, LocalImage>;

/** How often an image that can only be asked is asked. */
const askEvery = 200;

/** Resolves once an image is ready; rejects as a failed pull does, with AWS's words. */
export async function pullImage(images: ImageTable, name: string): Promise<void> {
  const image = images.get(name);
  if (!image)
    throw new Error(
      `CannotPullContainerError: Error response from daemon: pull access denied for ${name}, repository does not exist or may require 'docker login'`,
    );
  const { ready } = image;
  if (typeof ready === 'function') {
    while (!ready()) await new Promise(resolve => setTimeout(resolve, askEvery).unref());
    return;
  }
  await ready?.catch((error: unknown) => {
    throw new Error(`CannotPullContainerError: ${error instanceof Error ? error.message : String(error)}`);
  });
}
