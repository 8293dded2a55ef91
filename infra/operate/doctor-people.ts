import {
  DescribeUserPoolClientCommand,
  DescribeUserPoolCommand,
  ListUsersInGroupCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { checkMails } from './doctor-quotas.ts';
import { type DoctorOptions, type Finding, note, ok, wrong } from './finding.ts';

type People = Pick<DoctorOptions, 'clients' | 'deployment' | 'students' | 'local' | 'quotas'>;

/** What Cognito's own sender mails a day. Source: Cognito, e-mail settings; a quota that can't be raised. */
const mailsPerDay = 50;
const passwordLength = 8;
/** The invitation says how long its password works. */
const invitationDays = 7;

/** The user pool: who may sign up, its passwords, and who mails invitations. */
export async function checkPool({ clients, deployment, local, quotas, students }: People): Promise<readonly Finding[]> {
  const { UserPool } = await clients.cognito.send(new DescribeUserPoolCommand({ UserPoolId: deployment.userPoolId }));
  const policy = UserPool?.Policies?.PasswordPolicy;
  const length = policy?.MinimumLength ?? 0;
  const days = policy?.TemporaryPasswordValidityDays ?? 0;
  return [
    UserPool?.AdminCreateUserConfig?.AllowAdminCreateUserOnly
      ? ok('user pool: nobody signs up by themselves')
      : wrong('user pool: anybody can sign up. Turn self-registration off: Cognito console, Sign-up.'),
    length >= passwordLength
      ? ok(`user pool: passwords of ${length} characters or more`)
      : wrong(
          `user pool: passwords of ${length} characters are taken. Set at least ${passwordLength}: Cognito console, Authentication methods.`,
        ),
    days >= invitationDays
      ? ok(`user pool: first passwords work ${days} days`)
      : wrong(
          `user pool: first passwords work ${days} days, the invitation says ${invitationDays}. Set ${invitationDays}: Cognito console, Authentication methods.`,
        ),
    ...(await mailsOf()),
  ];

  async function mailsOf(): Promise<readonly Finding[]> {
    if (local) return [ok('user pool: mails go to the outbox')];
    if (UserPool?.EmailConfiguration?.EmailSendingAccount === 'DEVELOPER') return checkMails({ quotas, students });
    return [
      note(
        `user pool: Cognito's own sender mails ${mailsPerDay} a day; ${students} invitations take ${Math.ceil(students / mailsPerDay)} day(s). For more set up SES: Cognito console, Authentication methods, Email.`,
      ),
    ];
  }
}

/** The client that the portal signs people in with. */
export async function checkClient({ clients, deployment }: People): Promise<readonly Finding[]> {
  const { userPoolClientId: ClientId, userPoolId: UserPoolId } = deployment;
  if (!ClientId) return [wrong('sign-in client: none in the settings. Set ARMADA_USER_POOL_CLIENT_ID.')];
  const answer = await clients.cognito.send(new DescribeUserPoolClientCommand({ UserPoolId, ClientId }));
  const client = answer.UserPoolClient;
  const flows: readonly string[] = client?.ExplicitAuthFlows ?? [];
  return [
    flows.includes('ALLOW_ADMIN_USER_PASSWORD_AUTH')
      ? ok('sign-in client: passwords are checked by the API')
      : wrong(
          'sign-in client: nobody can sign in. Allow ALLOW_ADMIN_USER_PASSWORD_AUTH: Cognito console, App clients.',
        ),
    client?.PreventUserExistenceErrors === 'ENABLED'
      ? ok('sign-in client: does not tell who has an account')
      : wrong(
          'sign-in client: tells who has an account. Set PreventUserExistenceErrors: Cognito console, App clients.',
        ),
    client?.ClientSecret
      ? wrong('sign-in client: has a secret, which the portal does not know. Make one without: update the stack.')
      : ok('sign-in client: without a secret'),
  ];
}

/** Somebody must be able to sign in as an instructor. */
export async function checkGroups({ clients, deployment }: People): Promise<readonly Finding[]> {
  const list = new ListUsersInGroupCommand({ UserPoolId: deployment.userPoolId, GroupName: 'instructor' });
  const { Users = [] } = await clients.cognito.send(list);
  return [
    Users.length > 0
      ? ok('groups: there is an instructor')
      : wrong('groups: nobody is in the group instructor. Add yourself: Cognito console, Groups, instructor.'),
  ];
}
