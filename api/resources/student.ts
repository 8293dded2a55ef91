import { type Static, Type } from 'typebox';
import { Condition, envelope, Nullable } from './resource.ts';

/** What is asked of a person's account. The address is the identity; the slug is made once from name or address. */
export const StudentSpec = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 200 }),
    email: Type.String({ format: 'email', maxLength: 254 }),
    /** Whether an invitation is to be mailed; it is sent once, by Cognito, with a temporary password. */
    invited: Type.Boolean({ default: true }),
    /** How often the invitation was asked for again, by a person. */
    resends: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
    /** Signed out and kept out, account and homes kept. */
    disabled: Type.Boolean({ default: false }),
  },
  { additionalProperties: false },
);
export type StudentSpec = Static<typeof StudentSpec>;

/** For how long a mailed password stands. The user pool is made with the same figure. */
export const temporaryPasswordDays = 7;

/**
 * Where a person's invitation stands. `waiting`: the day's mails are used up; `refused`: the address can't be mailed;
 * `expired`: it was mailed too long ago; `accepted`: a password of their own is set.
 */
export const Invitation = Type.Union([
  Type.Literal('none'),
  Type.Literal('sent'),
  Type.Literal('waiting'),
  Type.Literal('refused'),
  Type.Literal('expired'),
  Type.Literal('accepted'),
]);

export const StudentStatus = Type.Object({
  observedGeneration: Type.Integer(),
  conditions: Type.Array(Condition),
  invitation: Invitation,
  invitedAt: Nullable(Type.String()),
  /** Cognito's user name (a uuid) once the account is there; null before. */
  username: Nullable(Type.String()),
  /** Somebody closed the account in the user pool itself: it stays closed, and its sessions end. Missing: no. */
  blocked: Type.Optional(Type.Boolean()),
});
export type StudentStatus = Static<typeof StudentStatus>;

/** A person: students and instructors alike. `role` comes from the people table, never from a request's body. */
export const Student = Type.Object({
  kind: Type.Literal('student'),
  ...envelope,
  role: Type.Union([Type.Literal('student'), Type.Literal('instructor')]),
  spec: StudentSpec,
  status: StudentStatus,
});
export type Student = Static<typeof Student>;

export const unseenStudent: StudentStatus = {
  observedGeneration: 0,
  conditions: [],
  invitation: 'none',
  invitedAt: null,
  username: null,
};
