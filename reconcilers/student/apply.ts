import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminDeleteUserCommand,
  AdminDisableUserCommand,
  AdminEnableUserCommand,
  AdminRemoveUserFromGroupCommand,
  AdminUpdateUserAttributesCommand,
  AdminUserGlobalSignOutCommand,
  CreateGroupCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import type { Student } from '../../api/resources/student.ts';
import type { Context } from '../../controller/reconciler.ts';
import { is, unless } from '../aws/errors.ts';
import { markOf } from './mark.ts';
import {
  type Account,
  type Action,
  type AskedMail,
  invitedRound,
  type Observed,
  type Refusal,
  type Role,
  wantedRound,
} from './model.ts';
import { findAccount, type Ground } from './observe.ts';

/** Does one thing to an account, and answers with the observation after it. */
export async function apply(
  action: Action,
  student: Student,
  observed: Observed,
  context: Context,
  ground: Ground,
): Promise<Observed> {
  if (action.type === 'create-account') return createAccount(student, observed, context, ground);
  const { account } = observed;
  if (!account || account === 'unread') return observed;
  const { cognito, userPoolId, deployment } = ground;
  const user = { UserPoolId: userPoolId, Username: account.username };
  const changed = (change: Partial<Account>): Observed => ({ ...observed, account: { ...account, ...change } });
  switch (action.type) {
    case 'change-address':
      return changeAddress(student, account, observed, ground, user);
    case 'join-group':
      await joinGroup(action.group, ground, user);
      return changed({ groups: [...account.groups, action.group] });
    case 'leave-group':
      await unless(cognito.send(new AdminRemoveUserFromGroupCommand({ ...user, GroupName: action.group })), 'gone');
      // Only the mark still says that it is ours: it may have been adopted by that group alone.
      await mark(ground, user, markOf(deployment, student.id, account));
      return changed({ groups: account.groups.filter(group => group !== action.group) });
    case 'send-invitation':
      return sendInvitation(action.round, student, observed, context, ground);
    case 'enable-account':
      await cognito.send(new AdminEnableUserCommand(user));
      await mark(ground, user, markOf(deployment, student.id, { ...account, closed: false }));
      return changed({ enabled: true, closed: false });
    case 'disable-account':
      await mark(ground, user, markOf(deployment, student.id, { ...account, closed: true }));
      await cognito.send(new AdminDisableUserCommand(user));
      await cognito.send(new AdminUserGlobalSignOutCommand(user));
      return changed({ enabled: false, closed: true });
    case 'delete-account':
      return deleteAccount(student, observed, ground);
  }
}

interface UserName {
  readonly UserPoolId: string;
  readonly Username: string;
}

/**
 * Makes the account; Cognito mails the invitation, where the day has a mail left. Without one it is made all the same,
 * so that a handed link works. One that is there is looked at, and nothing is mailed again.
 */
async function createAccount(
  student: Student,
  observed: Observed,
  context: Context,
  ground: Ground,
): Promise<Observed> {
  const round = wantedRound(student.spec);
  const mailed = round > 0 && (await askedFor(student, round, new Date(0), observed.mail, context, ground));
  let refusal: Refusal | undefined = round > 0 && !mailed ? 'mails-used-up' : undefined;
  try {
    refusal = (mailed ? await create(student, true, context, ground) : undefined) ?? refusal;
    if (!mailed || refusal === 'mails-used-up') await create(student, false, context, ground);
    if (mailed && !refusal) await ground.mails.sent(student.id, context.now());
  } catch (error) {
    if (!is(error, 'exists')) throw error;
  }
  const account = await findAccount(student, ground);
  if (!account && refusal) return { ...observed, refusal };
  return account
    ? { account, refusal, mail: await ground.mails.last(student.id) }
    : { ...observed, refusal: 'address-taken' };
}

/** One call to make the account; answers what Cognito said in place of mailing. */
async function create(
  student: Student,
  mailed: boolean,
  context: Context,
  ground: Ground,
): Promise<Refusal | undefined> {
  const { email } = student.spec;
  const command = new AdminCreateUserCommand({
    UserPoolId: ground.userPoolId,
    Username: email,
    TemporaryPassword: ground.password(),
    UserAttributes: [
      { Name: 'email', Value: email },
      { Name: 'email_verified', Value: 'true' },
      markOf(ground.deployment, student.id, { invited: mailed, closed: false }),
    ],
    // The default is a text message.
    DesiredDeliveryMediums: ['EMAIL'],
    MessageAction: mailed ? undefined : 'SUPPRESS',
  });
  try {
    await ground.cognito.send(command);
    return undefined;
  } catch (error) {
    const refusal = await refusalOf(error, student, context, ground);
    if (!refusal) throw error;
    return refusal;
  }
}

