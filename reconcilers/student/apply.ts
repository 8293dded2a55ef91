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
import type { Account, Action, Observed, Refusal, Role } from './model.ts';
import { findAccount, type Ground } from './observe.ts';

/** For how long no other invitation is tried once the day's mails are used up. */
const mailPauseMilliseconds = 3_600_000;

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
      return changeAddress(student, account, ground, user);
    case 'join-group':
      await joinGroup(action.group, ground, user);
      return changed({ groups: [...account.groups, action.group] });
    case 'leave-group':
      await unless(cognito.send(new AdminRemoveUserFromGroupCommand({ ...user, GroupName: action.group })), 'gone');
      // Only the mark still says that it is ours: it may have been adopted by that group alone.
      await mark(ground, user, markOf(deployment, student.id, account.invited));
      return changed({ groups: account.groups.filter(group => group !== action.group) });
    case 'send-invitation':
      return sendInvitation(student, account, context, ground);
    case 'enable-account':
      await cognito.send(new AdminEnableUserCommand(user));
      return changed({ enabled: true });
    case 'disable-account':
      await cognito.send(new AdminDisableUserCommand(user));
      await cognito.send(new AdminUserGlobalSignOutCommand(user));
      return changed({ enabled: false });
    case 'delete-account':
      return deleteAccount(student, observed, ground);
  }
}

interface UserName {
  readonly UserPoolId: string;
  readonly Username: string;
}

/** Makes the account; Cognito mails the invitation. One that is there is looked at, and nothing is mailed again. */
async function createAccount(
  student: Student,
  observed: Observed,
  context: Context,
  ground: Ground,
): Promise<Observed> {
  const { email, invited } = student.spec;
  const command = new AdminCreateUserCommand({
    UserPoolId: ground.userPoolId,
    Username: email,
    UserAttributes: [
      { Name: 'email', Value: email },
      { Name: 'email_verified', Value: 'true' },
      markOf(ground.deployment, student.id, invited),
    ],
    // The default is a text message.
    DesiredDeliveryMediums: ['EMAIL'],
    MessageAction: invited ? undefined : 'SUPPRESS',
  });
  try {
    await ground.cognito.send(command);
  } catch (error) {
    const refusal = refusalOf(error, context, ground);
    if (refusal) return { ...observed, refusal };
    if (!is(error, 'exists')) throw error;
  }
  const account = await findAccount(student, ground);
  return account ? { account, refusal: undefined } : { ...observed, refusal: 'address-taken' };
}

/** Mails a temporary password to who was made without one. Marked first: an answer that is lost may have mailed. */
async function sendInvitation(student: Student, account: Account, context: Context, ground: Ground): Promise<Observed> {
  const user = { UserPoolId: ground.userPoolId, Username: account.username };
  await mark(ground, user, markOf(ground.deployment, student.id, true));
  try {
    const command = new AdminCreateUserCommand({
      ...user,
      MessageAction: 'RESEND',
      DesiredDeliveryMediums: ['EMAIL'],
    });
    await ground.cognito.send(command);
    return { account: { ...account, invited: true }, refusal: undefined };
  } catch (error) {
    const refusal = refusalOf(error, context, ground);
    if (!refusal) throw error;
    await mark(ground, user, markOf(ground.deployment, student.id, false));
    return { account, refusal };
  }
}

function refusalOf(error: unknown, context: Context, ground: Ground): Refusal | undefined {
  if (is(error, 'quota')) {
    ground.mails.usedUpUntil = new Date(context.now().getTime() + mailPauseMilliseconds);
    return 'mails-used-up';
  }
  if (!(error instanceof Error)) return undefined;
  return error.name === 'CodeDeliveryFailureException' || error.name === 'InvalidEmailRoleAccessPolicyException'
    ? 'address-refused'
    : undefined;
}

async function changeAddress(student: Student, account: Account, ground: Ground, user: UserName): Promise<Observed> {
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
    if (is(error, 'exists')) return { account, refusal: 'address-taken' };
    throw error;
  }
  return { account: { ...account, email }, refusal: undefined };
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
