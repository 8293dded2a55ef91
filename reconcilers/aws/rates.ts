/** Services whose calls are paced, by AWS's names. */
export type PacedService = 'ecs' | 'elb' | 'efs' | 'cognito';

/** Lets a call through when it may go; every call to AWS passes here. `urgent`: a person waits for it. */
export type Pace = <T>(service: PacedService, urgent: boolean, call: () => Promise<T>) => Promise<T>;

/** Lets everything through at once: the SDK's own retries answer what AWS throttles. */
export const unpaced: Pace = (_service, _urgent, call) => call();
