import {
  AdminGetUserCommand,
  AdminInitiateAuthCommand,
  type AdminInitiateAuthCommandOutput,
  AdminRespondToAuthChallengeCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
  CognitoIdentityProviderServiceException,
  ConfirmForgotPasswordCommand,
  ForgotPasswordCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { Refused } from './problem.ts';
import type { Settings } from './settings.ts';

/** Who somebody proved to be: a verified address, in lower case, and the groups they are in. */
export interface Proved {
  readonly email: string;
  readonly name: string | undefined;
  readonly groups: readonly string[];
}

/** What came of a try. `refused` says neither whether the account exists nor what was wrong. */
export type Answer =
  | { readonly outcome: 'proved'; readonly proved: Proved }
  /** The mailed password was right, and is to be replaced; `challenge` is good for one answer within minutes. */
  | { readonly outcome: 'new-password'; readonly challenge: string }
  | { readonly outcome: 'refused' }
  /** The challenge or the code is too old. */
  | { readonly outcome: 'expired' }
  /** The pool's rules refuse this password. */
  | { readonly outcome: 'weak-password' }
  | { readonly outcome: 'throttled' };

/** What came of a first password: `joined` has one already, `missing` has no account. */
export type FirstPassword = 'set' | 'joined' | 'missing' | 'weak-password' | 'throttled';

/** What the portal asks of the user pool: who is this? And for who came by a handed link: take this first password. */
export interface Identity {
  signIn(email: string, password: string): Promise<Answer>;
  setNewPassword(email: string, challenge: string, password: string): Promise<Answer>;
  /** Sets the password of an account that nobody has had one of their own for. */
  setFirstPassword(username: string, password: string): Promise<FirstPassword>;
  /** Mails a code, if there is such an account; says nothing either way. */
  sendCode(email: string): Promise<'sent' | 'throttled'>;
  resetPassword(
    email: string,
    code: string,
    password: string,
  ): Promise<'set' | Exclude<Answer['outcome'], 'proved' | 'new-password'>>;
}

/** Cognito's refusals by their names, in our words. */
const refusals: Readonly<Record<string, 'refused' | 'expired' | 'weak-password' | 'throttled'>> = {
  NotAuthorizedException: 'refused',
  UserNotFoundException: 'refused',
  PasswordResetRequiredException: 'refused',
  UserNotConfirmedException: 'refused',
  InvalidParameterException: 'refused',
  CodeMismatchException: 'refused',
  ExpiredCodeException: 'expired',
  InvalidPasswordException: 'weak-password',
  PasswordHistoryPolicyViolationException: 'weak-password',
  TooManyRequestsException: 'throttled',
  TooManyFailedAttemptsException: 'throttled',
  LimitExceededException: 'throttled',
  CodeDeliveryFailureException: 'throttled',
};

const awaySeconds = 5;

/** The user pool's answers, over the SDK; its tokens are checked as if they came from anywhere. */
export function createIdentity(
  settings: Pick<Settings, 'userPoolId' | 'userPoolClientId' | 'issuer'>,
  client: CognitoIdentityProviderClient = new CognitoIdentityProviderClient({}),
): Identity {
  const { userPoolId: UserPoolId, userPoolClientId: ClientId, issuer } = settings;
  const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`));

  async function answerOf(output: AdminInitiateAuthCommandOutput): Promise<Answer> {
    if (output.ChallengeName === 'NEW_PASSWORD_REQUIRED') {
      return { outcome: 'new-password', challenge: output.Session ?? '' };
    }
    // Other challenges (a second factor) have no page yet.
    const token = output.AuthenticationResult?.IdToken;
    if (token === undefined) return { outcome: 'refused' };
    const { payload } = await jwtVerify(token, keys, { issuer, audience: ClientId, algorithms: ['RS256'] });
    const { token_use, email, email_verified, name } = payload;
    const verified = email_verified === true || email_verified === 'true';
    if (token_use !== 'id' || typeof email !== 'string' || !verified) return { outcome: 'refused' };
    const groups = payload['cognito:groups'];
    const proved = {
      email: email.toLowerCase(),
      name: typeof name === 'string' && name !== '' ? name : undefined,
      groups: Array.isArray(groups) ? groups.map(String) : [],
    };
    return { outcome: 'proved', proved };
  }

  return {
    async signIn(email, password) {
      const command = new AdminInitiateAuthCommand({
        UserPoolId,
        ClientId,
        AuthFlow: 'ADMIN_USER_PASSWORD_AUTH',
        AuthParameters: { USERNAME: email, PASSWORD: password },
      });
      const sent = await orRefusal(() => client.send(command));
      return sent.outcome === 'answered' ? answerOf(sent.output) : sent;
    },
    async setNewPassword(email, challenge, password) {
      const command = new AdminRespondToAuthChallengeCommand({
        UserPoolId,
        ClientId,
        ChallengeName: 'NEW_PASSWORD_REQUIRED',
        Session: challenge,
        ChallengeResponses: { USERNAME: email, NEW_PASSWORD: password },
      });
      const sent = await orRefusal(() => client.send(command));
      if (sent.outcome === 'answered') return answerOf(sent.output);
      // The person chose the password just now; what Cognito refuses is the challenge.
      return sent.outcome === 'refused' ? { outcome: 'expired' } : sent;
    },
    async setFirstPassword(Username, Password) {
      const user = await orRefusal(() => client.send(new AdminGetUserCommand({ UserPoolId, Username })));
      if (user.outcome !== 'answered') return user.outcome === 'throttled' ? 'throttled' : 'missing';
      if (user.output.UserStatus !== 'FORCE_CHANGE_PASSWORD' || user.output.Enabled === false) return 'joined';
      const command = new AdminSetUserPasswordCommand({ UserPoolId, Username, Password, Permanent: true });
      const { outcome } = await orRefusal(() => client.send(command));
      if (outcome === 'answered') return 'set';
      return outcome === 'weak-password' || outcome === 'throttled' ? outcome : 'missing';
    },
    async sendCode(email) {
      const command = new ForgotPasswordCommand({ ClientId, Username: email });
      const answer = await orRefusal(() => client.send(command));
      return answer.outcome === 'throttled' ? 'throttled' : 'sent';
    },
    async resetPassword(email, code, password) {
      const command = new ConfirmForgotPasswordCommand({
        ClientId,
        Username: email,
        ConfirmationCode: code,
        Password: password,
      });
      const answer = await orRefusal(() => client.send(command));
      return answer.outcome === 'answered' ? 'set' : answer.outcome;
    },
  };
}

type Sent<T> =
  | { readonly outcome: 'answered'; readonly output: T }
  | { readonly outcome: 'refused' | 'expired' | 'weak-password' | 'throttled' };

async function orRefusal<T>(send: () => Promise<T>): Promise<Sent<T>> {
  try {
    return { outcome: 'answered', output: await send() };
  } catch (cause) {
    const outcome = cause instanceof CognitoIdentityProviderServiceException ? refusals[cause.name] : undefined;
    if (outcome) return { outcome };
    throw new Refused(503, 'Signing in is not possible right now. Try again shortly.', awaySeconds, cause);
  }
}
