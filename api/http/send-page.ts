import type { FastifyReply } from 'fastify';
import { workspaceHost } from '../resources/host.ts';
import type { Settings } from './settings.ts';

/** Where a form may lead: `'self'`, and the workspaces' origins, for browsers check where a form's answer redirects to. */
export function formTargets({ balancers, portalUrl }: Pick<Settings, 'balancers' | 'portalUrl'>): string {
  const portal = new URL(portalUrl);
  const port = portal.port === '' ? '' : `:${portal.port}`;
  return ["'self'", ...balancers.map(each => `${portal.protocol}//${workspaceHost('*', each)}${port}`)].join(' ');
}

/** Answers a page: never kept, and with the form targets that it needs. */
export function sendPage(
  reply: FastifyReply,
  status: number,
  html: string,
  options: { readonly formAction?: string } = {},
): FastifyReply {
  const policy = String(reply.getHeader('content-security-policy') ?? '');
  if (options.formAction !== undefined) {
    reply.header('content-security-policy', policy.replace(/form-action [^;]*/, `form-action ${options.formAction}`));
  }
  return reply
    .code(status)
    .header('cache-control', 'no-store')
    .type('text/html; charset=utf-8')
    .serializer(String)
    .send(html);
}
