/**
 * Makes a function that does jobs of one sort together: what is asked for while others are under way, or in the same
 * turn, goes in one call of `run`, at most `most` at a time. When a call for several fails, each is tried alone, so that
 * nobody pays for another's fault.
 */
export function together<Job>(run: (jobs: readonly Job[]) => Promise<void>, most: number): (job: Job) => Promise<void> {
  interface Waiting {
    readonly job: Job;
    readonly resolve: () => void;
    readonly reject: (error: unknown) => void;
  }
  const waiting: Waiting[] = [];
  let working = false;

  const alone = async ({ job, resolve, reject }: Waiting) => {
    try {
      await run([job]);
      resolve();
    } catch (error) {
      reject(error);
    }
  };
  const work = async () => {
    // Whoever asks in the same turn comes along.
    await Promise.resolve();
    while (waiting.length > 0) {
      const taken = waiting.splice(0, most);
      const jobs = taken.map(({ job }) => job);
      const failed =
        taken.length > 1
          ? await run(jobs).then(
              () => false,
              () => true,
            )
          : true;
      for (const each of taken) {
        if (failed) await alone(each);
        else each.resolve();
      }
    }
    working = false;
  };
  return job =>
    new Promise((resolve, reject) => {
      waiting.push({ job, resolve, reject });
      if (working) return;
      working = true;
      void work();
    });
}
