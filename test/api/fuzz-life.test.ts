import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSession } from '../../api/store/sessions.ts';
import { fuzzSeed } from '../support/seed.ts';
import { type Api, type Got, type Sender, startApi } from './http/harness.ts';

/** What is there, as far as a reader of the promises knows; keys are numbers of a small pool. */
interface Model {
  readonly courses: Map<number, string>;
  readonly cohorts: Map<number, string>;
  readonly people: Map<number, string>;
  /** `course cohort`, `cohort person`, `course cohort person` that was deleted by hand. */
  readonly enrolments: Set<string>;
  readonly members: Set<string>;
  readonly tombstones: Set<string>;
  readonly tokens: Map<string, string>;
  readonly sessions: { readonly person: number; readonly cookie: string }[];
  /** What was deleted: addresses that must be of nothing, and proofs that must open nothing. */
  readonly gone: { readonly addresses: Set<string>; readonly proofs: Sender[] };
}

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const ask = (method: string, url: string, body?: unknown, as: Sender = 'operator'): Promise<Got> =>
  api.send(method, `/v1/${url}`, as, body === undefined ? {} : { body });
const some = fc.nat(2);
const removeWhere = (set: Set<string>, fits: (parts: readonly string[]) => boolean) => {
  for (const each of set) if (fits(each.split(' '))) set.delete(each);
};

class Step implements fc.AsyncCommand<Model, null> {
  readonly #name: string;
  readonly #run: (model: Model) => Promise<void>;
  constructor(name: string, run: (model: Model) => Promise<void>) {
    this.#name = name;
    this.#run = run;
  }
  check(): boolean {
    return true;
  }
  async run(model: Model): Promise<void> {
    await this.#run(model);
    await compare(model);
  }
  toString(): string {
    return this.#name;
  }
}
const step = (
  name: string,
  values: fc.Arbitrary<number>[],
  run: (model: Model, ...chosen: number[]) => Promise<void>,
) => fc.tuple(...values).map(chosen => new Step(`${name} ${chosen}`, model => run(model, ...chosen)));

/** Workspaces are those that enrolments and memberships imply; nothing that is gone can be used. */
async function compare({ courses, cohorts, people, enrolments, members, tombstones, tokens, sessions, gone }: Model) {
  const { items } = (await ask('GET', 'workspaces?limit=500')).body;
  const there = items.filter((each: { deletedAt: unknown }) => each.deletedAt === null);
  const implied = [...enrolments].flatMap(enrolment =>
    [...members].flatMap(member => {
      const [[course, cohort], [of, person]] = [enrolment.split(' '), member.split(' ')];
      return cohort === of && !tombstones.has(`${course} ${cohort} ${person}`)
        ? [`c${cohort}-k${course}-pat-${person}`]
        : [];
    }),
  );
  expect(there.map((each: { slug: string }) => each.slug).sort()).toEqual(implied.sort());
  const stays = await Promise.all([
    ...[...courses].map(([number, id]) => ask('GET', `courses/k${number}`).then(got => got.body.id === id)),
    ...[...cohorts].map(([number, id]) => ask('GET', `cohorts/c${number}`).then(got => got.body.id === id)),
    ...[...people].map(([number, id]) => ask('GET', `students/pat-${number}`).then(got => got.body.id === id)),
    ...[...tokens.values()].map(bearer => ask('GET', 'courses', undefined, { bearer }).then(got => got.status === 200)),
    ...sessions.map(({ cookie }) => ask('GET', 'me', undefined, proofOf(cookie)).then(got => got.status === 200)),
  ]);
  expect(stays).not.toContain(false);
  const absent = (slugs: string, map: ReadonlyMap<number, string>) =>
    [0, 1, 2].filter(number => !map.has(number)).map(number => `${slugs}${number}`);
  const addresses = [
    ...gone.addresses,
    ...absent('courses/k', courses),
    ...absent('cohorts/c', cohorts),
    ...absent('students/pat-', people),
  ];
  const [first = ''] = addresses;
  for (const address of addresses) {
    expect((await ask('GET', address)).status, address).toBe(404);
    expect(
      (await ask('PATCH', address, address.startsWith('students') ? { spec: { name: 'x' } } : { name: 'x' })).status,
      address,
    ).toBe(address.startsWith('cohorts') ? 405 : 404);
    if (address.startsWith('cohorts'))
      expect((await ask('POST', `${address}/roster`, { text: 'Eve,eve@life.example' })).status, address).toBe(404);
    if (address.startsWith('cohorts'))
      expect(
        (await ask('PUT', `${first.startsWith('courses') ? first : 'courses/k0'}/${address}`)).status,
        address,
      ).toBe(404);
    if (address.startsWith('courses')) expect((await ask('PUT', `${address}/staff/pat-0`)).status, address).toBe(404);
    if (address.startsWith('courses'))
      expect((await ask('POST', 'workspaces:start', { course: address.slice(8) })).body.results, address).toEqual([]);
  }
  for (const each of items.filter((item: { deletedAt: unknown }) => item.deletedAt !== null)) {
    expect((await ask('PATCH', `workspaces/${each.id}`, { spec: { running: true } })).status).toBe(404);
    expect((await ask('POST', `workspaces/${each.id}/keep`)).status).toBe(409);
    expect((await ask('POST', 'workspaces:start', { ids: [each.id] })).body.results[0].ok).toBe(false);
    expect(each.spec.running).toBe(false);
  }
  for (const proof of gone.proofs) expect((await ask('GET', 'me', undefined, proof)).status).toBe(401);
}

