import { AwsError } from '../protocol.ts';

/** The refusal of an input that no state of the account could make right. */
export function invalid(message: string): AwsError {
  return new AwsError('ValidationError', message);
}

/** A required member of an input. */
export function required<T>(value: T | undefined, member: string): T {
  if (value === undefined) throw invalid(`The member '${member}' must not be null`);
  return value;
}

/** A whole number within AWS's range; `fallback` where none is given. */
export function whole(
  value: number | undefined,
  fallback: number,
  range: readonly [number, number],
  what: string,
): number {
  const number = value ?? fallback;
  if (Number.isInteger(number) && number >= range[0] && number <= range[1]) return number;
  throw invalid(`${what} '${number}' must be in the range of ${range[0]}-${range[1]}`);
}

const nameLimit = 32;

/** A load balancer's or target group's name as AWS allows it. */
export function requireName(name: string | undefined, what: string): string {
  if (name === undefined || name === '') throw invalid(`A ${what} name must be specified`);
  if (name.length > nameLimit) throw invalid(`${what} name '${name}' cannot be longer than '${nameLimit}' characters`);
  if (!/^[A-Za-z0-9-]+$/.test(name))
    throw invalid(`${what} name '${name}' can only contain characters that are alphanumeric characters and hyphens(-)`);
  if (name.startsWith('-') || name.endsWith('-')) throw invalid(`${what} name '${name}' cannot begin or end with '-'`);
  return name;
}

/** The refusals of names that nothing has, as AWS words them. */
export const notFound = {
  'load-balancer': () => new AwsError('LoadBalancerNotFound', 'One or more load balancers not found'),
  listener: () => new AwsError('ListenerNotFound', 'One or more listeners not found'),
  rule: () => new AwsError('RuleNotFound', 'One or more rules not found'),
  'target-group': () => new AwsError('TargetGroupNotFound', 'One or more target groups not found'),
} as const;
