import type {
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifySchemaValidationError,
} from 'fastify';
import { Refused, sendProblem } from './problem.ts';

/** SQLSTATE classes and codes that mean: the database is away or busy; the same request works a little later. */
const awayCodes = /^(08...|57P0[123]|53300|40001|40P01|55P03|25006|ECONN\w+|EPIPE|ETIMEDOUT|ENOENT|EAI_\w+)$/;
/** Codes of values that the database can't store: only a request's own text can bring them in. */
const badValueCodes = /^22/;
/** Sentences of `pg` that carry no code at all. */
const awaySentences = [
  'Connection terminated unexpectedly',
  'Connection terminated',
  'timeout exceeded when trying to connect',
  'Connection terminated due to connection timeout',
  'Client has encountered a connection error and is not queryable',
];
const retrySeconds = 2;

/** Every refusal and failure leaves as problem+json: no internals, and never a 5xx for what a client sent. */
export function registerErrors(app: FastifyInstance): void {
  const routes = new Map<string, Set<string>>();
  app.addHook('onRoute', route => {
    const methods = routes.get(route.url) ?? new Set();
    for (const method of [route.method].flat()) methods.add(method);
    routes.set(route.url, methods);
  });
  app.setErrorHandler((error: FastifyError, request, reply) => answer(error, request, reply));
  app.setNotFoundHandler((request, reply) => {
    const [path = ''] = request.url.split('?');
    const methods = [...routes].filter(([pattern]) => matches(pattern, path)).flatMap(([, set]) => [...set]);
    if (methods.length === 0) return sendProblem(request, reply, 404, { detail: 'There is nothing at this address.' });
    const allowed = [...new Set(methods)].sort().join(', ');
    reply.header('allow', allowed);
    return sendProblem(request, reply, 405, { detail: `This address takes ${allowed}.` });
  });
}

/** The answer to anything thrown while a request was answered. */
export function answer(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof Refused) {
    if (error.cause !== undefined) request.log.warn({ err: error }, 'refused for a cause elsewhere');
    if (error.retryAfter !== undefined) reply.header('retry-after', String(error.retryAfter));
    return sendProblem(request, reply, error.status, error.facts);
  }
  if (error.validation) {
    const errors = fieldErrors(error.validation, error.validationContext);
    return sendProblem(request, reply, 400, { detail: 'Some of what was sent can’t be taken.', errors });
  }
  if (isAway(error)) {
    request.log.warn({ err: error }, 'database is away');
    reply.header('retry-after', String(retrySeconds));
    return sendProblem(request, reply, 503, { detail: 'The database can’t be reached right now. Try again shortly.' });
  }
  if (badValueCodes.test(error.code ?? '') && error.code?.length === 5) {
    return sendProblem(request, reply, 400, { detail: 'The text has characters that can’t be stored.' });
  }
  if (error.code === '23505') return sendProblem(request, reply, 409, { detail: 'Somebody made the same just now.' });
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500) return sendProblem(request, reply, status, { detail: sentenceOf(error, status) });
  if (status === 503) {
    reply.header('retry-after', String(retrySeconds));
    return sendProblem(request, reply, 503, { detail: 'The portal is busy. Try again shortly.' });
  }
  request.log.error({ err: error }, 'request failed');
  return sendProblem(request, reply, 500, { detail: 'Something went wrong here. It has been written down.' });
}

/** Whether an error says that Postgres can't be reached or is overloaded; pg's own sentences have no code. */
export function isAway(error: { readonly code?: string; readonly message: string }): boolean {
  return awayCodes.test(error.code ?? '') || (error.code === undefined && awaySentences.includes(error.message));
}

/** Fastify's own refusals, in words that name no internals. */
function sentenceOf(error: FastifyError, status: number): string {
  if (status === 413) return 'That is too large.';
  if (status === 415) return 'This content type is not taken here; send JSON.';
  if (error.code === 'FST_ERR_CTP_EMPTY_JSON_BODY') return 'The body is empty.';
  if (error.code === 'FST_ERR_CTP_INVALID_JSON_BODY' || error instanceof SyntaxError) return 'The body is not JSON.';
  if (status === 406) return 'This address answers in another content type.';
  return 'The request can’t be read.';
}

function fieldErrors(
  faults: readonly FastifySchemaValidationError[],
  context: string | undefined,
): { pointer: string; detail: string }[] {
  const details = new Map<string, string[]>();
  for (const fault of faults) {
    for (const name of namesOf(fault)) {
      const path = `${fault.instancePath}${name === '' ? '' : `/${name}`}`;
      const pointer = context === 'body' || context === undefined ? `#${path}` : `${context}${path}`;
      details.set(pointer, [...(details.get(pointer) ?? []), wordsOf(fault)]);
    }
  }
  // Alternatives each say why they don't fit; one line per field says it all.
  return [...details].map(([pointer, list]) => ({ pointer, detail: [...new Set(list)].join(', or ') }));
}

/** Unknown and missing fields are named by the fault's parameters, not by its path. */
function namesOf(fault: FastifySchemaValidationError): readonly string[] {
  const { additionalProperties, requiredProperties } = fault.params;
  const names = fault.keyword === 'required' ? requiredProperties : additionalProperties;
  return Array.isArray(names) ? names.map(String) : [''];
}

function wordsOf(fault: FastifySchemaValidationError): string {
  if (fault.keyword === 'additionalProperties' || fault.keyword === 'boolean') return 'is not a known field';
  if (fault.keyword === 'required') return 'is missing';
  return fault.message ?? 'is not valid';
}

/** Whether a route's pattern is of this path: `:name` stands for one segment, `::` for a colon, a last `*` for any rest. */
function matches(pattern: string, path: string): boolean {
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  if (pattern.endsWith('*')) return path.startsWith(pattern.slice(0, -1));
  return (
    wanted.length === given.length &&
    wanted.every((part, index) =>
      part.startsWith(':') && !part.startsWith('::') ? given[index] !== '' : part.replace('::', ':') === given[index],
    )
  );
}