const proofOf = (cookie: string): Sender => ({ person: undefined as never, cookie: `__Host-armada-session=${cookie}` });

const commands = [
  step('declare course', [some], async ({ courses }, course) => {
    const { status, body } = await ask('PUT', `courses/k${course}`, { name: 'Course' });
    expect(status).toBe(courses.has(course!) ? 200 : 201);
    courses.set(course!, body.id);
  }),
  step('declare cohort', [some], async ({ cohorts }, cohort) => {
    const { status, body } = await ask('PUT', `cohorts/c${cohort}`, { name: 'Cohort' });
    expect(status).toBe(cohorts.has(cohort!) ? 200 : 201);
    cohorts.set(cohort!, body.id);
  }),
  step('delete course', [some], async ({ courses, enrolments, tombstones, gone }, course) => {
    expect((await ask('DELETE', `courses/k${course}`)).status).toBe(202);
    if (courses.has(course!)) gone.addresses.add(`courses/${courses.get(course!)}`);
    courses.delete(course!);
    for (const set of [enrolments, tombstones]) removeWhere(set, ([of]) => of === String(course));
  }),
  step('delete cohort', [some], async ({ cohorts, enrolments, members, tombstones, gone }, cohort) => {
    expect((await ask('DELETE', `cohorts/c${cohort}`)).status).toBe(202);
    if (cohorts.has(cohort!)) gone.addresses.add(`cohorts/${cohorts.get(cohort!)}`);
    cohorts.delete(cohort!);
    for (const set of [enrolments, tombstones]) removeWhere(set, ([, of]) => of === String(cohort));
    removeWhere(members, ([of]) => of === String(cohort));
  }),
  step('enrol', [some, some], async ({ courses, cohorts, enrolments, tombstones }, course, cohort) => {
    const { status } = await ask('PUT', `courses/k${course}/cohorts/c${cohort}`);
    const isNew = !enrolments.has(`${course} ${cohort}`);
    if (!courses.has(course!) || !cohorts.has(cohort!)) return expect(status).toBe(404);
    expect(status).toBe(isNew ? 201 : 200);
    enrolments.add(`${course} ${cohort}`);
    if (isNew) removeWhere(tombstones, ([k, c]) => k === String(course) && c === String(cohort));
  }),
  step('end enrolment', [some, some], async ({ courses, cohorts, enrolments, tombstones }, course, cohort) => {
    const { status } = await ask('DELETE', `courses/k${course}/cohorts/c${cohort}`);
    expect(status).toBe(courses.has(course!) && cohorts.has(cohort!) ? 202 : 404);
    if (enrolments.delete(`${course} ${cohort}`))
      removeWhere(tombstones, ([k, c]) => k === String(course) && c === String(cohort));
  }),
  step('paste', [some, some], async ({ cohorts, people, members, tombstones }, cohort, person) => {
    const { status } = await ask('POST', `cohorts/c${cohort}/roster`, {
      text: `Pat ${person},p${person}@life.example`,
    });
    if (!cohorts.has(cohort!)) return expect(status).toBe(404);
    expect(status).toBe(200);
    if (!members.has(`${cohort} ${person}`))
      removeWhere(tombstones, ([, c, p]) => c === String(cohort) && p === String(person));
    members.add(`${cohort} ${person}`);
    people.set(person!, (await ask('GET', `students/pat-${person}`)).body.id);
  }),
  step('remove from cohort', [some, some], async ({ cohorts, members, tombstones }, cohort, person) => {
    expect((await ask('DELETE', `cohorts/c${cohort}/students/pat-${person}`)).status).toBe(
      cohorts.has(cohort!) ? 202 : 404,
    );
    if (members.delete(`${cohort} ${person}`))
      removeWhere(tombstones, ([, c, p]) => c === String(cohort) && p === String(person));
  }),
  step('delete person', [some], async ({ people, members, sessions, gone }, person) => {
    expect((await ask('DELETE', `students/pat-${person}`)).status).toBe(202);
    people.delete(person!);
    removeWhere(members, ([, of]) => of === String(person));
    for (const session of sessions.splice(0)) {
      if (session.person === person) gone.proofs.push(proofOf(session.cookie));
      else sessions.push(session);
    }
  }),
  step('sign in', [some], async ({ people, sessions }, person) => {
    const id = people.get(person!);
    if (id !== undefined)
      sessions.push({ person: person!, cookie: (await createSession(api.database.pool, id, new Date())).cookie });
  }),
  step('delete workspace', [some, some, some], async ({ enrolments, members, tombstones }, course, cohort, person) => {
    expect((await ask('DELETE', `workspaces/c${cohort}-k${course}-pat-${person}`)).status).toBe(202);
    if (enrolments.has(`${course} ${cohort}`) && members.has(`${cohort} ${person}`))
      tombstones.add(`${course} ${cohort} ${person}`);
  }),
  step('make token', [], async ({ tokens }) => {
    const { body } = await ask('POST', 'tokens', { name: 'x', scopes: ['courses:read'] });
    tokens.set(body.id, body.value);
  }),
  step('revoke token', [some], async ({ tokens, gone }, number) => {
    const [id, bearer] = [...tokens][number!] ?? [];
    if (id === undefined || bearer === undefined) return;
    expect((await ask('DELETE', `tokens/${id}`)).status).toBe(204);
    tokens.delete(id);
    gone.proofs.push({ bearer });
  }),
];

test('whatever is declared and deleted in any order, what is there is what is implied, and nothing deleted can be used', {
  timeout: 600_000,
}, async () => {
  console.log(`ARMADA_FUZZ_SEED=${fuzzSeed}`);
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { maxCommands: 50, size: 'max' }), async all => {
      await api.database.pool.query('truncate people, courses, cohorts, homes, workspaces, tokens cascade');
      const model: Model = {
        courses: new Map(),
        cohorts: new Map(),
        people: new Map(),
        enrolments: new Set(),
        members: new Set(),
        tombstones: new Set(),
        tokens: new Map(),
        sessions: [],
        gone: { addresses: new Set(), proofs: [] },
      };
      await fc.asyncModelRun(() => ({ model, real: null }), all);
    }),
    { seed: fuzzSeed, numRuns: 5 },
  );
});
