import { calls } from './calls.ts';
import { classroom } from './classroom.ts';
import { clickToIde } from './click-to-ide.ts';
import { converge300 } from './converge-300.ts';
import { crash } from './crash.ts';
import { drift } from './drift.ts';
import { endAll, tell } from './ending.ts';
import { events } from './events.ts';
import type { Bench } from './figures.ts';
import { firstLoad } from './first-load.ts';
import { firstRun } from './first-run.ts';
import { gate } from './gate.ts';
import { idle } from './idle.ts';
import { loop } from './loop.ts';
import { proxy } from './proxy.ts';
import { reads } from './reads.ts';
import { resync1000 } from './resync-1000.ts';
import { scale10000 } from './scale-10000.ts';
import { startMany, startOne, stopMany } from './starts.ts';
import { streams } from './streams.ts';

/** `npm run bench [-- NAME…]`: prints one JSON line a figure. */

const benches: readonly Bench[] = [
  firstRun,
  classroom,
  clickToIde,
  startOne,
  startMany,
  stopMany,
  calls,
  gate,
  proxy,
  firstLoad,
  streams,
  converge300,
  resync1000,
  scale10000,
  idle,
  drift,
  crash,
  events,
  loop,
  reads,
];
const asked = process.argv.slice(2);
if (asked.includes('--help')) {
  for (const { name, does } of benches) console.log(`${name.padEnd(14)} ${does}`);
  process.exit(0);
}
const unknown = asked.filter(name => !benches.some(bench => bench.name === name));
if (unknown.length > 0) {
  console.error(`No bench ${unknown.join(', ')}. There are: ${benches.map(({ name }) => name).join(', ')}.`);
  process.exit(2);
}
let isBrokenOff = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void breakOff());
try {
  for (const bench of benches.filter(({ name }) => asked.length === 0 || asked.includes(name))) {
    tell(`${bench.name}: ${bench.does}`);
    await bench.run(figure => console.log(JSON.stringify({ bench: bench.name, ...figure })));
    tell(`${bench.name}: done`);
  }
  process.exit(0);
} catch (error) {
  // What fails because everything is being ended says nothing.
  if (!isBrokenOff) {
    console.error(error);
    await endAll();
    process.exit(1);
  }
}

/** Ctrl-C: ends what runs, and leaves nothing behind. */
async function breakOff(): Promise<void> {
  if (isBrokenOff) return;
  isBrokenOff = true;
  for (const fault of ['uncaughtException', 'unhandledRejection']) process.on(fault, () => {});
  tell('broken off: ending what runs');
  await endAll();
  process.exit(130);
}
