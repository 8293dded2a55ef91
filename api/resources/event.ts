import { type Static, Type } from 'typebox';
import { Nullable } from './resource.ts';

/** Something that happened to an object, or that a person did: what a waiting student and an instructor read. */
export const Event = Type.Object({
  id: Type.Integer(),
  at: Type.String(),
  kind: Type.String(),
  /** Id of the object it is about. */
  about: Type.String(),
  tone: Type.Union([Type.Literal('normal'), Type.Literal('warning')]),
  reason: Type.String(),
  message: Type.String(),
  /** Slug of the person who caused it; null: the system. */
  by: Nullable(Type.String()),
  /** That person's name, or address where they have none; to a student no address but their own is told. */
  actor: Nullable(Type.String()),
  /** Whom or what it is about, by name; only where the events of a course are asked for. */
  subject: Type.Optional(Nullable(Type.String())),
});
export type Event = Static<typeof Event>;
export type NewEvent = Omit<Event, 'id' | 'at' | 'by' | 'actor' | 'subject'> & { readonly by?: string };
