import { type Html, html } from './html.ts';
import { column, page } from './page.ts';

/** Signing in by address and password. Says nothing about whether an address is known; what was typed is kept, less the password. */
export function signInPage(options: {
  readonly email?: string;
  /** Where to go afterwards; a path of the portal. */
  readonly next?: string;
  /** Why the last try did not work, as a sentence. */
  readonly problem?: string;
  /** Something good to know, such as a password that was just set. */
  readonly notice?: string;
}): string {
  const { email, next, problem, notice } = options;
  const form = html`${said(problem, notice)}
<form method="post" action="/sign-in">
${next && html`<input type="hidden" name="next" value="${next}">`}
${mailField(email, email === undefined || email === '')}
${passwordField('Password', 'current-password', email !== undefined && email !== '')}
<button class="primary">Sign in</button>
</form>
<p><a href="/sign-in/forgot">Forgot or never got it?</a></p>`;
  return page({ title: 'Sign in · Armada', body: column('Sign in', form), narrow: true });
}

/** The first sign-in: the mailed password is replaced by one of the person's own. */
export function newPasswordPage(options: {
  readonly email?: string;
  readonly next?: string;
  readonly problem?: string;
}): string {
  const { email, next, problem } = options;
  const form = html`${said(problem)}
<p>The mailed password was for this once. Choose your own.</p>
<form method="post" action="/sign-in/new-password">
${next && html`<input type="hidden" name="next" value="${next}">`}
${email && html`<input type="email" name="email" value="${email}" autocomplete="username" readonly hidden>`}
${newPasswordField(true)}
<button class="primary">Set password</button>
</form>`;
  return page({ title: 'Choose a password · Armada', body: column('Choose a password', form), narrow: true });
}

/**
 * The first way in, by a link: one chooses a password. A script fills `key` from behind the address's `#`; without
 * script it is pasted.
 */
export function joinPage(options: { readonly key?: string; readonly problem?: string } = {}): string {
  const { key, problem } = options;
  const form = html`${said(problem)}
<div id="join">
<p>Choose a password. You sign in with it from now on.</p>
<form method="post" action="/join">
<noscript><p class="mute">Paste what stands behind the # of your link into the first field.</p></noscript>
<label class="field from-link">Your link’s key
<input id="key" name="key" value="${key ?? ''}" autocomplete="off" required></label>
${newPasswordField(true)}
<button class="primary">Set password and go in</button>
</form>
</div>
<div id="missing" hidden>
<p class="problem" role="alert">Your link is not whole: something must stand behind its #. Copy all of it from where you got it.</p>
<p><a class="button" href="/sign-in">To sign in</a></p>
</div>`;
  return page({ title: 'Join · Armada', body: column('Welcome', form), script: 'join.js', narrow: true });
}

/** Asks for a code by mail. */
export function forgotPage(options: { readonly email?: string; readonly problem?: string } = {}): string {
  const form = html`${said(options.problem)}
<p>If your class lists this address, we send a code to it.</p>
<form method="post" action="/sign-in/forgot">
${mailField(options.email, true)}
<button class="primary">Send a code</button>
</form>
<p class="mute">Never got the invitation? Ask your instructor to send it again.</p>
<p><a href="/sign-in">Back to sign in</a></p>`;
  return page({ title: 'Forgot password · Armada', body: column('Forgot or never got it?', form), narrow: true });
}

/** Sets a new password with the code that was mailed. */
export function resetPage(options: {
  readonly email: string;
  readonly problem?: string;
  readonly notice?: string;
}): string {
  const form = html`${said(options.problem, options.notice ?? 'If your class lists this address, a code is on its way.')}
<form method="post" action="/sign-in/reset">
${mailField(options.email, false)}
<label class="field">Code from the mail
<input name="code" inputmode="numeric" autocomplete="one-time-code" required autofocus></label>
${newPasswordField(false)}
<button class="primary">Set password</button>
</form>
<p><a href="/sign-in/forgot">Send another code</a></p>`;
  return page({ title: 'New password · Armada', body: column('Set a new password', form), narrow: true });
}

function said(problem?: string, notice?: string): Html {
  if (problem) return html`<p class="problem" role="alert" id="problem">${problem}</p>`;
  return notice ? html`<p class="notice" role="status">${notice}</p>` : html``;
}

function mailField(email: string | undefined, focus: boolean): Html {
  return html`<label class="field">E-mail
<input type="email" name="email" value="${email ?? ''}" autocomplete="username" required${focus && html` autofocus`}></label>`;
}

function passwordField(label: string, autocomplete: string, focus: boolean): Html {
  return html`<label class="field">${label}
<input type="password" name="password" autocomplete="${autocomplete}" required${focus && html` autofocus`}></label>`;
}

/** 8 characters: the pool's own rule; its refusals are shown as the page's problem. */
function newPasswordField(focus: boolean): Html {
  return html`<label class="field">New password
<input type="password" name="password" autocomplete="new-password" minlength="8" required${focus && html` autofocus`} aria-describedby="rule"></label>
<p class="mute hint" id="rule">At least 8 characters. A few unrelated words are good.</p>`;
}
