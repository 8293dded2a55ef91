import type { WorkspaceRow } from './rows.ts';
import type { StudentStatus } from './student.ts';
import { duration, elapsed, ordinal, when } from './times.ts';
import { asWritten, stepWords, stuckWords, waitWords } from './words.ts';
import type { Workspace } from './workspace.ts';

/** What a person is told that a workspace is: what was asked and what is, in one word. */
export type State =
  | 'invited'
  | 'starting'
  | 'waiting'
  | 'running'
  | 'repairing'
  | 'stopping'
  | 'stopped'
  | 'stuck'
  | 'removed'
  | 'unsure';

/** How it is shown, always with a shape and a word beside the colour. */
export type Tone = 'ok' | 'busy' | 'warn' | 'bad' | 'idle';

/** What one may ask of a workspace. `retry`: a restart after a failure; `cancel`: stop what is still starting. */
export type Action = 'start' | 'stop' | 'restart' | 'open' | 'retry' | 'cancel' | 'settings';

/** The parts of a workspace that its description depends on. */
export type Described = Pick<
  WorkspaceRow,
  'generation' | 'deletedAt' | 'spec' | 'status' | 'reported' | 'idle' | 'line'
>;

/** One workspace in words. Never empty: every state has label, column and sentences. */
export interface Description {
  readonly state: State;
  readonly tone: Tone;
  readonly label: string;
  /** The "now" column: a few words, with the time that it has taken. */
  readonly now: string;
  /** True while a person is thought to be at work in it. */
  readonly inUse: boolean;
  /** For the student: no word of the cloud. */
  readonly student: { readonly sentence: string; readonly actions: readonly Action[] };
  readonly staff: { readonly sentence: string; readonly actions: readonly Action[] };
  /** Who must act, where somebody must. */
  readonly who?: 'instructor' | 'operator';
}

/** Nothing typed for so long counts as idle; gates report activity every 20 s and lists may be two minutes old. */
const idleAfterSeconds = 300;
/** A start that takes longer than this is called so: thrice a slow start on AWS. */
const longStartSeconds = 180;
/** A stop that is farther away is no news. */
const countdownSeconds = 3600;
const longStopSeconds = 120;
/** Waiting for so long needs a person. */
const longWaitSeconds = 600;
/** What was last heard of longer ago is not shown as fresh. */
const freshSeconds = 60;

/**
 * Says what a workspace is and what one may ask of it, from what was asked (spec), what is (status) and when it was
 * last heard of. Pure; the one place where states become words. `seenAt`: until when the data is known to be true.
 */
export function describeWorkspace(options: {
  readonly workspace: Described;
  readonly person?: Pick<StudentStatus, 'invitation'> & { readonly invitedAt?: string | null };
  readonly now: Date;
  readonly seenAt?: Date;
  readonly usualSeconds?: number | null;
}): Description {
  const { workspace, now } = options;
  const described = describeFresh(options);
  const silent = options.seenAt === undefined ? 0 : (now.getTime() - options.seenAt.getTime()) / 1000;
  if (silent <= freshSeconds) return described;
  const words = `Last seen ${when(options.seenAt?.toISOString() ?? null, now)}`;
  return {
    ...described,
    state: 'unsure',
    tone: 'warn',
    label: 'Not sure',
    now: words,
    student: { sentence: `${words}. It may still run.`, actions: workspace.spec.running ? ['open'] : [] },
    staff: { sentence: `${words}: this page has lost its connection.`, actions: described.staff.actions },
  };
}

type Options = Parameters<typeof describeWorkspace>[0];

function describeFresh({ workspace, person, now, usualSeconds }: Options): Description {
  const { spec, status, reported } = workspace;
  if (workspace.deletedAt !== null) {
    const sentence = 'Removed from the class. The files are kept for a while.';
    return plain('removed', 'idle', 'Removed', 'Files are kept', sentence, [], []);
  }
  const observed = status.observedGeneration >= workspace.generation;
  const stalled = conditionOf(status.conditions, 'Stalled');
  const ready = conditionOf(status.conditions, 'Ready');
  if (observed && stalled?.status === 'True') return stuck(stalled.reason, stalled.message, status.failure);

  const seconds = observed && ready && ready.status !== 'True' ? age(ready.since, now) : undefined;
  const reason = observed && ready?.status !== 'True' ? ready?.reason : undefined;
  const restarting = spec.running && spec.restarts > status.restarts;

  if (!spec.running) {
    if (status.step === 'stopped' || status.step === 'preparing') return stopped(workspace, person, now);
    const late = seconds !== undefined && seconds > longStopSeconds;
    const text = `${observed ? 'Saving and stopping' : 'Asked to stop'}${elapsed(seconds)}`;
    const sentence = late ? 'Stopping takes longer than usual.' : 'It is saving your files and stopping.';
    return plain('stopping', late ? 'warn' : 'busy', 'Stopping', text, sentence, [], []);
  }
  if (status.step === 'ready' && !restarting) return running(reported.activeAt, workspace.idle?.stopsAt, now);

  const words = wordsOf(reason, status.step, observed, restarting);
  if (words.state === 'waiting') {
    const long = (seconds ?? 0) > longWaitSeconds;
    return {
      ...plain(long ? 'stuck' : 'waiting', long ? 'bad' : 'warn', long ? 'Stuck' : 'Waiting', words.now, '', [], []),
      now: `${inLine(words.now, workspace.line)}${elapsed(seconds)}`,
      student: { sentence: words.student, actions: ['cancel'] },
      staff: { sentence: withMessage(words.staff, ready?.message), actions: ['stop'] },
    };
  }
  const late = (seconds ?? 0) > Math.max(longStartSeconds, 3 * (usualSeconds ?? 0));
  const label = words.state === 'repairing' ? 'Repairing' : restarting ? 'Restarting' : 'Starting';
  const suffix = late ? `${elapsed(seconds)}, longer than usual` : elapsed(seconds, usualSeconds);
  return {
    state: words.state,
    tone: late ? 'warn' : 'busy',
    label,
    now: `${words.now}${suffix}`,
    inUse: false,
    student: { sentence: words.student, actions: ['cancel'] },
    staff: { sentence: withMessage(words.staff, ready?.message), actions: ['stop'] },
  };
}

