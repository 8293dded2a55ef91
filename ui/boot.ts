import type { Boot } from '../api/resources/boot.ts';

/** What the page was given by the portal. */
export function readBoot(): Boot {
  return JSON.parse(document.getElementById('boot')?.textContent ?? '{}');
}
