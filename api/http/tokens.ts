import { Type } from 'typebox';
import { createToken, deleteToken, listTokens } from '../store/tokens.ts';
import type { App, Dependencies } from './dependencies.ts';
import type { Principal } from './principal.ts';
import { notFound, Refused } from './problem.ts';

const scope = Type.String({
  pattern: '^(courses|cohorts|students|workspaces|events|watch|me):(read|write)(@[a-z0-9-]{1,18})?$',
});
const body = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100 }),
    scopes: Type.Array(scope, { minItems: 1, maxItems: 20 }),
    days: Type.Optional(Type.Integer({ minimum: 1, maximum: 365 })),
  },
  { additionalProperties: false },
);
const defaultDays = 90;

/** Bearer tokens for programs: each opens what its scopes say, never more than its maker may do. Shown once. */
export function registerTokens(app: App, { pool, now }: Dependencies): void {
  app.get('/v1/tokens', async request => ({ items: await listTokens(pool, ownerOf(request.principal)) }));

  app.post('/v1/tokens', { schema: { body } }, async (request, reply) => {
    const { name, scopes, days = defaultDays } = request.body;
    const personId = ownerOf(request.principal);
    if (personId === null && scopes.some(limited => limited.includes('@'))) {
      throw new Refused(400, 'The operator’s tokens are for every course; a person’s can be limited.');
    }
    const expiresAt = new Date(now().getTime() + days * 86_400_000).toISOString();
    return reply
      .code(201)
      .header('cache-control', 'no-store')
      .send(await createToken(pool, { personId, name, scopes, expiresAt }));
  });

  app.delete(
    '/v1/tokens/:token',
    { schema: { params: Type.Object({ token: Type.String() }) } },
    async (request, reply) => {
      const gone = await deleteToken(pool, request.params.token, ownerOf(request.principal));
      if (!gone) throw notFound('token', request.params.token);
      return reply.code(204).send();
    },
  );
}

function ownerOf(principal: Principal): string | null {
  return principal.kind === 'person' ? principal.person.id : null;
}
