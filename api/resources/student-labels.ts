import type { Tone } from './labels.ts';
import type { PersonRow } from './rows.ts';
import { when } from './times.ts';
import { asWritten } from './words.ts';

/** Where a person's invitation stands, in words. */
export function describeStudent(options: {
  readonly student: Pick<PersonRow, 'spec' | 'status'>;
  readonly now: Date;
}): {
  readonly tone: Tone;
  readonly label: string;
  readonly text: string;
} {
  const { spec, status } = options.student;
  const stalled = status.conditions.find(condition => condition.type === 'Stalled');
  if (spec.disabled) return { tone: 'idle', label: 'Kept out', text: 'Cannot sign in; account and files are kept.' };
  if (status.blocked) {
    return { tone: 'idle', label: 'Kept out', text: 'Shut out in the user pool itself; it is opened again there.' };
  }
  if (status.invitation === 'refused' || (stalled?.status === 'True' && stalled.reason === 'AddressRefused')) {
    return { tone: 'warn', label: 'Mail refused', text: 'Address refused the mail' };
  }
  if (stalled?.status === 'True') {
    const text =
      stalled.reason === 'NameTaken'
        ? 'An account with this address exists already and is not ours'
        : `The account can’t be made: ${stalled.message || asWritten(stalled.reason)}`;
    return { tone: 'bad', label: 'Stuck', text };
  }
  switch (status.invitation) {
    case 'accepted':
      return { tone: 'ok', label: 'Joined', text: 'Has set a password' };
    case 'sent':
      return { tone: 'idle', label: 'Not opened yet', text: `Invited ${when(status.invitedAt, options.now)}` };
    case 'expired':
      return {
        tone: 'warn',
        label: 'Not opened yet',
        text: `Invited ${when(status.invitedAt, options.now)}; that expired: send it again, or copy a link`,
      };
    case 'waiting':
      return {
        tone: 'warn',
        label: 'Not opened yet',
        text: 'Invite waits until tomorrow: today’s mails are used. A copied link works now',
      };
    case 'none':
      return spec.invited
        ? { tone: 'busy', label: 'Not opened yet', text: 'Invitation is being sent' }
        : { tone: 'idle', label: 'Not opened yet', text: 'Not invited yet' };
  }
}