/** Writes down that a mail is about to be asked for, unless that was written before a crash; false: none are left. */
async function askedFor(
  student: Student,
  round: number,
  seenAt: Date,
  mail: AskedMail | undefined,
  context: Context,
  ground: Ground,
): Promise<boolean> {
  if (mail?.round === round && mail.sentAt === null && mail.seenAt.getTime() === seenAt.getTime()) return true;
  return ground.mails.ask(student.id, { round, seenAt }, context.now());
}

/**
 * Mails a temporary password, which replaces one that was mailed before. Written down first, with the time of the
 * account's last change: should the answer be lost, a later change says that the mail went.
 */
async function sendInvitation(
  round: number,
  student: Student,
  observed: Observed,
  context: Context,
  ground: Ground,
): Promise<Observed> {
  // Read afresh: what this pass did before has changed it too.
  const account = await findAccount(student, ground);
  if (!account?.ours || invitedRound(account, observed.mail) >= round) return { ...observed, account };
  const { modifiedAt, username } = account;
  if (!(await askedFor(student, round, modifiedAt, observed.mail, context, ground)))
    return { ...observed, account, refusal: 'mails-used-up' };
  try {
    const command = new AdminCreateUserCommand({
      UserPoolId: ground.userPoolId,
      Username: username,
      TemporaryPassword: ground.password(),
      MessageAction: 'RESEND',
      DesiredDeliveryMediums: ['EMAIL'],
    });
    await ground.cognito.send(command);
  } catch (error) {
    const refusal = await refusalOf(error, student, context, ground);
    if (!refusal) throw error;
    return { account, mail: observed.mail, refusal };
  }
  const sentAt = context.now();
  await ground.mails.sent(student.id, sentAt);
  return { account, refusal: undefined, mail: { round, seenAt: modifiedAt, sentAt } };
}

/** What Cognito said in place of mailing; the mail that was written down does not count then. */
async function refusalOf(
  error: unknown,
  student: Student,
  context: Context,
  ground: Ground,
): Promise<Refusal | undefined> {
  const isUsedUp = is(error, 'quota');
  const isRefused =
    error instanceof Error &&
    (error.name === 'CodeDeliveryFailureException' || error.name === 'InvalidEmailRoleAccessPolicyException');
  if (!isUsedUp && !isRefused) return undefined;
  await ground.mails.takeBack(student.id);
  if (!isUsedUp) return 'address-refused';
  ground.mails.usedUp(context.now());
  return 'mails-used-up';
}

async function changeAddress(
  student: Student,
  account: Account,
  observed: Observed,
  ground: Ground,
  user: UserName,
): Promise<Observed> {
  const { email } = student.spec;
  const command = new AdminUpdateUserAttributesCommand({
    ...user,
    UserAttributes: [
      { Name: 'email', Value: email },
      { Name: 'email_verified', Value: 'true' },
    ],
  });
  try {
    await ground.cognito.send(command);
  } catch (error) {
    if (is(error, 'exists')) return { ...observed, refusal: 'address-taken' };
    throw error;
  }
  return { ...observed, account: { ...account, email }, refusal: undefined };
}

async function joinGroup(group: Role, { cognito, userPoolId }: Ground, user: UserName): Promise<void> {
  const join = () => cognito.send(new AdminAddUserToGroupCommand({ ...user, GroupName: group }));
  try {
    await join();
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'ResourceNotFoundException') throw error;
    await unless(cognito.send(new CreateGroupCommand({ UserPoolId: userPoolId, GroupName: group })), 'exists');
    await join();
  }
}

async function mark({ cognito }: Ground, user: UserName, attribute: ReturnType<typeof markOf>): Promise<void> {
  await cognito.send(new AdminUpdateUserAttributesCommand({ ...user, UserAttributes: [attribute] }));
}

/** Deletes the account, unless a fresh read says that it is not ours. */
async function deleteAccount(student: Student, observed: Observed, ground: Ground): Promise<Observed> {
  const account = await findAccount(student, ground);
  if (!account?.ours) return { ...observed, account };
  const command = new AdminDeleteUserCommand({ UserPoolId: ground.userPoolId, Username: account.username });
  await unless(ground.cognito.send(command), 'gone');
  return { ...observed, account: undefined };
}
