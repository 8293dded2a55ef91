import { aws_cognito as cognito, Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { temporaryPasswordDays } from '../../api/resources/student.ts';
import { accept } from './accepted.ts';
import type { Parameters } from './parameters.ts';

/** Who people are. */
export interface Identity {
  readonly pool: cognito.UserPool;
  readonly client: cognito.UserPoolClient;
}

/** The user pool with the first instructor in it, who gets the first password by mail. Kept when the stack goes. */
export function createIdentity(stack: Stack, parameters: Parameters, portalUrl: string): Identity {
  const pool = new cognito.UserPool(stack, 'People', {
    selfSignUpEnabled: false,
    signInAliases: { email: true },
    signInCaseSensitive: false,
    autoVerify: { email: true },
    passwordPolicy: {
      minLength: 8,
      requireDigits: false,
      requireLowercase: false,
      requireUppercase: false,
      requireSymbols: false,
      tempPasswordValidity: Duration.days(temporaryPasswordDays),
    },
    accountRecovery: cognito.AccountRecovery.EMAIL_ONLY,
    deletionProtection: true,
    removalPolicy: RemovalPolicy.RETAIN,
    userInvitation: {
      emailSubject: 'Your place in class',
      emailBody: `You have an editor waiting. Open this link and choose a password; it works once, for 7 days:<br><br><a href="${portalUrl}/join#{username}/{####}">${portalUrl}/join#{username}/{####}</a><br><br>Or sign in at ${portalUrl}<br><br>Sign in with: {username}<br>Password: {####}`,
    },
  });
  accept(pool, {
    COG1: 'Length beats kinds of characters (NIST SP 800-63B); eight, as everywhere in the product.',
    COG2: 'Students sign in with what they have at hand; the portal has no page for a second factor.',
    COG8: 'The plus plan charges per person; tries are limited by the portal and by Cognito.',
  });
  const client = pool.addClient('Portal', {
    authFlows: { adminUserPassword: true },
    generateSecret: false,
    preventUserExistenceErrors: true,
    disableOAuth: true,
  });
  for (const [name, precedence] of [
    ['instructor', 0],
    ['student', 1],
  ] as const)
    new cognito.CfnUserPoolGroup(stack, `Group${name}`, { userPoolId: pool.userPoolId, groupName: name, precedence });
  const instructor = new cognito.CfnUserPoolUser(stack, 'FirstInstructor', {
    userPoolId: pool.userPoolId,
    username: parameters.instructorEmail,
    desiredDeliveryMediums: ['EMAIL'],
    userAttributes: [
      { name: 'email', value: parameters.instructorEmail },
      { name: 'email_verified', value: 'true' },
    ],
  });
  const membership = new cognito.CfnUserPoolUserToGroupAttachment(stack, 'FirstInstructorMembership', {
    userPoolId: pool.userPoolId,
    groupName: 'instructor',
    username: instructor.ref,
  });
  membership.node.addDependency(stack.node.findChild('Groupinstructor'));
  return { pool, client };
}
