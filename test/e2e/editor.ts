import type { Locator, Page } from 'playwright-core';
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
  const terminal = page.locator('.terminal.xterm').first();
  // The key also closes: it is pressed only while there is none to be seen.
  await eventually(async () => {
    if (!(await terminal.isVisible())) await page.keyboard.press('Control+`');
    await terminal.waitFor({ timeout: 10_000 });
    return true;
  });
  await terminal.click();
}

export async function type(page: Page, text: string): Promise<void> {
  await page.locator('.terminal.xterm').first().click();
  // A terminal that has just come takes the focus, and with it a key that was meant for elsewhere: the line begins anew.
  await page.keyboard.press('Control+U');
  await page.keyboard.insertText(text);
  await page.keyboard.press('Enter');
}

/** The line at the top, shown by a key and filled in: keys that are pressed before it has the focus go elsewhere. */
export async function fillQuickInput(page: Page, key: string, text: string): Promise<Locator> {
  const input = page.locator('.quick-input-widget input');
  await eventually(async () => {
    if (!(await input.isVisible())) await page.keyboard.press(key);
    await input.fill(text, { timeout: 10_000 });
    return (await input.inputValue()) === text;
  });
  return input;
}

/** Opens a file of the home by its name, typed as by a person. */
export async function openFile(page: Page, name: string): Promise<void> {
  const named = new RegExp(name.replace('.', '\\.'));
  const input = page.locator('.quick-input-widget input');
  await eventually(async () => {
    if (!(await input.isVisible())) await page.keyboard.press('Control+P');
    await input.fill('', { timeout: 10_000 });
    await input.pressSequentially(name, { delay: 20 });
    try {
      await page.getByRole('option', { name: named }).first().waitFor({ timeout: 8_000 });
    } catch (error) {
      // What a search has found before it does not look for again: a click elsewhere ends it.
      await page.locator('.terminal.xterm').first().click();
      throw error;
    }
    return true;
  });
  await input.press('Enter');
  await page.getByRole('tab', { name: named }).first().waitFor();
}
