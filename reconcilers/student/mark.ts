import type { AttributeType } from '@aws-sdk/client-cognito-identity-provider';

/**
 * Cognito users carry no tags. A standard attribute that nothing else uses says whose an account is from the moment
 * it is made, and whether it was made with an invitation: a lost answer may already have mailed one.
 */
const markAttribute = 'profile';

export function markOf(deployment: string, id: string, invited: boolean): AttributeType {
  return { Name: markAttribute, Value: `${prefixOf(deployment, id)}${invited ? ':invited' : ''}` };
}

/** What an account's mark says of it; undefined: it is not this person's in this deployment. */
export function readMark(
  attributes: ReadonlyMap<string, string>,
  deployment: string,
  id: string,
): { readonly invited: boolean } | undefined {
  const value = attributes.get(markAttribute);
  const prefix = prefixOf(deployment, id);
  if (value !== prefix && value !== `${prefix}:invited`) return undefined;
  return { invited: value !== prefix };
}

/** An account that another person's row made, or another deployment. */
export function isMarked(attributes: ReadonlyMap<string, string>): boolean {
  return attributes.get(markAttribute)?.startsWith('armada:') ?? false;
}

function prefixOf(deployment: string, id: string): string {
  return `armada:${deployment}:${id}`;
}
