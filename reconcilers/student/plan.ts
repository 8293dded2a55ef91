import type { Student } from '../../api/resources/student.ts';
import type { Plan } from '../../controller/reconciler.ts';
import { type Account, type Action, invitedRound, type Observed, type Refusal, roles, wantedRound } from './model.ts';

/** Mails that are used up are there again at midnight UTC; an hour's pace finds what others gave back, and costs little. */
const inviteWaitSeconds = 3600;

/** The rules of an account, from top to bottom. */
export function plan(student: Student, observed: Observed, now: Date): Plan<Action> {
  const { account, refusal } = observed;
  if (account === 'unread') return refusal ? refused(student, refusal, now) : { verdict: 'settled' };
  if (student.deletedAt !== null) return removed(account);
  if (!account) return refusal ? refused(student, refusal, now) : missing(student);
  if (!account.ours) return nameTaken(student);
  const action = changeOf(student, account);
  if (refusal === 'address-taken') return nameTaken(student);
  if (action) return { verdict: 'act', actions: [action] };
  if (refusal) return refused(student, refusal, now);
  const round = wantedRound(student.spec);
  const isWanted = account.enabled && !account.accepted && round > invitedRound(account, observed.mail);
  return isWanted ? { verdict: 'act', actions: [{ type: 'send-invitation', round }] } : { verdict: 'settled' };
}

/** Only an account of ours is ever deleted. */
function removed(account: Account | undefined): Plan<Action> {
  return account?.ours ? { verdict: 'act', actions: [{ type: 'delete-account' }] } : { verdict: 'settled' };
}

/** Who is kept out needs no account; nobody is invited to a closed door. */
function missing(student: Student): Plan<Action> {
  return student.spec.disabled ? { verdict: 'settled' } : { verdict: 'act', actions: [{ type: 'create-account' }] };
}

function changeOf({ spec, role }: Student, account: Account): Action | undefined {
  // Rights that someone no longer has go first.
  const lost = roles.find(group => group !== role && account.groups.includes(group));
  if (lost) return { type: 'leave-group', group: lost };
  if (spec.disabled && (account.enabled || !account.closed)) return { type: 'disable-account' };
  // One that somebody closed in Cognito itself stays closed.
  if (!spec.disabled && account.closed) return { type: 'enable-account' };
  if (account.email.toLowerCase() !== spec.email.toLowerCase()) return { type: 'change-address' };
  if (!account.groups.includes(role)) return { type: 'join-group', group: role };
  return undefined;
}

function refused(student: Student, refusal: Refusal, now: Date): Plan<Action> {
  switch (refusal) {
    case 'mails-used-up':
      return {
        verdict: 'wait',
        reason: 'InviteWaits',
        message: "Today's invitation mails are used up: this one waits until tomorrow.",
        seconds: Math.min(inviteWaitSeconds, secondsToMidnight(now)),
      };
    case 'address-refused':
      return {
        verdict: 'stuck',
        reason: 'AddressRefused',
        message: `The address ${student.spec.email} can't be mailed: correct it.`,
      };
    case 'address-taken':
      return nameTaken(student);
  }
}

function secondsToMidnight(now: Date): number {
  return 86_400 - Math.floor((now.getTime() / 1000) % 86_400);
}

function nameTaken(student: Student): Plan<Action> {
  return {
    verdict: 'stuck',
    reason: 'NameTaken',
    message: `There is an account of ${student.spec.email} that Armada did not make: remove it, or add it to the group ${student.role}.`,
  };
}
