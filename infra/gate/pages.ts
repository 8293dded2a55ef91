import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { continuePath } from './paths.ts';

/** A page of the gate's own: plain, without script. */
export interface Page {
  readonly status: number;
  readonly title: string;
  /** Paragraphs of plain text. */
  readonly text: readonly string[];
  /** A link onwards, or a button that posts. */
  readonly next?:
    | { readonly link: string; readonly label: string }
    | { readonly continueTo: string; readonly base: string };
  /** The page asks again by itself after so many seconds. */
  readonly refreshSeconds?: number;
}

const style = `body{font:16px/1.5 system-ui,sans-serif;margin:0;color:#1c2530;background:#f6f7f9;color-scheme:light dark}
main{max-width:34rem;margin:18vh auto 0;padding:0 1.5rem}h1{font-size:1.4rem;margin:0 0 .75rem}
a,button{display:inline-block;margin-top:.5rem;font:inherit;color:#fff;background:#1d5fd1;border:0;border-radius:6px;padding:.5rem 1rem;text-decoration:none;cursor:pointer}
a:focus-visible,button:focus-visible{outline:3px solid #f2a900;outline-offset:2px}
@media(prefers-color-scheme:dark){body{color:#e6e9ee;background:#14181d}}`;
const styleHash = createHash('sha256').update(style).digest('base64');

/** For every answer that the gate itself gives. */
export const ownHeaders = {
  'cache-control': 'no-store',
  // Not `no-referrer`: a form of such a page posts `Origin: null`, which the gate refuses.
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
} as const;

/** No session and nothing that could show the portal's sign-in: also a page left open for longer than a session. */
export function signedOutPage(portalOrigin: string): Page {
  return {
    status: 401,
    title: 'You are not signed in here',
    text: ['Open the workspace from Armada again.'],
    next: { link: portalOrigin, label: 'Go to Armada' },
  };
}

/** A ticket, a state or an Origin is not as it must be. */
export function refusedPage(portalOrigin: string): Page {
  return {
    status: 403,
    title: 'This way in does not work any more',
    text: ['It can be used once, within half a minute, in the browser that asked for it. Open the workspace again.'],
    next: { link: portalOrigin, label: 'Go to Armada' },
  };
}

/** The portal could not confirm rights just now, or the home is not yet held. */
export function notNowPage(portalOrigin: string): Page {
  return {
    status: 503,
    title: 'Nobody can be let in at the moment',
    text: ['The workspace can’t reach Armada to ask who may come in. It keeps trying; try again in a minute.'],
    next: { link: portalOrigin, label: 'Go to Armada' },
  };
}

/** A path below the gate's own that is none. */
export function notFoundPage(base: string): Page {
  return {
    status: 404,
    title: 'There is no such page',
    text: [],
    next: { link: `${base}/`, label: 'Go to the workspace' },
  };
}

/** The IDE does not answer. */
export function ideAwayPage(): Page {
  return {
    status: 502,
    title: 'The IDE does not answer yet',
    text: ['It is starting or was restarted. This page looks again every two seconds.'],
    refreshSeconds: 2,
  };
}

/** Shown to staff, once per session, before anything that a student's code could have made. */
export function noticePage(owner: string, base: string, to: string): Page {
  return {
    status: 200,
    title: `Code on this page is ${possessive(owner)}.`,
    text: ['Armada never asks for a password here.', 'Type nothing that is not meant for the owner of this workspace.'],
    next: { continueTo: to, base },
  };
}

/** Sends a page; to a program that did not ask for one, its status alone. */
export function sendPage(response: ServerResponse, page: Page, wanted: boolean): void {
  const html = wanted ? render(page) : '';
  response.writeHead(page.status, {
    ...ownHeaders,
    'content-type': wanted ? 'text/html; charset=utf-8' : 'text/plain',
    'content-length': Buffer.byteLength(html),
  });
  response.end(html);
}

function render(page: Page): string {
  const refresh =
    page.refreshSeconds === undefined ? '' : `<meta http-equiv="refresh" content="${page.refreshSeconds}">`;
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(page.title)}</title>${refresh}<style>${style}</style></head><body><main>
<h1>${escapeHtml(page.title)}</h1>${page.text.map(each => `<p>${escapeHtml(each)}</p>`).join('')}${renderNext(page.next)}
</main></body></html>`;
}

function renderNext(next: Page['next']): string {
  if (!next) return '';
  if ('link' in next) return `<a href="${escapeHtml(next.link)}">${escapeHtml(next.label)}</a>`;
  return `<form method="post" action="${escapeHtml(next.base)}${continuePath}"><input type="hidden" name="to" value="${escapeHtml(next.continueTo)}"><button autofocus>Continue</button></form>`;
}

function possessive(name: string): string {
  return /s$/i.test(name) ? `${name}’` : `${name}’s`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => entities[character] ?? '');
}
