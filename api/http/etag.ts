import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Precondition, Written } from '../store/written.ts';
import { Refused } from './problem.ts';

interface Versioned {
  readonly generation: number;
  readonly version: number;
}

/** `"<generation>.<version>"`: the whole names one representation, the first part what an edit was based on. */
export function etagOf({ generation, version }: Versioned): string {
  return `"${generation}.${version}"`;
}

/**
 * What If-Match and If-None-Match ask of a write. Only the generation counts, so that a status written meanwhile does
 * not spoil an edit; a tag that was never ours fits nothing.
 */
export function preconditionOf(request: FastifyRequest): Precondition {
  const ifMatch = request.headers['if-match'];
  if (request.headers['if-none-match']?.trim() === '*') return { generation: 'none' };
  if (ifMatch === undefined) return undefined;
  if (ifMatch.trim() === '*') return { generation: 'any' };
  const tags = [...ifMatch.matchAll(/"(\d{1,9})(?:\.\d+)?"/g)];
  return { generation: tags.map(([, generation]) => Number(generation)) };
}

/** Answers one object with its ETag; 304 when the browser has this very one. */
export function sendObject<T extends Versioned>(request: FastifyRequest, reply: FastifyReply, object: T) {
  const etag = etagOf(object);
  reply.header('etag', etag).header('cache-control', 'private, no-cache');
  const known = request.headers['if-none-match']?.split(',').map(tag => tag.trim().replace(/^W\//, ''));
  return known?.includes(etag) ? reply.code(304).send() : reply.send(object);
}

/** Answers what became of a write: 201, 200, or 412 with the present object. `shown`: how that kind is answered. */
export function sendWritten<T extends Versioned, S extends Versioned>(
  reply: FastifyReply,
  written: Written<T>,
  shown: (object: T) => S,
) {
  if (written.outcome === 'stale') {
    const current = written.object === undefined ? null : shown(written.object);
    const detail = current ? 'Somebody changed it meanwhile; this is how it is now.' : 'It is not there (any more).';
    throw new Refused(412, { detail, current });
  }
  const object = shown(written.object);
  return reply
    .code(written.outcome === 'created' ? 201 : 200)
    .header('etag', etagOf(object))
    .send(object);
}
