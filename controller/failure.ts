/** What is told of something that threw. `reason` is one of loopReasons. */
export interface Failure {
  readonly reason: 'Throttled' | 'NoPermission' | 'Failing';
  /** For people; internals stay in the log. */
  readonly message: string;
}

/** AWS's names for "too fast". Source: the services' API references. */
const throttling = new Set([
  'ThrottlingException',
  'Throttling',
  'ThrottledException',
  'TooManyRequestsException',
  'TooManyRequests',
  'RequestLimitExceeded',
]);
/** AWS's names for "you may not". */
const denial = new Set([
  'AccessDeniedException',
  'AccessDenied',
  'UnauthorizedException',
  'UnauthorizedOperation',
  'NotAuthorizedException',
]);

/**
 * Classifies an error by the names of itself, of its causes and of those that it gathers. A missing right wins over
 * everything else, for only a person can give it; then whatever is not mere throttling.
 */
export function classifyFailure(error: unknown): Failure {
  const errors = chain(error);
  const denied = errors.find(({ name }) => denial.has(name));
  if (denied) return { reason: 'NoPermission', message: deniedMessage(denied) };
  if (errors.some(({ name }) => throttling.has(name))) {
    return { reason: 'Throttled', message: 'AWS asks for fewer requests at a time; this goes on by itself.' };
  }
  return { reason: 'Failing', message: 'An error was met; it is tried again by itself. The log has the details.' };
}

function chain(error: unknown): readonly Error[] {
  if (!(error instanceof Error)) return [];
  const gathered = error instanceof AggregateError ? error.errors : [];
  return [error, ...chain(error.cause), ...gathered.flatMap(chain)];
}

/** AWS names the right only in its sentence: "… is not authorized to perform: ecs:CreateService on resource: …". */
function deniedMessage({ message }: Error): string {
  const right = /not authorized to perform: ([\w-]+:\w+)/.exec(message)?.[1];
  return right === undefined
    ? 'AWS refuses this: the controller’s role lacks a right. The log has the details.'
    : `AWS refuses this: the controller’s role lacks the right ${right}.`;
}
