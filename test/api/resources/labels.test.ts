import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventForStudent } from '../../../api/resources/event-words.ts';
import { type Described, describeWorkspace } from '../../../api/resources/labels.ts';
import { loopReasons, studentReasons, workspaceReasons } from '../../../api/resources/reasons.ts';
import { unseenStudent } from '../../../api/resources/student.ts';
import { describeStudent } from '../../../api/resources/student-labels.ts';
import { unseenWorkspace } from '../../../api/resources/workspace.ts';
import '../../support/seed.ts';

const now = new Date('2025-03-14T10:00:00Z');
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000).toISOString();
const steps = [
  'stopped',
  'preparing',
  'placing',
  'loading',
  'starting',
  'connecting',
  'ready',
  'repairing',
  'stopping',
] as const;
const reasons = [...workspaceReasons.waits, ...workspaceReasons.stuck, ...loopReasons, 'SomethingNew', ''];
/** What a student need not know; "service" and "task" are ECS's nouns. */
const cloudWords =
  /\b(AWS|ECS|EFS|ELB|Cognito|tasks?|services?|target group|reconcil\w*|balancer|cluster|quota|host|image|container|controller)\b/i;

interface Asked {
  running?: boolean;
  step?: (typeof steps)[number];
  reason?: string;
  stalled?: boolean;
  seconds?: number;
  observed?: boolean;
  restarts?: number;
  activeAt?: string | null;
  message?: string;
}

function workspace(asked: Asked = {}): Described {
  const { running = true, step = 'stopped', reason = 'Settled', stalled = false, seconds = 5 } = asked;
  const since = ago(seconds);
  const isReady = !stalled && reason === 'Settled';
  return {
    generation: 4,
    deletedAt: null,
    spec: { running, restarts: asked.restarts ?? 0 },
    status: {
      ...unseenWorkspace,
      observedGeneration: asked.observed === false ? 3 : 4,
      step,
      conditions: [
        { type: 'Ready', status: isReady ? 'True' : 'False', reason, message: asked.message ?? '', since },
        { type: 'Stalled', status: stalled ? 'True' : 'False', reason, message: asked.message ?? '', since },
      ],
    },
    reported: { activeAt: asked.activeAt ?? null },
  };
}

const say = (asked: Asked) => describeWorkspace({ workspace: workspace(asked), now });

