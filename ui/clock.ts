import { signal } from '@preact/signals';

/** Now, by the second: for what is on its way. */
export const clock = signal(new Date());
/** Now, by the half minute: for what stands still, so that a settled table is not drawn anew each second. */
export const slowClock = signal(new Date());

/** Seconds between two beats of the slow clock: "12 min" may be half a minute late. */
const slowSeconds = 30;

setInterval(() => {
  if (document.hidden) return;
  clock.value = new Date();
  if (clock.value.getTime() - slowClock.value.getTime() >= slowSeconds * 1000) slowClock.value = clock.value;
}, 1000);
