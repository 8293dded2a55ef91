import type { Boot } from '../resources/boot.ts';
import { html, jsonBlock } from './pages/html.ts';
import { column, page } from './pages/page.ts';

export { forgotPage, joinPage, newPasswordPage, resetPage, signInPage } from './pages/sign-in.ts';

/** The page that carries a browser from the portal into a workspace: posts the ticket to the gate, by itself or by a button. */
export function openPage(options: {
  /** The workspace's `enterPath`, absolute. */
  readonly action: string;
  readonly ticket: string;
  readonly to: string;
}): string {
  const form = html`<form method="post" action="${options.action}" id="post">
<input type="hidden" name="ticket" value="${options.ticket}">
<input type="hidden" name="to" value="${options.to}">
<p class="mute">Your editor opens in a moment.</p>
<noscript><button class="primary">Open</button></noscript>
</form>`;
  return page({ title: 'Opening · Armada', body: column('Opening', form), script: 'post.js', narrow: true });
}

/** A page with one sentence and at most one way on: not found, not yours, signed out. */
export function messagePage(options: {
  readonly title: string;
  readonly text: string;
  readonly link?: { readonly href: string; readonly text: string };
}): string {
  const { title, text, link } = options;
  const body = html`<p dir="auto">${text}</p>
${link && html`<p><a class="button primary" href="${link.href}">${link.text}</a></p>`}`;
  return page({ title: `${title} · Armada`, body: column(title, body), narrow: true });
}

/** A mail as the local Cognito keeps it. `text` is plain. */
export interface Mail {
  readonly id: string;
  readonly at: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** The mails of a deployment that sends none, newest first: for instructors only, since they hold passwords. */
export function outboxPage(options: { readonly mails: readonly Mail[] }): string {
  const mails = options.mails.toSorted((a, b) => b.at.localeCompare(a.at));
  const body = html`<header class="bar"><a class="brand" href="/">Armada</a></header>
<main><h1>Outbox</h1>
<p class="mute">This deployment runs on one machine and sends no mail: hand these on yourself. They hold passwords.</p>
${mails.length === 0 && html`<p class="empty">No mail yet. Add a student, and the invitation appears here.</p>`}
<div class="mails">${mails.map(
    mail => html`<article class="mail">
<header><strong dir="auto">${mail.to}</strong><time class="mute" datetime="${mail.at}">${mail.at.slice(0, 16).replace('T', ' ')} UTC</time></header>
<h2 dir="auto">${mail.subject}</h2>
<pre dir="auto">${mail.text}</pre>
</article>
`,
  )}</div></main>`;
  return page({ title: 'Outbox · Armada', body, script: 'times.js' });
}

/** The document that one of the UI's scripts fills. `boot` is all that it knows before its first request. */
export function shellPage(options: {
  readonly page: 'class' | 'student' | 'wake';
  readonly title: string;
  readonly boot: Boot;
}): string {
  const body = html`<div id="app"></div>
<noscript><p class="column">This page is live and needs JavaScript.</p></noscript>
${jsonBlock('boot', options.boot)}`;
  const sheet = options.page === 'class' ? { sheet: 'class.css' } : {};
  return page({ title: options.title, body, script: `${options.page}.js`, ...sheet });
}
