import { STATUS_CODES } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Problem } from '../resources/problem.ts';
import { messagePage } from './pages.ts';

/** Words for the statuses that have a better one than HTTP's own. */
const titles: Readonly<Record<number, string>> = {
  400: 'Not a valid request',
  401: 'Not signed in',
  403: 'Not allowed',
  404: 'Not found',
  409: 'In conflict',
  412: 'Changed meanwhile',
  413: 'Too large',
  422: 'Not confirmed',
  429: 'Too many tries',
  503: 'Not available',
};

/** What a problem may say besides its status. */
export type Facts = Pick<Problem, 'detail' | 'errors' | 'current'>;

/** A problem as it is answered; `instance` is the request's id. */
export function problemOf(status: number, facts: Facts, instance?: string): Problem {
  const title = titles[status] ?? STATUS_CODES[status] ?? 'Problem';
  const name = (STATUS_CODES[status] ?? 'problem').toLowerCase().replace(/[^a-z]+/g, '-');
  return { type: `/problems/${name}`, title, status, ...facts, ...(instance === undefined ? {} : { instance }) };
}

/** Thrown where a request can't be answered as asked; the error table turns it into the answer. */
export class Refused extends Error {
  readonly status: number;
  readonly facts: Facts;
  /** For 429 and 503: when to try again. */
  readonly retryAfter: number | undefined;

  constructor(status: number, facts: Facts | string, retryAfter?: number, cause?: unknown) {
    const said = typeof facts === 'string' ? { detail: facts } : facts;
    super(said.detail ?? STATUS_CODES[status], { cause });
    this.status = status;
    this.facts = said;
    this.retryAfter = retryAfter;
  }
}

/** 404 in words: `No course "python".` */
export function notFound(kind: string, name: string): Refused {
  return new Refused(404, `There is no ${kind} ${JSON.stringify(name.slice(0, 80))} here.`);
}

/** Answers with a problem: as application/problem+json, or, to a person who is going somewhere, as a page. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, status: number, facts: Facts): FastifyReply {
  reply.removeHeader('etag').code(status).header('cache-control', 'no-store');
  const problem = problemOf(status, facts, request.id);
  const isPage = !request.url.startsWith('/v1/') && (request.headers.accept ?? '').includes('text/html');
  if (!isPage) return reply.type('application/problem+json').serializer(JSON.stringify).send(problem);
  if (status === 401) return reply.redirect(`/sign-in?next=${encodeURIComponent(request.url)}`, 303);
  const page = messagePage({
    title: problem.title,
    text: problem.detail ?? '',
    link: { href: '/', text: 'To the portal' },
  });
  return reply.type('text/html; charset=utf-8').serializer(String).send(page);
}
