import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Api, makeClass, type Person, startApi } from './harness.ts';

let api: Api;
let ada: Person;
let bob: Person;
let grace: Person;
let stranger: Person;
beforeAll(async () => {
  api = await startApi();
  [ada, bob] = (await makeClass(api, ['Ada Lovelace', 'Bob Ross'])) as [Person, Person];
  grace = await api.person('Grace Hopper', 'instructor');
  stranger = await api.person('Alan Turing', 'instructor', { stranger: true });
});
afterAll(() => api.close());

/** What the controller writes once the account is made. */
async function accountOf(person: Person, status: object = {}): Promise<void> {
  const { email } = person.person.spec;
  const known = JSON.stringify({ username: email, observedGeneration: 1, invitation: 'sent', ...status });
  await api.database.pool.query('update people set status = status || $2::jsonb where id = $1', [
    person.person.id,
    known,
  ]);
  api.identity.accounts.set(email, { password: 'mailed-1', temporary: true, groups: [] });
}

const linkOf = async (slug: string, as: Person = grace) => api.send('POST', `/v1/students/${slug}/join-link`, as);
const keyOf = (url: string) => url.slice(url.indexOf('#') + 1);
const join = (key: string, password = 'correct horse') =>
  api.send('POST', '/join', undefined, { form: { key, password } });
const cookieOf = (headers: Record<string, unknown>) =>
  [headers['set-cookie'] ?? []].flat().find(cookie => String(cookie).startsWith('__Host-armada-session=')) as string;

