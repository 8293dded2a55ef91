import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildAssets } from '../../../api/http/assets.ts';
import { html, jsonBlock } from '../../../api/http/pages/html.ts';
import * as pages from '../../../api/http/pages.ts';

const evil = `"><script>alert('x')</script>&amp;`;
const person = { id: 'p', slug: 'p', name: evil, email: 'p@example.edu', role: 'instructor' as const };
const all = {
  'sign-in': pages.signInPage({ email: evil, next: evil, problem: evil }),
  'new password': pages.newPasswordPage({ email: evil, next: evil, problem: evil }),
  forgot: pages.forgotPage({ email: evil, problem: evil }),
  reset: pages.resetPage({ email: evil, problem: evil }),
  open: pages.openPage({ action: evil, ticket: evil, to: evil }),
  message: pages.messagePage({ title: evil, text: evil, link: { href: evil, text: evil } }),
  outbox: pages.outboxPage({ mails: [{ id: '1', at: '2025-01-01T00:00:00Z', to: evil, subject: evil, text: evil }] }),
  shell: pages.shellPage({ page: 'class', title: evil, boot: { person, may: [], to: evil } }),
};

describe('html', () => {
  it('escapes every value, so that what was written is what is read', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map(code => String.fromCharCode(code)) }),
        text => {
          const written = html`<p title="${text}">${[text]}</p>`.text;
          const inside = written.slice('<p title="'.length, -'</p>'.length);
          expect(inside).not.toMatch(/[<']/);
          const [attribute = '', content] = inside.split('">');
          const read = (part: string) =>
            part
              .replaceAll('&lt;', '<')
              .replaceAll('&gt;', '>')
              .replaceAll('&quot;', '"')
              .replaceAll('&#39;', "'")
              .replaceAll('&amp;', '&');
          expect(read(attribute)).toBe(text);
          expect(content).toBe(attribute);
        },
      ),
    );
  });

  it('writes nothing for what is missing, and nests without escaping twice', () => {
    expect(html`<p>${undefined}${null}${false}${html`<b>${'&'}</b>`}${0}</p>`.text).toBe('<p><b>&amp;</b>0</p>');
  });

  it('keeps data inside its JSON block', () => {
    const data = { text: '</script><!--\u2028' };
    const block = jsonBlock('boot', data).text;
    expect(block.match(/<\//g)).toHaveLength(1);
    expect(JSON.parse(block.replace(/^<[^>]*>/, '').replace(/<\/script>$/, ''))).toEqual(data);
  });
});

describe.each(Object.entries(all))('the %s page', (_name, page) => {
  it('has nothing inline and nothing of what it was given unescaped', () => {
    expect(page).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(page).not.toContain("alert('x')</script>");
    expect(page).not.toMatch(/<script(?![^>]* src="\/assets\/)(?![^>]*type="application\/json")/);
    expect(page).not.toMatch(/<style|\sstyle=|\son\w+=/);
  });
});

describe('pages', () => {
  it('keep what was typed, and never a password', () => {
    const page = pages.signInPage({ email: 'ada@example.edu', next: '/wake/x', problem: 'No.' });
    expect(page).toContain('value="ada@example.edu"');
    expect(page).toContain('name="next" value="/wake/x"');
    expect(page).toMatch(/role="alert"[^>]*>No\./);
    expect(page).toMatch(/type="password" name="password" autocomplete="current-password"/);
  });

  it('are light: sign-in with its sheet in 10 KB and no script', async () => {
    const assets = await buildAssets();
    const sheet = assets.get('/assets/style.css')!;
    expect(all['sign-in']).not.toContain('<script');
    expect(Buffer.byteLength(all['sign-in']) + sheet.gzip.length).toBeLessThan(10_000);
  });
});

describe('buildAssets', () => {
  it('names the parts that a script needs at once, and each of them is there', async () => {
    const assets = await buildAssets();
    const needs = assets.get('/assets/class.js')!.needs;
    expect(needs.length).toBeGreaterThan(0);
    for (const part of needs) expect(assets.get(part)?.type).toContain('javascript');
    for (const [name, { body }] of assets)
      for (const [, part] of body.toString().matchAll(/(?:from|import\()"\.\/([\w.-]+\.js)"/g))
        expect(assets.has(`/assets/${part}`), `${part} of ${name}`).toBe(true);
  });

  it('holds every file that a page names, compressed, with an etag by content', async () => {
    const assets = await buildAssets();
    const named = ['class.js', 'join.js', 'post.js', 'student.js', 'style.css', 'wake.js'].map(
      name => `/assets/${name}`,
    );
    expect([...assets.keys()]).toEqual(expect.arrayContaining(named));
    expect(assets.get('/assets/style.css')!.type).toBe('text/css; charset=utf-8');
    expect(assets.get('/assets/wake.js')!.type).toBe('text/javascript; charset=utf-8');
    expect(assets.get('/assets/wake.js')!.etag).not.toBe(assets.get('/assets/class.js')!.etag);
    expect((await buildAssets()).get('/assets/wake.js')!.etag).toBe(assets.get('/assets/wake.js')!.etag);
  });

  it('keeps server code out of the browser', async () => {
    for (const { body } of (await buildAssets()).values()) expect(body.toString()).not.toMatch(/typebox|~kind|node:/);
  });
});
