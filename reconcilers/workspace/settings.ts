import type { Balancer } from '../../api/resources/host.ts';
import type { Keys } from '../../api/resources/keys.ts';

/** The ground that a deployment's workspaces stand on. */
export interface WorkspaceSettings {
  readonly deployment: string;
  readonly cluster: string;
  /** Left out: the cluster's own default. */
  readonly capacityProvider?: string;
  readonly vpcId: string;
  readonly balancers: readonly Balancer[];
  readonly fileSystemId: string;
  readonly portalUrl: string;
  readonly heartbeatUrl: string;
  readonly gateImage: string;
  /** Image of the default IDE, where a course names none. */
  readonly ideImage: string;
  readonly keys: Keys;
  readonly executionRoleArn?: string;
  /** CloudWatch group that containers log to, and where it is; left out: the driver's own. */
  readonly logs?: { readonly group: string; readonly region: string };
}
