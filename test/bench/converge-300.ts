import { floorSeconds, startThrottled, type Throttled } from '../reconcilers/throttled.ts';
import { ending, tell } from './ending.ts';
import { type Bench, type Print, rounded } from './figures.ts';

const count = 300;
const goal = 1.1;
/** Behind so many a person waits. */
const crowd = 150;
const goalServedSeconds = 2;

/**
 * A class made from nothing at an endpoint that enforces AWS's token buckets. Time is a clock's that stands still while
 * anything is at work: what is measured is the waiting for tokens, not this machine.
 */
export const converge300: Bench = {
  name: 'converge-300',
  does: '300 workspaces from nothing at AWS’s own rates: seconds over the floor of its buckets, refused calls, a person’s start meanwhile',
  async run(print) {
    await inWorld(async world => {
      tell(`making ${count} workspaces`);
      const { seconds, calls } = await converge(world);
      const floor = floorSeconds(count);
      print({
        figure: `${count} workspaces from nothing, in the seconds that AWS’s buckets need`,
        value: rounded(seconds / floor),
        unit: '×',
        goal: `≤ ${goal} ×`,
        met: seconds / floor <= goal,
        of: { seconds: rounded(seconds), floorSeconds: rounded(floor), ...calls },
      });
      printRefused(world, print);
    });
    await inWorld(async world => {
      tell(`starting one while ${crowd} are being made`);
      const served = await serve(world);
      print({
        figure: `from a person’s wish to its write, in front of ${crowd} that wait`,
        value: rounded(served),
        unit: 's',
        goal: `≤ ${goalServedSeconds} s`,
        met: served <= goalServedSeconds,
      });
      printRefused(world, print);
    });
  },
};

async function inWorld(work: (world: Throttled) => Promise<void>): Promise<void> {
  const world = await startThrottled();
  const close = ending(world.close);
  try {
    await work(world);
  } finally {
    await close();
  }
}

function printRefused({ refused }: Throttled, print: Print): void {
  print({ figure: 'refused for their rate', value: refused(), unit: 'calls', goal: '0', met: refused() === 0 });
}

async function converge({ clock, rows, calls, add, until }: Throttled) {
  const start = clock.now();
  let left = count;
  const passes = Array.from({ length: count }, async (_, index) => {
    await rows.pass(add(index));
    left -= 1;
  });
  await until(() => left === 0);
  await Promise.all(passes);
  return { seconds: (clock.now() - start) / 1000, calls: calls.counts() };
}

/** Seconds from the wish to the first call that makes a service. */
async function serve({ clock, rows, calls, add, until }: Throttled): Promise<number> {
  const person = add(count, 'p');
  const settled = async () => {
    let isSettled = false;
    const settling = rows.settle(person).then(() => {
      isSettled = true;
    });
    await until(() => isSettled);
    await settling;
  };
  await settled();
  // The buckets are full again before the class begins.
  await clock.advance(60_000);
  let left = crowd;
  const passes = Array.from({ length: crowd }, async (_, index) => {
    await rows.pass(add(index), false);
    left -= 1;
  });
  // The class has used up what was saved: everything waits in line now.
  await until(() => left < crowd - 20);
  const asked = clock.now();
  let acted = 0;
  const end = calls.listen(({ operation }) => {
    if (operation === 'CreateService') acted = clock.now();
  });
  rows.ask(person, { spec: { running: true, restarts: 0 } });
  const starting = rows.settle(person);
  await until(() => acted > 0, 50, 25);
  end();
  const seconds = (acted - asked) / 1000;
  let isOver = false;
  const over = Promise.all([starting, ...passes]).then(() => {
    isOver = true;
  });
  await until(() => isOver);
  await over;
  return seconds;
}
