import { AwsError } from '../protocol.ts';

// Codes and messages as Cognito sends them; all of them come with status 400.

/** A refusal of a value in the request. */
export const invalidParameter = (message: string) => new AwsError('InvalidParameterException', message);
/** A refusal to sign in, or of a state that does not allow what was asked. */
export const notAuthorized = (message: string) => new AwsError('NotAuthorizedException', message);
/** What both a wrong password and, where the client hides it, an unknown user get. */
export const incorrectPassword = () => notAuthorized('Incorrect username or password.');
/** There is no such pool, client or group. */
export const resourceNotFound = (message: string) => new AwsError('ResourceNotFoundException', message);
/** There is no such user, where that may be told. */
export const userNotFound = (message = 'User does not exist.') => new AwsError('UserNotFoundException', message);
/** A password that the pool's policy refuses. */
export const invalidPassword = (reason: string) =>
  new AwsError('InvalidPasswordException', `Password did not conform with policy: ${reason}`);
/** A user is asked to do something too often, or the day's mails are used. */
export const limitExceeded = (message: string) => new AwsError('LimitExceededException', message);
