import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const executablePath = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
  candidate => candidate && existsSync(candidate),
);

/** False where no Chromium is installed: browser tests are skipped then, with a line that says so. */
export const chromiumIsThere = executablePath !== undefined;
if (!chromiumIsThere) console.log('no Chromium found (Debian: apt-get install chromium): browser tests are skipped');

/** Debian's Chromium, headless, told to call nobody; with further switches. `wrap` may put a program before it. */
export function openChromium(
  switches: readonly string[] = [],
  wrap: (executable: string) => string = executable => executable,
): Promise<Browser> {
  return chromium.launch({
    timeout: 120_000,
    executablePath: executablePath && wrap(executablePath),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...switches,
    ],
  });
}