/** What to say of one that is on its way up: the reason's words, else the step's. */
function wordsOf(
  reason: string | undefined,
  step: Workspace['status']['step'],
  observed: boolean,
  restarting: boolean,
) {
  if (!observed && step === 'stopped') return stepWords.asked;
  if (restarting && (step === 'ready' || !observed)) return stepWords.restarting;
  const known = reason === undefined ? undefined : waitWords.get(reason);
  if (known && !(step === 'repairing' && known.state === 'starting')) return known;
  return stepWords[step];
}

function running(activeAt: string | null, stopsAt: string | undefined, now: Date): Description {
  const idle = activeAt === null ? undefined : age(activeAt, now);
  const inUse = idle !== undefined && idle < idleAfterSeconds;
  const text = inUse ? 'In use' : idle === undefined ? 'Ready, nobody in it yet' : `Idle ${duration(idle)}`;
  const left = stopsAt === undefined ? Number.POSITIVE_INFINITY : (Date.parse(stopsAt) - now.getTime()) / 1000;
  const stops =
    inUse || left > countdownSeconds ? '' : left < 60 ? ', stops in a moment' : `, stops in ${duration(left)}`;
  return {
    ...plain('running', 'ok', 'Running', `${text}${stops}`, '', [], []),
    inUse,
    student: { sentence: 'Your editor is running.', actions: ['open', 'stop', 'restart'] },
    staff: { sentence: 'The editor is running.', actions: ['open', 'stop', 'restart'] },
  };
}

function stopped(workspace: Described, person: Options['person'], now: Date): Description {
  const used = workspace.reported.activeAt;
  if (person && person.invitation !== 'accepted' && used === null) {
    const refused = person.invitation === 'refused' || person.invitation === 'expired';
    const text = {
      none: 'Invitation not sent yet',
      sent: `Invited ${when(person.invitedAt ?? null, now)}`,
      waiting: 'Invite waits until tomorrow: today’s mails are used',
      expired: 'Invitation expired: send it again',
      refused: 'Address refused the mail',
    }[person.invitation];
    return {
      ...plain('invited', refused ? 'warn' : 'idle', 'Not opened yet', text, '', [], []),
      student: { sentence: 'It has not been opened yet.', actions: ['start'] },
      staff: { sentence: `${text}. It can be started ahead of the lesson.`, actions: ['start'] },
    };
  }
  const text = used === null ? 'Never used' : `Last used ${when(used, now)}`;
  return {
    ...plain('stopped', 'idle', 'Stopped', text, '', [], []),
    student: { sentence: 'It is stopped. Your files are kept.', actions: ['start'] },
    staff: { sentence: 'It is stopped. The files are kept.', actions: ['start'] },
  };
}

function stuck(reason: string, message: string, failure: Workspace['status']['failure']): Description {
  const words = stuckWords.get(reason) ?? {
    now: waitWords.get(reason)?.now ?? asWritten(reason),
    student: 'Something needs a person’s hand. Your instructor can see it.',
    staff: `It can’t go on: ${asWritten(reason).toLowerCase()}.`,
    settings: false,
    who: 'operator' as const,
  };
  const exit =
    failure === null
      ? ''
      : ` The ${failure.container === 'ide' ? 'editor' : failure.container} ended${failure.exitCode === null ? '' : ` with exit code ${failure.exitCode}`}.`;
  const staff = withMessage(words.staff, message);
  return {
    ...plain('stuck', 'bad', 'Stuck', words.now, '', [], []),
    who: words.who,
    student: { sentence: words.student, actions: ['retry'] },
    staff: {
      sentence: message.includes('exit') ? staff : `${staff}${exit}`,
      actions: words.settings ? ['settings', 'retry', 'stop'] : ['retry', 'stop'],
    },
  };
}

function plain(
  state: State,
  tone: Tone,
  label: string,
  now: string,
  sentence: string,
  student: readonly Action[],
  staff: readonly Action[],
): Description {
  return {
    state,
    tone,
    label,
    now,
    inUse: false,
    student: { sentence, actions: student },
    staff: { sentence, actions: staff },
  };
}

/** `In line: …` with the place there: `3rd in line: …`. */
function inLine(words: string, place: number | undefined): string {
  return place === undefined ? words : words.replace(/^In line\b/, `${ordinal(place)} in line`);
}

/** The controller's own sentence after ours: it holds the name or number that staff need. */
function withMessage(sentence: string, message: string | undefined): string {
  return message === undefined || message.trim() === '' || message === sentence ? sentence : `${sentence} ${message}`;
}

function conditionOf(conditions: Workspace['status']['conditions'], type: 'Ready' | 'Stalled') {
  return conditions.find(condition => condition.type === type);
}

/** Seconds since a moment, never negative: clocks of server and browser differ. */
function age(iso: string, now: Date): number {
  const seconds = (now.getTime() - Date.parse(iso)) / 1000;
  return Number.isNaN(seconds) ? 0 : Math.max(0, seconds);
}
