import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { takeJoinLink } from '../store/invitations.ts';
import type { App, Dependencies } from './dependencies.ts';
import type { Enter } from './entry.ts';
import { joinPage, messagePage } from './pages.ts';
import { formTargets, sendPage } from './send-page.ts';
import type { Tries } from './tries.ts';

const password = Type.String({ minLength: 1, maxLength: 256 });
/** What a link holds behind its `#`: a handed one its secret, a mailed one address and password, apart by a slash. */
const key = Type.String({ minLength: 1, maxLength: 600 });
const Join = Type.Object({ key, password });

const sentences = {
  used: 'This link has been used, or is too old. If you have chosen a password, sign in with it; else ask your instructor for a new link.',
  weak: 'This password is too weak; choose a longer one.',
  early: 'Your account is still being made. Open your link again in a minute.',
  throttled: 'Too many tries. Wait a few minutes and open your link again.',
} as const;

/**
 * The first way in, by a link: the person chooses a password and is inside. What proves them is behind the `#`, which
 * browsers send to nobody; the page's script puts it into the form.
 */
export function registerJoin(app: App, dependencies: Dependencies, tries: Tries, enter: Enter): void {
  const { pool, identity, now, settings } = dependencies;
  const formAction = formTargets(settings);
  const page = (reply: FastifyReply, status: number, html: string) => sendPage(reply, status, html, { formAction });
  const over = (reply: FastifyReply, status: number, text: string) =>
    page(reply, status, messagePage({ title: 'Join', text, link: { href: '/sign-in', text: 'To sign in' } }));
  const again = (reply: FastifyReply, kept: string) =>
    page(reply, 400, joinPage({ key: kept, problem: sentences.weak }));

  app.get('/join', async (_request, reply) => page(reply, 200, joinPage()));

  app.post('/join', { schema: { body: Join } }, async (request, reply) => {
    const { key: given, password: chosen } = request.body;
    const [, email, mailed] = /^([^/\s]+@[^/\s]+)\/(\S+)$/.exec(given.trim()) ?? [];
    const account = email?.toLowerCase();
    // A handed link's secret can't be guessed, and a class that joins together comes from one address.
    const wait = await tries.count(request, account);
    if (wait !== undefined) return over(reply.header('retry-after', String(wait)), 429, sentences.throttled);

    if (account !== undefined && mailed !== undefined) {
      const first = await identity.signIn(account, mailed);
      if (first.outcome === 'throttled') return over(reply, 429, sentences.throttled);
      if (first.outcome !== 'new-password') return over(reply, 410, sentences.used);
      const second = await identity.setNewPassword(account, first.challenge, chosen);
      if (second.outcome === 'weak-password') return again(reply, given);
      if (second.outcome !== 'proved') return over(reply, 410, sentences.used);
      return enter(request, reply, second.proved, undefined);
    }

    const link = await takeJoinLink(pool, given.trim(), now());
    if (!link) return over(reply, 410, sentences.used);
    const outcome = link.username === null ? 'missing' : await firstPassword(link.username);
    if (outcome === 'set') {
      const answer = await identity.signIn(link.email, chosen);
      if (answer.outcome === 'proved') return enter(request, reply, answer.proved, undefined);
      return reply.redirect('/sign-in', 303);
    }
    if (outcome === 'joined') return over(reply, 410, sentences.used);
    await link.giveBack();
    if (outcome === 'weak-password') return again(reply, given);
    if (outcome === 'missing') return over(reply, 503, sentences.early);
    return over(reply, 429, sentences.throttled);

    async function firstPassword(username: string) {
      try {
        return await identity.setFirstPassword(username, chosen);
      } catch (error) {
        await link?.giveBack();
        throw error;
      }
    }
  });
}
