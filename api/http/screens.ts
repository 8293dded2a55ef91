import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Boot } from '../resources/boot.ts';
import { sharesOrigin } from '../resources/host.ts';
import { addressesInScope } from '../store/people.ts';
import { usualStartSeconds } from '../store/usual.ts';
import { findWorkspace, listWorkspaces } from '../store/workspaces.ts';
import { pageRightsOf, roleOf } from './auth.ts';
import type { App, Dependencies } from './dependencies.ts';
import { pathOf } from './origin.ts';
import { messagePage, outboxPage, shellPage } from './pages.ts';
import { Refused } from './problem.ts';
import { sendPage } from './send-page.ts';
import { visibleCourse } from './visible.ts';

const Mails = Type.Array(
  Type.Object({ id: Type.String(), at: Type.String(), to: Type.String(), subject: Type.String(), text: Type.String() }),
);
const outboxMilliseconds = 5_000;

/** The screens: shells that the UI's scripts fill, their assets, and the outbox of a deployment without mail. */
export function registerScreens(app: App, { pool, settings, assets }: Dependencies): void {
  const bootOf = (request: FastifyRequest): Boot => {
    if (request.principal.kind !== 'person') throw new Refused(403, 'This page is for people.');
    const { id, slug, role: kind, spec } = request.principal.person;
    const outbox = settings.outboxUrl !== undefined && kind === 'instructor';
    const role = kind === 'student' && request.principal.staffOf.length > 0 ? 'staff' : kind;
    return {
      person: { id, slug, name: spec.name, email: spec.email, role },
      may: pageRightsOf(request.principal),
      outbox,
      ...(settings.unwalled && { unwalled: true }),
      ...(kind === 'instructor' && sharesOrigin(settings.balancers) && { sharedOrigin: true }),
    };
  };
  const screen = (reply: FastifyReply, page: 'class' | 'student' | 'wake', title: string, boot: Boot) => {
    const needs = assets.get(`/assets/${page}.js`)?.needs ?? [];
    if (needs.length > 0) reply.header('link', needs.map(part => `<${part}>; rel=modulepreload`).join(', '));
    return sendPage(reply, 200, shellPage({ page, title, boot }));
  };
  const classPage = (reply: FastifyReply, boot: Boot) => screen(reply, 'class', 'Armada', boot);

  app.get(
    '/',
    { schema: { querystring: Type.Object({ stay: Type.Optional(Type.String()) }) } },
    async (request, reply) => {
      const { stay } = request.query;
      const isStaff = roleOf(request.principal) !== 'student';
      // Whoever helps in one class may be a student of another.
      if (isStaff && stay === undefined) return classPage(reply, { ...bootOf(request), course: null });
      if (stay === undefined) {
        const { items } = await listWorkspaces(pool, request.scope, {}, { limit: 2 });
        const [only] = items;
        if (only && items.length === 1) return reply.redirect(`/wake/${only.slug}`, 303);
      }
      return screen(reply, 'student', 'Armada', bootOf(request));
    },
  );

  const course = Type.Object({ course: Type.String() });
  app.get('/classes/:course', { schema: { params: course } }, async (request, reply) => {
    const { slug } = await visibleCourse(pool, request.scope, request.params.course);
    return classPage(reply, { ...bootOf(request), course: slug });
  });
  app.get('/classes/:course/history', { schema: { params: course } }, async (request, reply) => {
    const { slug } = await visibleCourse(pool, request.scope, request.params.course);
    return classPage(reply, { ...bootOf(request), course: slug, history: true });
  });
  app.get('/classes/:course/settings', { schema: { params: course } }, async (request, reply) => {
    const { slug } = await visibleCourse(pool, request.scope, request.params.course);
    return classPage(reply, { ...bootOf(request), course: slug, settings: true });
  });

  // Changes nothing: the page's own script asks for the start, so that no prefetch or foreign page can.
  app.get(
    '/wake/:workspace',
    {
      schema: {
        params: Type.Object({ workspace: Type.String() }),
        querystring: Type.Object({ to: Type.Optional(Type.String({ maxLength: 4000 })) }),
      },
    },
    async (request, reply) => {
      const workspace = await findWorkspace(pool, request.scope, request.params.workspace);
      if (!workspace) throw new Refused(404, 'There is no such workspace here, or it is not yours.');
      const usualSeconds = await usualStartSeconds(pool, workspace.course.id);
      const to = pathOf(request.query.to) ?? '/';
      const boot = { ...bootOf(request), workspace: workspace.slug, to, usualSeconds };
      return screen(reply, 'wake', 'Opening · Armada', boot);
    },
  );

  app.get('/outbox', async (request, reply) => {
    if (settings.outboxUrl === undefined) throw new Refused(404, 'This deployment sends its mail for real.');
    const response = await fetch(settings.outboxUrl, { signal: AbortSignal.timeout(outboxMilliseconds) });
    const mails: unknown = await response.json();
    if (!Value.Check(Mails, mails)) throw new Error('read the outbox: not a list of mails');
    // Mails hold passwords: an instructor sees those of their own classes.
    const addresses = await addressesInScope(pool, request.scope, [
      ...new Set(mails.map(mail => mail.to.toLowerCase())),
    ]);
    return sendPage(reply, 200, outboxPage({ mails: mails.filter(mail => addresses.has(mail.to.toLowerCase())) }));
  });

  app.get('/problems/:name', { schema: { params: Type.Object({ name: Type.String() }) } }, async (request, reply) => {
    const title = request.params.name.replaceAll('-', ' ');
    const text = 'A kind of problem that Armada’s API answers with; the answer’s “detail” says what to do.';
    return sendPage(reply, 200, messagePage({ title, text }));
  });

  app.get('/assets/:file', { schema: { params: Type.Object({ file: Type.String() }) } }, async (request, reply) => {
    const asset = assets.get(`/assets/${request.params.file}`);
    if (!asset) throw new Refused(404, 'There is nothing at this address.');
    reply
      .header('etag', asset.etag)
      .header('cache-control', 'no-cache')
      .header('vary', 'accept-encoding')
      .type(asset.type);
    if (request.headers['if-none-match'] === asset.etag) return reply.code(304).send();
    if (!/\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))) return reply.send(asset.body);
    return reply.header('content-encoding', 'gzip').send(asset.gzip);
  });
}