function expectWords(described: ReturnType<typeof describeWorkspace>): void {
  for (const text of [described.label, described.now, described.student.sentence, described.staff.sentence]) {
    expect(text.trim()).not.toBe('');
    expect(text).not.toMatch(/undefined|null|NaN|\[object/);
  }
  // The student's pages show the column too.
  expect(`${described.label} ${described.now} ${described.student.sentence}`).not.toMatch(cloudWords);
}

describe('describeWorkspace', () => {
  it('has words for every step and reason, waiting and stuck, without a cloud word for students', () => {
    for (const step of steps) {
      for (const reason of reasons) {
        for (const stalled of [true, false])
          for (const running of [true, false]) expectWords(say({ step, reason, stalled, running }));
      }
    }
  });

  it.each(workspaceReasons.stuck)('has words of its own for being stuck by %s', reason => {
    const known = say({ stalled: true, reason });
    const unknown = say({ stalled: true, reason: 'SomethingNew' });
    expect(known).toMatchObject({ state: 'stuck', tone: 'bad' });
    expect(known.student.sentence).not.toBe(unknown.student.sentence);
    expect(known.student.actions).toEqual(['retry']);
    expect(known.staff.actions).toContain('retry');
  });

  it.each(workspaceReasons.stuck)('says of %s who must act, and what is to be done', reason => {
    const { who, staff } = say({ stalled: true, reason });
    expect(who).toMatch(/^(instructor|operator)$/);
    if (who === 'operator') expect(staff.sentence).toContain('Whoever runs Armada');
    else expect(staff.sentence).toMatch(/\b([Cc]hoose|[Tt]ry again|[Ss]top)\b/);
  });

  it('tells the place in line', () => {
    const waiting = (line: number) =>
      describeWorkspace({ workspace: { ...workspace({ reason: 'NoRoute' }), line }, now });
    expect([1, 2, 3, 11, 22].map(line => waiting(line).now.split(':')[0])).toEqual([
      '1st in line',
      '2nd in line',
      '3rd in line',
      '11th in line',
      '22nd in line',
    ]);
  });

  it('tells a student what happened without a cloud word, whatever the loop does', () => {
    const actions = [...readFileSync('reconcilers/workspace/model.ts', 'utf8').matchAll(/readonly type: '([a-z-]+)'/g)];
    const done = actions.map(([, name = '']) => name.replaceAll(/(?:^|-)(\w)/g, (_, letter) => letter.toUpperCase()));
    expect(done.length).toBeGreaterThan(10);
    for (const reason of [...done, ...reasons]) expect(eventForStudent({ reason }) ?? '').not.toMatch(cloudWords);
    for (const reason of workspaceReasons.waits) expect(eventForStudent({ reason }), reason).toBeTruthy();
    expect(eventForStudent({ reason: 'SomethingNew' })).toBeUndefined();
  });

  it.each(workspaceReasons.waits)('goes on by itself with %s: busy or waiting, never stuck', reason => {
    expect(say({ step: 'placing', reason }).state).toMatch(/^(starting|waiting|repairing)$/);
  });

  it('never throws and always has words, whatever the status', () => {
    const iso = fc.oneof(fc.constant('not a date'), fc.integer({ min: -1e9, max: 1e9 }).map(ago));
    const condition = fc.record({
      type: fc.constantFrom('Ready' as const, 'Stalled' as const),
      status: fc.constantFrom('True' as const, 'False' as const, 'Unknown' as const),
      reason: fc.oneof(fc.constantFrom(...reasons), fc.stringMatching(/^[A-Z][A-Za-z]{0,12}$/)),
      message: fc.constantFrom('', 'The image “x” was not found.'),
      since: iso,
    });
    const generated = fc.record({
      generation: fc.nat(5),
      deletedAt: fc.option(iso, { freq: 8 }),
      spec: fc.record({ running: fc.boolean(), restarts: fc.nat(2) }),
      status: fc.record({
        observedGeneration: fc.nat(5),
        conditions: fc.array(condition, { maxLength: 3 }),
        step: fc.constantFrom(...steps),
        restarts: fc.nat(2),
        image: fc.constant(null),
        readyAt: fc.option(iso),
        failure: fc.option(
          fc.record({
            container: fc.constantFrom('gate', 'ide'),
            exitCode: fc.option(fc.nat(255)),
            reason: fc.string(),
          }),
        ),
      }),
      reported: fc.record({
        at: fc.option(iso),
        ready: fc.boolean(),
        problem: fc.constant(null),
        activeAt: fc.option(iso),
      }),
    });
    const invitation = fc.constantFrom(
      'none' as const,
      'sent' as const,
      'waiting' as const,
      'refused' as const,
      'accepted' as const,
    );
    fc.assert(
      fc.property(
        generated,
        fc.option(fc.record({ invitation, invitedAt: fc.option(iso) })),
        fc.option(fc.nat(600)),
        (item, person, silent) => {
          const described = describeWorkspace({
            workspace: item,
            now,
            ...(person && { person }),
            ...(silent !== null && { seenAt: new Date(ago(silent)) }),
          });
          expectWords(described);
          // A settled run is open to its student; nothing is offered twice.
          for (const { actions } of [described.student, described.staff])
            expect(new Set(actions).size).toBe(actions.length);
          if (described.state === 'running') expect(described.student.actions).toContain('open');
        },
      ),
      { numRuns: 10_000 },
    );
  });

  it('shows a click at once as asked, and a retry of a stuck one as restarting', () => {
    expect(say({ step: 'stopped', observed: false })).toMatchObject({ state: 'starting', now: 'Asked just now' });
    expect(say({ running: false, step: 'ready', observed: false })).toMatchObject({
      state: 'stopping',
      now: 'Asked to stop',
    });
    const retried = say({ stalled: true, reason: 'StopsAtStart', observed: false, restarts: 1 });
    expect(retried).toMatchObject({ state: 'starting', label: 'Restarting', tone: 'busy' });
  });

  it('tells how long it takes, against the usual time, and says when that is too long', () => {
    const slow = (seconds: number) =>
      describeWorkspace({
        workspace: workspace({ step: 'loading', reason: 'ImageLoading', seconds }),
        now,
        usualSeconds: 25,
      });
    expect(slow(12).now.replaceAll('\u00a0', ' ')).toBe('Loading the editor · 12 s of about 25 s');
    expect(slow(170).tone).toBe('busy');
    expect(slow(200)).toMatchObject({ tone: 'warn', label: 'Starting' });
    expect(slow(200).now).toContain('longer than usual');
  });

  it('calls waiting for ten minutes stuck', () => {
    expect(say({ reason: 'NoRoom', step: 'placing', seconds: 590 })).toMatchObject({ state: 'waiting', tone: 'warn' });
    expect(say({ reason: 'NoRoom', step: 'placing', seconds: 610 })).toMatchObject({ state: 'stuck', tone: 'bad' });
  });

  it('tells in use from idle', () => {
    expect(say({ step: 'ready', activeAt: ago(20) })).toMatchObject({
      state: 'running',
      now: 'In use',
      inUse: true,
    });
    expect(say({ step: 'ready', activeAt: ago(720) })).toMatchObject({ now: 'Idle 12 min', inUse: false });
  });

  it('does not show old data as fresh', () => {
    const seen = (seconds: number) =>
      describeWorkspace({ workspace: workspace({ step: 'ready' }), now, seenAt: new Date(ago(seconds)) });
    expect(seen(50).state).toBe('running');
    expect(seen(130)).toMatchObject({ state: 'unsure', tone: 'warn', label: 'Not sure', now: 'Last seen 2 min ago' });
  });

  it('tells staff who has not come in yet, and what the controller found', () => {
    const invited = describeWorkspace({
      workspace: workspace({ running: false }),
      now,
      person: { invitation: 'sent', invitedAt: ago(7200) },
    });
    expect(invited).toMatchObject({ state: 'invited', label: 'Not opened yet', now: 'Invited 2 h ago' });
    const joined = describeWorkspace({
      workspace: workspace({ running: false }),
      now,
      person: { invitation: 'accepted' },
    });
    expect(joined).toMatchObject({ state: 'stopped', now: 'Never used' });
    const message = 'Image “x:1” was not found.';
    expect(say({ stalled: true, reason: 'ImageNotFound', message }).staff.sentence).toContain(message);
    expect(say({ stalled: true, reason: 'ImageNotFound', message }).student.sentence).not.toContain(message);
  });
});

describe('describeStudent', () => {
  const spec = { name: 'Ada', email: 'ada@example.edu', invited: true, disabled: false };

  it('has words for every invitation and every reason', () => {
    const stalled = [undefined, ...studentReasons.waits, ...studentReasons.stuck, ...loopReasons, 'SomethingNew'];
    for (const invitation of ['none', 'sent', 'waiting', 'refused', 'accepted'] as const) {
      for (const reason of stalled) {
        const conditions = reason
          ? [{ type: 'Stalled' as const, status: 'True' as const, reason, message: '', since: ago(1) }]
          : [];
        const status = { ...unseenStudent, invitation, conditions };
        const described = describeStudent({ student: { spec, status }, now });
        expect(described.label).not.toBe('');
        expect(described.text).not.toMatch(/^$|undefined|null/);
      }
    }
  });

  it('says when the invitation went out, and that an address refused it', () => {
    const status = { ...unseenStudent, invitation: 'sent' as const, invitedAt: ago(600) };
    expect(describeStudent({ student: { spec, status }, now }).text).toBe('Invited 10 min ago');
    const refused = { ...unseenStudent, invitation: 'refused' as const };
    expect(describeStudent({ student: { spec, status: refused }, now })).toMatchObject({
      tone: 'warn',
      text: 'Address refused the mail',
    });
  });
});
