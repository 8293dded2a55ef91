import type { Student, StudentStatus } from '../../api/resources/student.ts';
import type { Account, Observed } from './model.ts';

type Summary = Omit<StudentStatus, 'conditions' | 'observedGeneration'>;

/** Sums an account up for people: where its invitation stands. */
export function summarize(student: Student, observed: Observed): Summary {
  const { invitation, invitedAt, username } = student.status;
  const { account, refusal } = observed;
  if (account === 'unread') return { invitation, invitedAt, username };
  if (refusal === 'mails-used-up')
    return { invitation: 'waiting', invitedAt: null, username: account?.username ?? null };
  if (refusal) return { invitation: 'refused', invitedAt: null, username: account?.username ?? null };
  if (!account?.ours) return { invitation: 'none', invitedAt: null, username: null };
  return { invitation: invitationOf(account), invitedAt: sentAt(student, account), username: account.username };
}

function invitationOf(account: Account): StudentStatus['invitation'] {
  if (account.accepted) return 'accepted';
  return account.invited ? 'sent' : 'none';
}

function sentAt({ status }: Student, account: Account): string | null {
  if (!account.invited) return null;
  return status.invitedAt ?? account.createdAt.toISOString();
}
