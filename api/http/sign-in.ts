import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { noteCode } from '../store/mails.ts';
import { findPersonByEmail } from '../store/people.ts';
import { endSession, endSessionsOf } from '../store/sessions.ts';
import { challengeOf, clearChallenge, setChallenge } from './challenge.ts';
import type { App, Dependencies } from './dependencies.ts';
import { createEnter } from './entry.ts';
import type { Answer } from './identity.ts';
import { registerJoin } from './join.ts';
import { pathOf } from './origin.ts';
import { forgotPage, newPasswordPage, resetPage, signInPage } from './pages.ts';
import { sessionCookie } from './principal.ts';
import { formTargets, sendPage } from './send-page.ts';
import { limitTries } from './tries.ts';

const text = Type.String({ maxLength: 2000 });
const email = Type.String({ minLength: 1, maxLength: 254 });
const password = Type.String({ minLength: 1, maxLength: 256 });
const SignIn = Type.Object({ email, password, next: Type.Optional(text) });
const NewPassword = Type.Object({ password, email: Type.Optional(text), next: Type.Optional(text) });
const Reset = Type.Object({ email, code: Type.String({ minLength: 1, maxLength: 64 }), password });

const sentences: Readonly<Record<Exclude<Answer['outcome'], 'proved' | 'new-password'>, string>> = {
  refused: 'Address and password don’t match. A mailed password works once and for 7 days.',
  expired: 'That took too long. Please start again.',
  'weak-password': 'This password is too weak; choose a longer one.',
  throttled: 'Too many tries. Wait a few minutes and try again.',
};
/** Signing in and out: plain forms, no script. A session begins in `enter` and nowhere else. */
export function registerSignIn(app: App, dependencies: Dependencies): void {
  const { pool, identity, now, settings } = dependencies;
  const tries = limitTries(dependencies);
  const enter = createEnter(dependencies, tries);
  registerJoin(app, dependencies, tries, enter);
  const targets = formTargets(settings);
  const page = (reply: FastifyReply, status: number, html: string) =>
    sendPage(reply, status, html, { formAction: targets });

  app.get(
    '/sign-in',
    { schema: { querystring: Type.Object({ next: Type.Optional(text) }) } },
    async (request, reply) => {
      const next = pathOf(request.query.next);
      if (request.principal.kind === 'person') return reply.redirect(next ?? '/', 303);
      return page(reply, 200, signInPage(next === undefined ? {} : { next }));
    },
  );

  app.post('/sign-in', { schema: { body: SignIn } }, async (request, reply) => {
    const { email: typed, password: given } = request.body;
    const address = typed.trim().toLowerCase();
    const next = pathOf(request.body.next);
    const kept = { email: typed, ...(next === undefined ? {} : { next }) };
    const wait = await tries.count(request, address);
    if (wait !== undefined) {
      reply.header('retry-after', String(wait));
      return page(reply, 429, signInPage({ ...kept, problem: sentences.throttled }));
    }
    const answer = await identity.signIn(address, given);
    if (answer.outcome === 'proved') return enter(request, reply, answer.proved, next);
    if (answer.outcome === 'new-password') {
      setChallenge(reply, { email: address, challenge: answer.challenge, next });
      return reply.header('cache-control', 'no-store').redirect('/sign-in/new-password', 303);
    }
    return page(reply, 401, signInPage({ ...kept, problem: sentences[answer.outcome] }));
  });

  app.get('/sign-in/new-password', async (request, reply) => {
    const challenge = challengeOf(request);
    if (!challenge) return reply.redirect('/sign-in', 303);
    return page(reply, 200, newPasswordPage({ email: challenge.email }));
  });

  app.post('/sign-in/new-password', { schema: { body: NewPassword } }, async (request, reply) => {
    const known = challengeOf(request);
    if (!known) return page(reply, 401, signInPage({ problem: sentences.expired }));
    const answer = await identity.setNewPassword(known.email, known.challenge, request.body.password);
    if (answer.outcome === 'proved') return enter(request, reply, answer.proved, known.next);
    if (answer.outcome === 'weak-password') {
      return page(reply, 400, newPasswordPage({ email: known.email, problem: sentences['weak-password'] }));
    }
    const problem = answer.outcome === 'new-password' ? sentences.expired : sentences[answer.outcome];
    return page(clearChallenge(reply), 401, signInPage({ email: known.email, problem }));
  });

  app.get('/sign-in/forgot', async (_request, reply) => page(reply, 200, forgotPage()));

  app.post('/sign-in/forgot', { schema: { body: Type.Object({ email }) } }, async (request, reply) => {
    const address = request.body.email.trim().toLowerCase();
    const wait = await tries.count(request, address, 'code');
    if (wait !== undefined || (await identity.sendCode(address)) === 'throttled') {
      reply.header('retry-after', String(wait ?? 300));
      return page(reply, 429, forgotPage({ email: address, problem: sentences.throttled }));
    }
    // Not waited for: how long it takes would tell whether the address is known.
    noteCode(pool, address, now()).catch(err => request.log.error({ err }, 'a mailed code could not be counted'));
    return page(reply, 200, resetPage({ email: address }));
  });

  app.post('/sign-in/reset', { schema: { body: Reset } }, async (request, reply) => {
    const { code, password: given } = request.body;
    const address = request.body.email.trim().toLowerCase();
    const wait = await tries.count(request, address, 'code');
    if (wait !== undefined) {
      reply.header('retry-after', String(wait));
      return page(reply, 429, resetPage({ email: address, problem: sentences.throttled }));
    }
    const outcome = await identity.resetPassword(address, code.trim(), given);
    if (outcome !== 'set') {
      const problem = outcome === 'refused' ? 'This code is not the one that we sent.' : sentences[outcome];
      return page(reply, 400, resetPage({ email: address, problem }));
    }
    const person = await findPersonByEmail(pool, address);
    if (person) await endSessionsOf(pool, person.id);
    return page(reply, 200, signInPage({ email: address, notice: 'Your new password is set.' }));
  });

  app.post('/sign-out', async (request, reply) => {
    const { principal } = request;
    if (principal.kind === 'person' && principal.session) {
      await endSession(pool, principal.session.id);
      dependencies.hub.recheck();
    }
    reply.clearCookie(sessionCookie, { path: '/', secure: true, httpOnly: true, sameSite: 'lax' });
    const isForm = (request.headers.accept ?? '').includes('text/html');
    return isForm ? reply.redirect('/sign-in', 303) : reply.code(204).send();
  });
}
