import { type Student, type StudentStatus, temporaryPasswordDays } from '../../api/resources/student.ts';
import { type Account, invitedRound, type Observed } from './model.ts';

type Summary = Omit<StudentStatus, 'conditions' | 'observedGeneration'>;

/** Sums an account up for people: where its invitation stands, and whether somebody closed it in Cognito itself. */
export function summarize(student: Student, observed: Observed, now: Date): Summary {
  const { invitation, invitedAt, username, blocked } = student.status;
  const { account, refusal } = observed;
  if (account === 'unread') {
    return {
      invitation: aged(invitation, invitedAt, now),
      invitedAt,
      username,
      ...(blocked !== undefined && { blocked }),
    };
  }
  const isBlocked = account?.ours === true && !account.enabled && !account.closed && !student.spec.disabled;
  const known = { username: account?.ours ? account.username : null, blocked: isBlocked };
  if (account?.ours && account.accepted) {
    return { invitation: 'accepted', invitedAt: sentAt(student, account, observed), ...known };
  }
  const sent = account?.ours ? sentAt(student, account, observed) : null;
  if (refusal) return { invitation: refusal === 'mails-used-up' ? 'waiting' : 'refused', invitedAt: sent, ...known };
  return { invitation: sent === null ? 'none' : aged('sent', sent, now), invitedAt: sent, ...known };
}

/** A mailed password stands for some days; Cognito tells nobody when they are over. */
function aged(invitation: Summary['invitation'], sent: string | null, now: Date): Summary['invitation'] {
  if (invitation !== 'sent' || sent === null) return invitation;
  return Date.parse(sent) + temporaryPasswordDays * 86_400_000 <= now.getTime() ? 'expired' : invitation;
}

function sentAt({ status }: Student, account: Account, { mail }: Observed): string | null {
  if (invitedRound(account, mail) === 0) return null;
  const at = mail && mail.seenAt >= account.createdAt ? (mail.sentAt ?? account.modifiedAt) : mail?.sentAt;
  return at?.toISOString() ?? status.invitedAt ?? account.createdAt.toISOString();
}
