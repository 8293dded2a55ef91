import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Student } from '../../../api/resources/student.ts';
import type { Account, Action, Observed } from '../../../reconcilers/student/model.ts';
import { plan } from '../../../reconcilers/student/plan.ts';
import { studentRow } from '../rows.ts';
import '../../support/seed.ts';

const start = new Date('2027-01-04T09:00:00.000Z');
/** One change for each thing that can be wrong with an account, and a wait. */
const mostSteps = 12;

const account: fc.Arbitrary<Account> = fc.record({
  username: fc.constant('user-0'),
  email: fc.constantFrom('ada@school.example', 'ADA@school.example', 'ada@old.example'),
  enabled: fc.boolean(),
  accepted: fc.boolean(),
  createdAt: fc.constantFrom(start, new Date(start.getTime() - 86_400_000)),
  modifiedAt: fc.constantFrom(start, new Date(start.getTime() + 1_000)),
  ours: fc.boolean(),
  // What an older version made says nothing of an invitation, nor who closed it.
  invited: fc.boolean(),
  closed: fc.boolean(),
  groups: fc.subarray(['student', 'instructor'] as const),
});

const observed: fc.Arbitrary<Observed> = fc.record({
  account: fc.option(account, { nil: undefined }),
  refusal: fc.constantFrom(undefined, undefined, 'mails-used-up' as const),
  mail: fc.option(
    fc.record({
      round: fc.integer({ min: 1, max: 3 }),
      seenAt: fc.constantFrom(start, new Date(start.getTime() - 2 * 86_400_000)),
      sentAt: fc.constantFrom(null, start),
    }),
    { nil: undefined },
  ),
});

const anyone: fc.Arbitrary<Student> = fc
  .record({
    role: fc.constantFrom('student', 'instructor'),
    deleted: fc.boolean(),
    disabled: fc.boolean(),
    invited: fc.boolean(),
    resends: fc.constantFrom(undefined, 0, 1, 2),
  })
  .map(({ role, deleted, disabled, invited, resends }) =>
    studentRow({
      role,
      deletedAt: deleted ? start.toISOString() : null,
      spec: { name: 'Ada', email: 'ada@school.example', invited, disabled, ...(resends !== undefined && { resends }) },
    }),
  );

/** What each action does to an account; written without the planner. */
function act(action: Action, student: Student, seen: Observed, now: Date): Observed {
  if (action.type === 'create-account') {
    if (seen.account) throw new Error('an account is there already');
    const { email, invited } = student.spec;
    const made = { username: 'user-1', email, enabled: true, accepted: false, createdAt: now, modifiedAt: now };
    return { ...seen, account: { ...made, ours: true, invited, closed: false, groups: [] } };
  }
  const present = seen.account;
  if (!present || present === 'unread') throw new Error('there is no account');
  if (!present.ours) throw new Error('a stranger is touched');
  const to = (change: Partial<Account>): Observed => ({ ...seen, account: { ...present, ...change, modifiedAt: now } });
  switch (action.type) {
    case 'change-address':
      return to({ email: student.spec.email });
    case 'join-group':
      return to({ groups: [...present.groups, action.group] });
    case 'leave-group':
      return to({ groups: present.groups.filter(group => group !== action.group) });
    case 'send-invitation':
      return { ...to({}), mail: { round: action.round, seenAt: present.modifiedAt, sentAt: now } };
    case 'enable-account':
      return to({ enabled: true, closed: false });
    case 'disable-account':
      return to({ enabled: false, closed: true });
    case 'delete-account':
      return { ...seen, account: undefined };
  }
}

function run(student: Student, first: Observed) {
  const actions: Action[] = [];
  let seen = first;
  for (let step = 1; step <= mostSteps; step += 1) {
    const now = new Date(start.getTime() + step * 60_000);
    const next = plan(student, seen, now);
    if (next.verdict === 'act')
      for (const action of next.actions) {
        actions.push(action);
        seen = act(action, student, seen, now);
      }
    // The day's mails are there again.
    else if (next.verdict === 'wait') seen = { ...seen, refusal: undefined };
    else return { verdict: next.verdict, seen, actions };
  }
  return { verdict: 'unsettled' as const, seen, actions };
}

const isStranger = ({ account: found }: Observed) => found !== undefined && found !== 'unread' && !found.ours;

test('from any account, drifted, foreign or of an older version, a person settles within twelve steps and stays so', () => {
  fc.assert(
    fc.property(anyone, observed, (student, first) => {
      const { verdict, seen } = run(student, first);
      expect(verdict).toBe(isStranger(first) && student.deletedAt === null ? 'stuck' : 'settled');
      expect(plan(student, { ...seen, refusal: undefined }, new Date(start.getTime() + 86_400_000)).verdict).toBe(
        verdict,
      );
    }),
    { numRuns: 2_000 },
  );
});

test('settled means as asked: open or closed, in its one group, at its address, invited as often as asked', () => {
  fc.assert(
    fc.property(anyone, observed, (student, first) => {
      const { verdict, seen } = run(student, first);
      const found = seen.account;
      if (verdict !== 'settled' || found === 'unread') return;
      const { spec, role, deletedAt } = student;
      if (deletedAt !== null) {
        expect(found?.ours ?? false).toBe(false);
        return;
      }
      if (!found) {
        expect(spec.disabled).toBe(true);
        return;
      }
      expect(found.groups).toEqual([role]);
      expect(found.email.toLowerCase()).toBe(spec.email);
      expect(found.closed).toBe(spec.disabled);
      if (spec.disabled) expect(found.enabled).toBe(false);
      const wanted = spec.invited ? 1 + (spec.resends ?? 0) : 0;
      const isInvited = wanted <= (found.invited ? 1 : 0) || (seen.mail?.round ?? 0) >= wanted;
      if (found.enabled && !found.accepted) expect(isInvited).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test('what is not ours is never touched, and nobody is mailed more often than was asked', () => {
  fc.assert(
    fc.property(anyone, observed, (student, first) => {
      const { actions } = run(student, first);
      if (isStranger(first)) expect(actions).toEqual([]);
      const mails = actions.filter(({ type }) => type === 'send-invitation' || type === 'create-account');
      expect(mails.length).toBeLessThanOrEqual(2);
      if (!student.spec.invited) expect(actions.filter(({ type }) => type === 'send-invitation')).toEqual([]);
    }),
    { numRuns: 2_000 },
  );
});
