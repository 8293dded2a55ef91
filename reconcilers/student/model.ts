import type { StudentSpec } from '../../api/resources/student.ts';

/** What a person has in Cognito. */
export interface Observed {
  /** `unread`: it was as asked, and it is not its turn to be looked at. */
  readonly account: Account | undefined | 'unread';
  /** What Cognito answered to the invitation in place of sending it. */
  readonly refusal: Refusal | undefined;
  /** The last invitation that was asked for. */
  readonly mail?: AskedMail | undefined;
}

export type Refusal = 'mails-used-up' | 'address-refused' | 'address-taken';

/** A Cognito user. */
export interface Account {
  readonly username: string;
  readonly email: string;
  readonly enabled: boolean;
  /** A password of their own is set. */
  readonly accepted: boolean;
  readonly createdAt: Date;
  readonly modifiedAt: Date;
  /** It carries our mark, or is in one of our groups. */
  readonly ours: boolean;
  /** It was made with an invitation, which may have been mailed. */
  readonly invited: boolean;
  /** Armada closed it: one that is closed otherwise is not Armada's to open. */
  readonly closed: boolean;
  /** Those of our groups that it is in. */
  readonly groups: readonly Role[];
}

/** Names of Cognito's groups, too. */
export type Role = 'student' | 'instructor';
export const roles: readonly Role[] = ['student', 'instructor'];

export type Action =
  | { readonly type: 'create-account' }
  | { readonly type: 'change-address' }
  | { readonly type: 'join-group'; readonly group: Role }
  | { readonly type: 'leave-group'; readonly group: Role }
  | { readonly type: 'send-invitation'; readonly round: number }
  | { readonly type: 'enable-account' }
  | { readonly type: 'disable-account' }
  | { readonly type: 'delete-account' };

/** An invitation that was asked for; kept apart from Cognito, which remembers none. */
export interface AskedMail {
  /** 1: the first; each above it was sent again. */
  readonly round: number;
  /** When the account had last changed before; a later change says that the mail went. */
  readonly seenAt: Date;
  /** Null: nobody has seen it go. */
  readonly sentAt: Date | null;
}

/** Which invitation is wanted: none, the first, or one that was asked for again. */
export function wantedRound({ invited, resends = 0 }: StudentSpec): number {
  return invited ? 1 + resends : 0;
}

/** Which invitation the account has had, as far as it can be known. All times are Cognito's. */
export function invitedRound(account: Account, mail: AskedMail | undefined): number {
  const went = mail !== undefined && (mail.sentAt !== null || account.modifiedAt > mail.seenAt);
  if (account.invited) return went ? mail.round : 1;
  // One that went to an account before this one, which somebody deleted, does not count.
  return went && mail.seenAt >= account.createdAt ? mail.round : 0;
}
