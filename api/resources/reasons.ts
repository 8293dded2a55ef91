/**
 * Why an object is not (yet) as asked. Stable: shown, logged, tested. `waits`: nothing is wrong, the loop goes on by
 * itself. `stuck`: a named person must act. The words for people are in labels.ts.
 */
export const workspaceReasons = {
  waits: [
    /** Home, task definition or route are being made. */
    'Preparing',
    /** Every balancer's places are taken; the next one that frees is taken in order of asking. */
    'NoRoute',
    /** No host has the memory; the cluster grows or another workspace stops. */
    'NoRoom',
    /** A host is found; containers are about to start. */
    'Placing',
    /** The image is being fetched. On one machine: the IDE is being installed, at the first start. */
    'ImageLoading',
    /** Gate or IDE are starting. */
    'IdeStarting',
    /** The IDE answers; the balancer has not yet seen it. */
    'Connecting',
    /** It was ready; its task died or stopped answering and is being replaced. */
    'Repairing',
    /** Waiting for the last task to end. */
    'Stopping',
    /** An older service of this name is still draining. */
    'Draining',
    /** AWS's quota is reached. */
    'QuotaReached',
    /** The access point is not available yet. */
    'HomePreparing',
  ],
  /** `NoRoom` is stuck once it has lasted for ten minutes. */
  stuck: [
    'ImageNotFound',
    'StopsAtStart',
    'OutOfMemory',
    'HomeNotReachable',
    'HomeInUse',
    'NameTaken',
    'NoPermission',
    'NoRoom',
  ],
} as const;

export const studentReasons = {
  waits: [
    /** Cognito's mails of the day are used up. */
    'InviteWaits',
  ],
  stuck: [
    /** The address can't be mailed. */
    'AddressRefused',
    /** An account of that address is not ours. */
    'NameTaken',
    'NoPermission',
  ],
} as const;

/** Reasons that controller/settle.ts gives by itself, whatever the kind. */
export const loopReasons = ['Settled', 'Progressing', 'Throttled', 'Failing', 'NoPermission'] as const;