describe('a handed link', () => {
  test('lets its person choose a password once, and they are inside', async () => {
    await accountOf(ada);
    const { status, body, headers } = await linkOf('ada-lovelace');
    expect(status).toBe(201);
    expect(headers['cache-control']).toBe('no-store');
    expect(body.url).toMatch(/^http:\/\/localhost:8080\/join#[\w-]{43}$/);
    const { rows } = await api.database.pool.query('select * from join_links');
    expect(JSON.stringify(rows)).not.toContain(keyOf(body.url));
    const done = await join(keyOf(body.url));
    expect([done.status, done.headers['location']]).toEqual([303, '/']);
    const cookie = cookieOf(done.headers).split(';')[0]!;
    expect((await api.send('GET', '/v1/me', { ...ada, cookie })).body.slug).toBe('ada-lovelace');
    const again = await join(keyOf(body.url));
    expect(again.status).toBe(410);
    expect(again.text).toContain('ask your instructor for a new link');
    expect(cookieOf(again.headers)).toBeUndefined();
    const { body: events } = await api.send('GET', '/v1/events?about=ada-lovelace', 'operator');
    const made = await api.send('GET', `/v1/events?about=${ada.person.id}`, 'operator');
    expect([...events.items, ...made.body.items]).toContainEqual(
      expect.objectContaining({ reason: 'JoinLinkMade', by: 'grace-hopper' }),
    );
  });

  test('is good for one of two who use it at once', async () => {
    await accountOf(bob);
    const key = keyOf((await linkOf('bob-ross')).body.url);
    const answers = await Promise.all([join(key), join(key)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 410]);
  });

  test('is good for another try after a password that is too weak, and not after 7 days', async () => {
    await accountOf(bob);
    const key = keyOf((await linkOf('bob-ross')).body.url);
    const weak = await join(key, 'short');
    expect(weak.status).toBe(400);
    expect(weak.text).toContain('too weak');
    await api.database.pool.query(
      `update join_links set created_at = created_at - interval '7 days', expires_at = expires_at - interval '7 days'`,
    );
    expect((await join(key)).status).toBe(410);
  });

  test('waits for an account that is not made yet', async () => {
    await accountOf(bob, { username: null });
    const key = keyOf((await linkOf('bob-ross')).body.url);
    expect((await join(key)).text).toContain('still being made');
    await accountOf(bob);
    expect((await join(key)).status).toBe(303);
  });

  test('is made for nobody who has joined, whatever link they had before ends, and sets no second password', async () => {
    await accountOf(bob);
    const key = keyOf((await linkOf('bob-ross')).body.url);
    // The pool knows before the controller has looked.
    api.identity.accounts.set(bob.person.spec.email, { password: 'own', temporary: false, groups: [] });
    expect((await join(key)).status).toBe(410);
    expect(api.identity.accounts.get(bob.person.spec.email)?.password).toBe('own');
    await accountOf(bob, { invitation: 'accepted' });
    expect((await linkOf('bob-ross')).status).toBe(409);
  });

  test('V10: nothing else lets one choose a password for an account', async () => {
    await accountOf(bob);
    for (const key of [
      'x',
      bob.person.spec.email,
      `${bob.person.spec.email}/wrong`,
      `${bob.person.spec.email}/`,
      bob.person.id,
    ]) {
      const { status, headers } = await join(key);
      expect(status, key).toBe(410);
      expect(cookieOf(headers)).toBeUndefined();
    }
    expect(api.identity.accounts.get(bob.person.spec.email)).toMatchObject({ password: 'mailed-1', temporary: true });
  });

  test('can be had for all of a class who have not joined, by its instructors alone', async () => {
    await accountOf(ada, { invitation: 'accepted' });
    await accountOf(bob);
    const many = await api.send('POST', '/v1/courses/intro/join-links', grace);
    expect(many.body.items.map((item: { student: string }) => item.student)).toEqual(['bob-ross']);
    expect((await join(keyOf(many.body.items[0].url))).status).toBe(303);
    const other = await api.send('POST', '/v1/courses/intro/join-links', stranger);
    expect(other.status).toBe(404);
    expect((await linkOf('bob-ross', stranger)).status).toBe(404);
    expect((await linkOf('bob-ross', ada)).status).toBe(403);
  });
});

describe('a mailed link', () => {
  test('takes address and password from behind the #, and a password of one’s own', async () => {
    await accountOf(bob);
    const done = await join(`${bob.person.spec.email}/mailed-1`);
    expect([done.status, done.headers['location']]).toEqual([303, '/']);
    expect((await join(`${bob.person.spec.email}/mailed-1`)).status).toBe(410);
  });

  test('is held up as signing in is', async () => {
    const statuses: number[] = [];
    for (let number = 0; number < 11; number += 1)
      statuses.push((await join(`held.up@school.edu/guess-${number}`)).status);
    expect(statuses).toEqual([...Array(10).fill(410), 429]);
  });
});

describe('an invitation', () => {
  const specOf = async (slug: string) => (await api.send('GET', `/v1/students/${slug}`, 'operator')).body.spec;
  const ask = (slug: string, as: Person = grace) => api.send('POST', `/v1/students/${slug}/invitation`, as);

  test('is asked for again once, however often the button is pressed', async () => {
    await accountOf(bob, { observedGeneration: 99 });
    expect((await ask('bob-ross')).status).toBe(202);
    const { resends } = await specOf('bob-ross');
    await accountOf(bob, { observedGeneration: 0 });
    expect((await ask('bob-ross')).status).toBe(202);
    expect((await specOf('bob-ross')).resends).toBe(resends);
  });

  test('does not go to who has joined, nor by a stranger’s word', async () => {
    await accountOf(bob, { invitation: 'accepted' });
    expect((await ask('bob-ross')).status).toBe(409);
    expect((await ask('bob-ross', stranger)).status).toBe(404);
  });

  test('goes to the new address of who has not joined; the address of who has is theirs', async () => {
    const patch = (email: string) => api.send('PATCH', '/v1/students/bob-ross', grace, { body: { spec: { email } } });
    await accountOf(bob, { observedGeneration: 99 });
    const { resends = 0 } = await specOf('bob-ross');
    expect((await patch('Robert.Ross@school.edu')).body.spec).toMatchObject({
      email: 'robert.ross@school.edu',
      resends: resends + 1,
    });
    expect((await patch('ada.lovelace@school.edu')).status).toBe(409);
    await accountOf(bob, { invitation: 'accepted' });
    expect((await patch('bob@school.edu')).status).toBe(409);
  });

  test('comes out of the day’s mails, which instructors see beforehand', async () => {
    const { body } = await api.send('GET', '/v1/mails', grace);
    expect(body).toEqual({ left: 50, perDay: 50 });
    await api.database.pool.query(
      "insert into mails (round, asked_at, seen_at) select 1, now(), 'epoch' from generate_series(1, 49)",
    );
    await api.database.pool.query(
      "insert into mails (round, asked_at, seen_at) values (1, now() - interval '2 days', 'epoch')",
    );
    expect((await api.send('GET', '/v1/mails', grace)).body).toEqual({ left: 1, perDay: 50 });
    const list = { text: 'Eve, eve@school.edu\nMallory, mallory@school.edu' };
    const preview = await api.send('POST', '/v1/cohorts/fall/roster?dryRun=true', grace, { body: list });
    expect(preview.body).toMatchObject({ added: [{}, {}], mailsLeft: 1 });
  });
});
