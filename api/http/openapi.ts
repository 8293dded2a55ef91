import fastifySwagger from '@fastify/swagger';
import type { App } from './app.ts';

/** Serves the description of `/v1`, made from the routes' own schemas. */
export async function registerOpenapi(app: App): Promise<void> {
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Armada', version: '1', description: 'Classes of real IDEs: people, courses, workspaces.' },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
      security: [{ bearer: [] }],
    },
    transform: ({ schema, url, ...rest }) => ({
      schema: { ...schema, ...(url.startsWith('/v1/') ? {} : { hide: true }) },
      url,
      ...rest,
    }),
  });
  app.get('/v1/openapi.json', { schema: { hide: true } }, async () => openapiOf(app));
}

/** The OpenAPI 3.1 document of a built app. */
export function openapiOf(app: App): object {
  return app.swagger();
}
