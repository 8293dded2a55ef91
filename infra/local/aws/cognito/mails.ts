import type { Outbox } from './outbox.ts';
import type { PoolRecord, UserRecord } from './records.ts';

/** Cognito's own words are "Your username is {username} and temporary password is {####}."; on lines of their own they can be copied. */
const defaultInvitation = 'You have been invited.\n\nUsername: {username}\nPassword: {####}\n';
const defaultInvitationSubject = 'Your temporary password';
const defaultCode = 'Your verification code is {####}.';
const defaultCodeSubject = 'Your verification code';

/** Mails an invitation by the pool's template, with the name the person signs in with and the temporary password. */
export function sendInvitation(outbox: Outbox, pool: PoolRecord, user: UserRecord, password: string): void {
  const template = pool.settings.AdminCreateUserConfig?.InviteMessageTemplate;
  const email = user.attributes['email'] ?? '';
  const name = pool.settings.UsernameAttributes?.includes('email') ? email : user.username;
  outbox.send({
    to: email,
    subject: template?.EmailSubject ?? defaultInvitationSubject,
    text: fill(template?.EmailMessage ?? defaultInvitation, name, password),
  });
}

/** Mails a code for a new password by the pool's template. */
export function sendCode(outbox: Outbox, pool: PoolRecord, user: UserRecord, code: string): void {
  const { VerificationMessageTemplate: template, EmailVerificationMessage, EmailVerificationSubject } = pool.settings;
  outbox.send({
    to: user.attributes['email'] ?? '',
    subject: template?.EmailSubject ?? EmailVerificationSubject ?? defaultCodeSubject,
    text: fill(template?.EmailMessage ?? EmailVerificationMessage ?? defaultCode, user.username, code),
  });
}

// Replacements as functions: a '$' in a password is not a pattern.
function fill(template: string, username: string, secret: string): string {
  return template.replaceAll('{username}', () => username).replaceAll('{####}', () => secret);
}

/** Refuses where the pool sends by Cognito's own sender and the day's mails are used. */
export function checkMailQuota(outbox: Outbox, pool: PoolRecord): void {
  if (pool.settings.EmailConfiguration?.EmailSendingAccount !== 'DEVELOPER') outbox.checkQuota();
}

/** An address as Cognito shows one to who may not know it: `a***@e***`. */
export function maskAddress(address: string): string {
  const [name = '', domain = ''] = address.split('@');
  return `${name.charAt(0)}***@${domain.charAt(0)}***`;
}
