import type { WorkspaceSettings } from '../workspace/settings.ts';

/** The ground that keepers stand on: a part of the workspaces'. */
export type HomeSettings = Pick<
  WorkspaceSettings,
  'deployment' | 'cluster' | 'capacityProvider' | 'fileSystemId' | 'gateImage' | 'executionRoleArn' | 'logs'
>;
