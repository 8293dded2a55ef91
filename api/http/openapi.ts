import fastifySwagger from '@fastify/swagger';
import { type TSchema, Type } from 'typebox';
import { Problem } from '../resources/problem.ts';
import { type Answers, answers, answerTypes, bodies, refusalsOf } from './answers.ts';
import type { App } from './dependencies.ts';

/** Every refusal. */
const problem = { description: 'Refused, and why.', content: { 'application/problem+json': { schema: Problem } } };

/** Serves the description of `/v1`, made from the routes' own schemas. */
export async function registerOpenapi(app: App): Promise<void> {
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Armada', version: '1', description: 'Classes of real IDEs: people, courses, workspaces.' },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
      security: [{ bearer: [] }],
    },
    transform: ({ schema, url, route }) => {
      if (!url.startsWith('/v1/')) return { schema: { ...schema, hide: true }, url };
      const method = [route.method].flat().find(each => each !== 'HEAD') ?? 'GET';
      const fine = answers[`${method} ${url}`] ?? {};
      const refusals = Object.fromEntries(refusalsOf(method, url).map(status => [status, problem]));
      const response = { ...described(fine, answerTypes[`${method} ${url}`]), ...refusals, default: problem };
      const body = bodies[`${method} ${url}`];
      return { schema: { ...schema, ...(body && { body }), response }, url };
    },
  });
  app.get('/v1/openapi.json', { schema: { hide: true } }, async () => openapiOf(app));
}

/** The OpenAPI 3.1 document of a built app. */
export function openapiOf(app: App): object {
  return app.swagger();
}

function described(fine: Answers, type = 'application/json'): Record<string, unknown> {
  const withBody = (schema: TSchema) => ({ description: 'As asked.', content: { [type]: { schema } } });
  const without = { ...Type.Null(), description: 'As asked.' };
  return Object.fromEntries(
    Object.entries(fine).map(([status, schema]) => [status, schema === null ? without : withBody(schema)]),
  );
}
