import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { eventually } from '../support/eventually.ts';
import type { Product } from '../support/product.ts';

/** Signs the first instructor in, with a password of their own. */
export async function signInAsInstructor(page: Page, product: Product): Promise<void> {
  await page.goto(product.url);
  await page.locator('input[name=email]').fill(product.email);
  await page.locator('input[name=password]').fill(product.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('input[name=password]').fill('an instructor’s own 1');
  await page.getByRole('button', { name: 'Set password' }).click();
  await page.getByRole('heading', { name: 'Make your first class' }).waitFor();
}

/** Makes course `intro`, taken by cohort `fall` with Ada, from the portal's own page; answers her workspace's slug. */
export async function makeClassOfAda(page: Page): Promise<string> {
  const ask = (method: string, path: string, body?: object) =>
    page.evaluate(
      async ([method, path, body]) => {
        const headers: HeadersInit = body === undefined ? [] : [['content-type', 'application/json']];
        const answer = await fetch(`/v1/${path}`, { method: method!, body: body ?? null, headers });
        return { status: answer.status, body: await answer.text() };
      },
      [method, path, body === undefined ? undefined : JSON.stringify(body)],
    );
  await ask('PUT', 'courses/intro', { name: 'Intro' });
  await ask('PUT', 'cohorts/fall', { name: 'Fall' });
  await ask('PUT', 'courses/intro/cohorts/fall', {});
  const roster = await ask('POST', 'cohorts/fall/roster', { text: 'Ada Lovelace <ada@school.example>' });
  expect(roster.status, roster.body).toBeLessThan(300);
  return eventually(async () => JSON.parse((await ask('GET', 'workspaces')).body).items[0]?.slug);
}

/** Starts Ada's workspace from its Wake page and goes in, past the notice whose code runs there. */
export async function openEditorOfAda(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^Start it for Ada/ }).click();
  const notice = page.getByRole('button', { name: 'Continue' });
  await page.getByRole('link', { name: 'Open' }).or(notice).waitFor({ timeout: 60_000 });
  if (!(await notice.isVisible())) await page.getByRole('link', { name: 'Open' }).click();
  await notice.click();
  await page.locator('.monaco-workbench').waitFor({ timeout: 60_000 });
}
