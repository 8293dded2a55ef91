import type { StudentSpec } from '../../api/resources/student.ts';
import type { AskedMail } from './mails.ts';
import type { Account } from './model.ts';

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
