import type { Page } from 'playwright-core';
import { eventually } from '../support/eventually.ts';

/** What a student does in the editor. */

/** A server of a student's own: a page, and a WebSocket that greets, with nothing but Node. */
export const serverProgram = `const { createHash } = require('node:crypto');
require('node:http').createServer((q, r) => r.end('own page')).on('upgrade', (q, socket) => {
  const accept = createHash('sha1').update(q.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: ' + accept + '\\r\\n\\r\\n');
  socket.write(Buffer.concat([Buffer.from([0x81, 5]), Buffer.from('hello')]));
}).listen(4321);
`;

export async function openTerminal(page: Page): Promise<void> {
  await page.locator('.monaco-workbench').click();
  await eventually(
    async () => {
      await page.keyboard.press('Control+`');
      await page.locator('.terminal .xterm-helper-textarea').first().waitFor({ state: 'attached', timeout: 4_000 });
      return true;
    },
    { within: 40_000 },
  );
  await page.locator('.terminal.xterm').first().click();
}

export async function type(page: Page, text: string): Promise<void> {
  await page.locator('.terminal.xterm').first().click();
  await page.keyboard.insertText(text);
  await page.keyboard.press('Enter');
}

/** Opens a file of the home by its name, as a person does from the keyboard. */
export async function openFile(page: Page, name: string): Promise<void> {
  await page.keyboard.press('Control+P');
  await page.locator('.quick-input-widget input').waitFor();
  await page.keyboard.type(name, { delay: 20 });
  await page
    .getByRole('option', { name: new RegExp(name.replace('.', '\\.')) })
    .first()
    .waitFor({ timeout: 20_000 });
  await page.keyboard.press('Enter');
  await page
    .getByRole('tab', { name: new RegExp(name.replace('.', '\\.')) })
    .first()
    .waitFor();
}
