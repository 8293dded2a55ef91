import type { App } from './dependencies.ts';

/**
 * Ties a request to what it asked of the loop: each has an id of its own, in its log lines and in the answer's
 * `x-request-id`, and a write logs which objects it was about, at which generation. The controller's lines carry the
 * same ids and generations.
 */
export function registerRequestTrace(app: App): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  app.addHook('preSerialization', async (request, reply, payload) => {
    if (request.method === 'GET' || reply.statusCode >= 300) return payload;
    const about = aboutOf(payload);
    if (about.length > 0) request.log.info({ about }, 'asked');
    return payload;
  });
}

/** What an answer says was written: one object, or a list of results. */
function aboutOf(payload: unknown): readonly object[] {
  const results = member(payload, 'results');
  const written = Array.isArray(results) ? results.filter(result => member(result, 'ok') === true) : [payload];
  return written.flatMap(each => {
    const [kind, id, slug, generation] = ['kind', 'id', 'slug', 'generation'].map(name => member(each, name));
    return typeof id === 'string' ? [{ kind, id, slug, generation }] : [];
  });
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
