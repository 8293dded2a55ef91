/** Where a task can be reached: the EC2 instance it is on, and the host port. On one machine every instance is 127.0.0.1. */
export interface Target {
  readonly id: string;
  readonly port: number;
}

export type TargetState = 'initial' | 'healthy' | 'unhealthy' | 'unused' | 'draining';

/** What ECS asks of the balancers. */
export interface TargetGroups {
  /** Undefined: there is no such group. `associated`: a rule or a default action names it. */
  find(arn: string): { readonly associated: boolean } | undefined;
  register(arn: string, target: Target): void;
  /** Takes the target out: no new requests; resolves once the deregistration delay is over or no connection is left. */
  deregister(arn: string, target: Target): Promise<void>;
  /** Undefined: not registered. */
  health(arn: string, target: Target): TargetState | undefined;
  /** Calls `listener` whenever a target's state changes; the answer ends it. */
  onHealth(listener: (arn: string, target: Target, state: TargetState) => void): () => void;
}

/** What ECS asks of the file systems. */
export interface FileSystems {
  /** The directory behind an access point, made with its owner and mode if this is the first mount. Throws AwsError-like Errors whose message says why it can't be mounted. */
  mount(fileSystemId: string, accessPointId: string): Promise<string>;
}
