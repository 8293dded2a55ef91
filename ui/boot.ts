import type { Boot, PageRight } from '../api/resources/boot.ts';

/** What the page was given by the portal. */
export const boot: Boot = JSON.parse(document.getElementById('boot')?.textContent ?? '{}');

/** Whether the API would let the person who is signed in do this: what it would refuse is not offered. */
export function may(right: PageRight): boolean {
  return boot.may.includes(right);
}
