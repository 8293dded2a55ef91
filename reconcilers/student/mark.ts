import type { AttributeType } from '@aws-sdk/client-cognito-identity-provider';

/**
 * Cognito users carry no tags. A standard attribute that nothing else uses says whose an account is from the moment
 * it is made, whether it was made with an invitation, for a lost answer may already have mailed one, and whether it
 * was Armada that closed it, for what somebody else closed stays closed.
 */
const markAttribute = 'profile';

/** What a mark says besides whose the account is. */
export interface Mark {
  readonly invited: boolean;
  readonly closed: boolean;
}

export function markOf(deployment: string, id: string, { invited, closed }: Mark): AttributeType {
  const words = [prefixOf(deployment, id), ...(invited ? ['invited'] : []), ...(closed ? ['closed'] : [])];
  return { Name: markAttribute, Value: words.join(':') };
}

/** What an account's mark says of it; undefined: it is not this person's in this deployment. */
export function readMark(attributes: ReadonlyMap<string, string>, deployment: string, id: string): Mark | undefined {
  const value = attributes.get(markAttribute);
  const prefix = prefixOf(deployment, id);
  if (value !== prefix && !value?.startsWith(`${prefix}:`)) return undefined;
  const words = value.slice(prefix.length).split(':');
  return { invited: words.includes('invited'), closed: words.includes('closed') };
}

/** An account that another person's row made, or another deployment. */
export function isMarked(attributes: ReadonlyMap<string, string>): boolean {
  return attributes.get(markAttribute)?.startsWith('armada:') ?? false;
}

function prefixOf(deployment: string, id: string): string {
  return `armada:${deployment}:${id}`;
}
