import { type Html, html } from './html.ts';

/** A whole document around `body`; `script` is a module under /assets. Nothing inline: the CSP allows neither script nor style. */
export function page(options: {
  readonly title: string;
  readonly body: Html;
  readonly script?: string;
  /** Another sheet under /assets in place of the common one, which it holds: one request fewer. */
  readonly sheet?: string;
  readonly narrow?: boolean;
}): string {
  const { title, body, script, sheet, narrow } = options;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/${sheet ?? 'style.css'}">
${script && html`<script type="module" src="/assets/${script}"></script>`}
</head>
<body${narrow && html` class="narrow"`}>
${body}
</body>
</html>
`.text;
}

/** The frame of a small page: the product's name, then one column. */
export function column(title: string, content: Html): Html {
  return html`<header class="bar"><a class="brand" href="/">Armada</a></header>
<main class="column"><h1>${title}</h1>
${content}</main>`;
}
