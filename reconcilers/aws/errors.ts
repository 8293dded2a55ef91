/**
 * What an AWS error means to us. `unready`: something it depends on, or an older thing of that name, is not there or
 * not gone yet. `other`: everything that only backoff can answer.
 */
type ErrorClass = 'gone' | 'exists' | 'in-use' | 'throttled' | 'denied' | 'quota' | 'unready' | 'invalid' | 'other';

/** Classes by `error.name`, as the SDK gives it. Source: the clients' models; throttling and access are not modelled. */
const classes: Readonly<Record<string, ErrorClass>> = {
  AccessPointNotFound: 'gone',
  FileSystemNotFound: 'unready',
  IncorrectFileSystemLifeCycleState: 'unready',
  AccessPointAlreadyExists: 'exists',
  AccessPointLimitExceeded: 'quota',

  ServiceNotFoundException: 'gone',
  ServiceNotActiveException: 'gone',
  ClusterNotFoundException: 'unready',
  UpdateInProgressException: 'unready',
  InvalidParameterException: 'invalid',
  ClientException: 'invalid',
  LimitExceededException: 'quota',

  RuleNotFoundException: 'gone',
  TargetGroupNotFoundException: 'gone',
  PriorityInUseException: 'exists',
  DuplicateTargetGroupNameException: 'exists',
  ResourceInUseException: 'in-use',
  TooManyRulesException: 'quota',
  TooManyTargetGroupsException: 'quota',
  TooManyUniqueTargetGroupsPerLoadBalancerException: 'quota',
  TargetGroupAssociationLimitException: 'quota',

  UserNotFoundException: 'gone',
  UsernameExistsException: 'exists',
  AliasExistsException: 'exists',
  GroupExistsException: 'exists',

  ThrottlingException: 'throttled',
  Throttling: 'throttled',
  ThrottledException: 'throttled',
  TooManyRequestsException: 'throttled',
  TooManyRequests: 'throttled',
  RequestLimitExceeded: 'throttled',

  AccessDeniedException: 'denied',
  AccessDenied: 'denied',
  UnauthorizedOperation: 'denied',
  NotAuthorizedException: 'denied',
  OperationNotPermittedException: 'denied',
};

/** Classifies what an SDK client threw, by its name alone. */
function classify(error: unknown): ErrorClass {
  return (error instanceof Error && classes[error.name]) || 'other';
}

/** True when `error` is of one of `expected`. */
export function is(error: unknown, ...expected: readonly ErrorClass[]): boolean {
  return expected.includes(classify(error));
}

/** Awaits `call`; an error of one of `expected` is answered with undefined, all others are thrown on. */
export async function unless<T>(call: Promise<T>, ...expected: readonly ErrorClass[]): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (is(error, ...expected)) return undefined;
    throw error;
  }
}
