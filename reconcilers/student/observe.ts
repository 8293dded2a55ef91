import {
  AdminGetUserCommand,
  AdminListGroupsForUserCommand,
  type CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { conditionOf } from '../../api/resources/resource.ts';
import type { Student } from '../../api/resources/student.ts';
import type { Context } from '../../controller/reconciler.ts';
import { unless } from '../aws/errors.ts';
import type { Mails } from './mails.ts';
import { isMarked, readMark } from './mark.ts';
import { type Account, type Observed, roles } from './model.ts';

/** What observing and applying share. */
export interface Ground {
  readonly cognito: CognitoIdentityProviderClient;
  readonly userPoolId: string;
  readonly deployment: string;
  readonly mails: Mails;
  readonly password: () => string;
}

/**
 * Reading a user makes it "active", which AWS charges for: a settled one is read once in so many resyncs. Twenty are
 * ten minutes: one whom somebody shuts out in Cognito itself is out within fifteen.
 */
const turns = { accepted: 20, open: 4 };
const resyncMilliseconds = 30_000;

/** Reads a person's account, unless it was as asked at last and this is not its turn. */
export async function observe(student: Student, context: Context, ground: Ground): Promise<Observed> {
  const now = context.now();
  if (isSettled(student) && !isItsTurn(student, now)) return { account: 'unread', refusal: undefined };
  if (
    isSeen(student) &&
    student.status.invitation === 'waiting' &&
    !isItsTurn(student, now) &&
    !(await ground.mails.left(now))
  ) {
    return { account: 'unread', refusal: 'mails-used-up' };
  }
  const [account, mail] = await Promise.all([findAccount(student, ground), ground.mails.last(student.id)]);
  // What was refused is tried again when somebody asks for it, not every half minute.
  const isRefused =
    isSeen(student) &&
    student.status.invitation === 'refused' &&
    conditionOf(student.status, 'Stalled')?.reason === 'AddressRefused';
  return { account, mail, refusal: isRefused ? 'address-refused' : undefined };
}

/** What is asked was looked at before. */
function isSeen({ status, generation, deletedAt }: Student): boolean {
  return status.observedGeneration === generation && deletedAt === null;
}

function isSettled(student: Student): boolean {
  return isSeen(student) && conditionOf(student.status, 'Ready')?.status === 'True';
}

function isItsTurn({ id, status }: Student, now: Date): boolean {
  const count = status.invitation === 'accepted' ? turns.accepted : turns.open;
  const place = Array.from(id).reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % count;
  return Math.floor(now.getTime() / resyncMilliseconds) % count === place;
}

/** The account by the name that Cognito gave it, else by its address. */
export async function findAccount(student: Student, ground: Ground): Promise<Account | undefined> {
  const { username } = student.status;
  const known = username === null ? undefined : await readAccount(username, student, ground);
  return known ?? (await readAccount(student.spec.email, student, ground));
}

async function readAccount(name: string, student: Student, ground: Ground): Promise<Account | undefined> {
  const { cognito, userPoolId, deployment } = ground;
  const input = { UserPoolId: userPoolId, Username: name };
  const user = await unless(cognito.send(new AdminGetUserCommand(input)), 'gone');
  if (!user) return undefined;
  const answer = await unless(cognito.send(new AdminListGroupsForUserCommand(input)), 'gone');
  const groups = roles.filter(role => answer?.Groups?.some(({ GroupName }) => GroupName === role));
  const attributes = new Map(user.UserAttributes?.map(({ Name, Value }) => [Name ?? '', Value ?? '']));
  const mark = readMark(attributes, deployment, student.id);
  return {
    username: user.Username ?? name,
    email: attributes.get('email') ?? '',
    enabled: user.Enabled ?? true,
    accepted: user.UserStatus === 'CONFIRMED' || user.UserStatus === 'RESET_REQUIRED',
    createdAt: user.UserCreateDate ?? new Date(0),
    modifiedAt: user.UserLastModifiedDate ?? new Date(0),
    ours: mark !== undefined || (groups.length > 0 && !isMarked(attributes)),
    // One that was made by other hands has its invitation from them.
    invited: mark?.invited ?? true,
    closed: mark?.closed ?? false,
    groups,
  };
}
