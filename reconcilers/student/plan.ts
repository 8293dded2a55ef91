import type { Student } from '../../api/resources/student.ts';
import type { Plan } from '../../controller/reconciler.ts';
import { type Account, type Action, type Observed, type Refusal, roles } from './model.ts';

/** Mails that are used up are there again tomorrow; an hour's pace finds that, and costs a call. */
const inviteWaitSeconds = 3600;

/** The rules of an account, from top to bottom. */
export function plan(student: Student, observed: Observed): Plan<Action> {
  const { account, refusal } = observed;
  if (account === 'unread') return { verdict: 'settled' };
  if (student.deletedAt !== null) return removed(account);
  if (refusal) return refused(student, refusal);
  if (!account) return missing(student);
  if (!account.ours) return nameTaken(student);
  const action = changeOf(student, account);
  return action ? { verdict: 'act', actions: [action] } : { verdict: 'settled' };
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
  if (spec.disabled && account.enabled) return { type: 'disable-account' };
  if (!spec.disabled && !account.enabled) return { type: 'enable-account' };
  if (account.email.toLowerCase() !== spec.email.toLowerCase()) return { type: 'change-address' };
  if (!account.groups.includes(role)) return { type: 'join-group', group: role };
  if (spec.invited && !account.invited && !account.accepted && !spec.disabled) return { type: 'send-invitation' };
  return undefined;
}

function refused(student: Student, refusal: Refusal): Plan<Action> {
  switch (refusal) {
    case 'mails-used-up':
      return {
        verdict: 'wait',
        reason: 'InviteWaits',
        message: "Today's invitation mails are used up: this one waits until tomorrow.",
        seconds: inviteWaitSeconds,
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

function nameTaken(student: Student): Plan<Action> {
  return {
    verdict: 'stuck',
    reason: 'NameTaken',
    message: `There is an account of ${student.spec.email} that Armada did not make: remove it, or add it to the group ${student.role}.`,
  };
}
