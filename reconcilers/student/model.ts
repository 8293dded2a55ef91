import type { AskedMail } from './mails.ts';

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
