import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';

/** What is remembered in the browser between the mailed password and the new one. */
const Challenge = Type.Object({
  email: Type.String(),
  /** Cognito's handle: worth nothing without its next answer, and only for minutes. */
  challenge: Type.String(),
  next: Type.Optional(Type.String()),
});
type Challenge = Static<typeof Challenge>;

const name = '__Host-armada-challenge';
const attributes = { path: '/', secure: true, httpOnly: true, sameSite: 'lax' } as const;
/** As long as the pool keeps its challenge by default: 3 minutes. Longer, so that the pool is the one to say so. */
const seconds = 600;

/** Keeps a challenge in a cookie that scripts can't read. */
export function setChallenge(reply: FastifyReply, challenge: Omit<Challenge, 'next'> & { next: string | undefined }) {
  const value = Buffer.from(JSON.stringify(challenge)).toString('base64url');
  return reply.setCookie(name, value, { ...attributes, maxAge: seconds });
}

/** The challenge that this browser is to answer. */
export function challengeOf(request: FastifyRequest): Challenge | undefined {
  try {
    const read: unknown = JSON.parse(Buffer.from(request.cookies[name] ?? '', 'base64url').toString());
    return Value.Check(Challenge, read) ? read : undefined;
  } catch {
    return undefined;
  }
}

/** Forgets it. */
export function clearChallenge(reply: FastifyReply): FastifyReply {
  return reply.clearCookie(name, attributes);
}
