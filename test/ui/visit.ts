import { gzipSync } from 'node:zlib';
import type { Browser, BrowserContext, Page, Response } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { chromiumIsThere, openChromium } from '../support/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { aClass, type Item } from './class.ts';
import { type Portal, startPortal } from './harness.ts';

/**
 * A browser window on a portal of its own, both new for each test: what a page sends while it is being closed may come
 * late, and must not be heard by the next test. Every test also fails on anything that the page complained of.
 */
export class Visit {
  portal!: Portal;
  page!: Page;
  /** Errors of scripts, and what the content security policy refused. */
  complaints: string[] = [];
  private browser: Browser | undefined;
  private context: BrowserContext | undefined;

  constructor() {
    beforeAll(async () => {
      if (chromiumIsThere) this.browser = await openChromium();
    });
    afterAll(async () => {
      await this.browser?.close();
    });
    beforeEach(async () => {
      if (!chromiumIsThere) return;
      this.portal = await startPortal();
      await this.open(1200);
    });
    afterEach(async () => {
      await this.context?.close();
      await this.portal?.close();
      expect(this.complaints).toEqual([]);
    });
  }

  /** A new window of so many pixels. */
  async open(width: number): Promise<void> {
    await this.context?.close();
    this.complaints = [];
    this.context = await this.browser!.newContext({ viewport: { width, height: 800 }, colorScheme: 'light' });
    this.page = await this.context.newPage();
    this.page.setDefaultTimeout(60_000);
    this.page.on('console', message => {
      // Another process of this machine made or removed a network: the page has no part in it, and asks again.
      if (message.type() !== 'error' || message.text().includes('ERR_NETWORK_CHANGED')) return;
      this.complaints.push(message.text());
    });
    this.page.on('pageerror', error => this.complaints.push(error.message));
  }

  /** Opens a class of ten (or so many) in every state, live. */
  async openClass(size = 10): Promise<Item[]> {
    Object.assign(this.portal.state, aClass(size));
    await this.page.goto(`${this.portal.url}/`);
    await this.page
      .locator('table.class tbody tr')
      .nth(size - 1)
      .waitFor();
    await eventually(() => this.portal.streams() === 1);
    return this.portal.state.items;
  }

  /** Bytes that cross the wire: page and assets, and what the API answers, as if it were compressed. */
  async transferred(visit: () => Promise<unknown>): Promise<{ assets: number; lists: number }> {
    const sizes: Promise<readonly ['assets' | 'lists', number]>[] = [];
    const count = (response: Response) => {
      const path = new URL(response.url()).pathname;
      if (path === '/v1/watch') return;
      const kind = path.startsWith('/v1/') ? 'lists' : 'assets';
      sizes.push(response.body().then(body => [kind, gzipSync(body).length] as const));
    };
    this.page.on('response', count);
    await visit();
    await this.page.waitForFunction(() => document.querySelector('.pill') !== null);
    await eventually(() => this.portal.streams() === 1);
    this.page.off('response', count);
    const total = { assets: 0, lists: 0 };
    for (const [kind, size] of await Promise.all(sizes)) total[kind] += size;
    return total;
  }
}
