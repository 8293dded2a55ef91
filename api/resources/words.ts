import type { loopReasons, workspaceReasons } from './reasons.ts';
import type { Step } from './workspace.ts';

/** What is said of a workspace on its way. */
export interface Words {
  readonly state: 'starting' | 'waiting' | 'repairing';
  readonly now: string;
  readonly student: string;
  readonly staff: string;
}

/**
 * What is said of a workspace that needs a person. `settings`: the class's settings are where it is mended. `who` must
 * act: the instructor, or whoever runs this Armada.
 */
export interface StuckWords {
  readonly who: 'instructor' | 'operator';
  readonly now: string;
  readonly student: string;
  readonly staff: string;
  readonly settings: boolean;
}

type WaitReason = (typeof workspaceReasons.waits)[number] | 'Throttled' | 'Failing';
type StuckReason = (typeof workspaceReasons.stuck)[number] | (typeof loopReasons)[4];

const goesOn = 'We go on without you: you may leave this page.';

const waits = {
  Preparing: starting(
    'Preparing files',
    'Your files are being prepared.',
    'The home and its address are being prepared.',
  ),
  HomePreparing: starting('Preparing files', 'Your files are being prepared.', 'The home is being made.'),
  Placing: starting(
    'Finding a place',
    'We are finding a place for it.',
    'A host is found; it is about to start there.',
  ),
  ImageLoading: starting(
    'Loading the editor',
    'The editor is being loaded. The first time takes longer.',
    'The starting point is being fetched. The first time takes longer.',
  ),
  IdeStarting: starting('Starting the editor', 'The editor is starting.', 'The editor is starting.'),
  Connecting: starting(
    'Connecting',
    'Almost there: connecting you to the editor.',
    'The editor answers; its address is being connected.',
  ),
  Draining: starting(
    'Waiting for the last run to end',
    'The last run is still closing. Then it starts.',
    'An older run of it is still closing; then it starts.',
  ),
  Stopping: starting(
    'Waiting for the last run to end',
    'The last run is saving and stopping. Then it starts.',
    'The last run is saving and stopping; then it starts.',
  ),
  Repairing: {
    state: 'repairing',
    now: 'Editor stopped answering, restarting it',
    student: 'The editor stopped answering. We are restarting it; your files are safe.',
    staff: 'The editor stopped answering and is being restarted.',
  },
  NoRoute: waiting(
    'In line: every place is taken',
    `Every place is taken right now. You are in line. ${goesOn}`,
    'Every place at the balancers is taken; the next one that frees is used. Stop one that nobody uses, or add a balancer.',
  ),
  NoRoom: waiting(
    'In line: room is being made',
    `There is no room for it right now. You are in line. ${goesOn}`,
    'No host has room left for it. The cluster grows if its limit and the account’s vCPUs allow; stopping one that nobody uses makes room at once.',
  ),
  QuotaReached: waiting(
    'In line: a limit is reached',
    `A limit of the class is reached. You are in line, and your instructor can see it. ${goesOn}`,
    'A quota of the AWS account is reached. Stop one that nobody uses, or have the quota raised.',
  ),
  Throttled: waiting(
    'In line: many start at once',
    `Many start at once. It is your turn soon. ${goesOn}`,
    'AWS asks us to slow down; it goes on by itself.',
  ),
  Failing: waiting(
    'It failed; trying again',
    `Something failed on our side. We keep trying. ${goesOn}`,
    'A step failed and is tried again.',
  ),
} satisfies Record<WaitReason, Words>;

const stuck = {
  ImageNotFound: {
    now: 'Starting point not found',
    student: 'The class’s starting point can’t be loaded. Your instructor can see it.',
    staff: 'The image was not found, or it is private. Choose another starting point in the class settings.',
    who: 'instructor',
    settings: true,
  },
  StopsAtStart: {
    now: 'Stops right after it starts',
    student: 'Your editor stops right after it starts. Your files are safe.',
    staff: 'The editor stops right after it starts. What it wrote last says why; try again once that is mended.',
    who: 'instructor',
    settings: false,
  },
  OutOfMemory: {
    now: 'Ran out of memory',
    student: 'It ran out of memory. Your files are safe.',
    staff: 'It ran out of memory. Choose a larger size in the class settings, then try again.',
    who: 'instructor',
    settings: true,
  },
  HomeNotReachable: {
    now: 'Files not reachable',
    student: 'Your files are safe, but can’t be reached now. We don’t start without them.',
    staff:
      'The files are safe, but can’t be reached now. We don’t start without them. Whoever runs Armada looks after the file system; then try again.',
    who: 'operator',
    settings: false,
  },
  HomeInUse: {
    now: 'Files in use elsewhere',
    student: 'Your files are still in use by the last run. We don’t open them twice.',
    staff: 'Another run still holds this home. It is not opened twice. Stop it, wait a minute, then try again.',
    who: 'instructor',
    settings: false,
  },
  NameTaken: {
    now: 'Its name is taken',
    student: 'It can’t be set up. Your instructor can see why.',
    staff: 'Something in AWS has this name and is not ours. Whoever runs Armada removes or renames it there.',
    who: 'operator',
    settings: false,
  },
  NoRoom: {
    now: 'No room for ten minutes',
    student:
      'There has been no room for it for a while. Your instructor can see it; it starts by itself once there is.',
    staff:
      'No host has had room for it for ten minutes. It starts by itself once there is room: stop one that nobody uses, or have the limit of hosts or the account’s vCPUs raised.',
    who: 'instructor',
    settings: false,
  },
  NoPermission: {
    now: 'Not allowed to set it up',
    student: 'It can’t be set up. Your instructor can see why.',
    staff: 'Armada lacks a permission in AWS. Whoever runs Armada adds it; then try again.',
    who: 'operator',
    settings: false,
  },
} satisfies Record<StuckReason, StuckWords>;

/** By the reason of a condition: what is said while nothing is wrong and it goes on by itself. */
export const waitWords: ReadonlyMap<string, Words> = new Map(Object.entries(waits));

/** By the reason of a condition: what is said once a person must act. */
export const stuckWords: ReadonlyMap<string, StuckWords> = new Map(Object.entries(stuck));

/** By step, when the reason says nothing more: also `asked` (no controller has seen it yet) and `restarting`. */
export const stepWords = {
  asked: starting('Asked just now', 'We are starting it.', 'Asked; it starts in a moment.'),
  restarting: starting(
    'Asked to restart',
    'It restarts. Your files are kept.',
    'Asked to restart: it stops, then starts.',
  ),
  stopped: starting('Asked just now', 'We are starting it.', 'Asked; it starts in a moment.'),
  preparing: waits.Preparing,
  placing: waits.Placing,
  loading: waits.ImageLoading,
  starting: waits.IdeStarting,
  connecting: waits.Connecting,
  ready: waits.Connecting,
  repairing: waits.Repairing,
  stopping: waits.Stopping,
} satisfies Record<Step | 'asked' | 'restarting', Words>;

/** A reason in ordinary writing: `HomeTooLarge` → `Home too large`. Never empty. */
export function asWritten(reason: string): string {
  const words = reason
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .trim()
    .toLowerCase();
  return words === '' ? 'Needs a look' : words.charAt(0).toUpperCase() + words.slice(1);
}

function starting(now: string, student: string, staff: string): Words {
  return { state: 'starting', now, student, staff };
}

function waiting(now: string, student: string, staff: string): Words {
  return { state: 'waiting', now, student, staff };
}
