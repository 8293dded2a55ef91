import { SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { keysOf } from '../../../api/resources/keys.ts';
import { Tickets } from '../../../infra/gate/tickets.ts';
import { type Claims, keys, ticketOf, workspaceId } from './support.ts';

const now = 1_800_000_000_000;
const seconds = now / 1000;

function tickets(at = now): Tickets {
  return new Tickets({ ticketKeys: keys.publicKeys, workspaceId, startedAt: now - 60_000, now: () => at });
}

const good = (claims: Claims = {}) => ticketOf({ state: 's', iat: seconds, jti: 'once', ...claims });

/** The ticket with one character of it changed, for each character and several others in its place. */
function changed(ticket: string): string[] {
  const others = ['A', 'b', '7', '-', '_', '.', '=', ' '];
  return [...ticket].flatMap((character, at) =>
    others.filter(other => other !== character).map(other => ticket.slice(0, at) + other + ticket.slice(at + 1)),
  );
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

test('the ticket that all others here are made from is accepted', async () => {
  expect(await tickets().use(await good())).toMatchObject({
    aud: workspaceId,
    sub: 'ada',
    sid: 'session-1',
    as: 'owner',
  });
});

test('V13: of more than 2,000 changed tickets none is accepted', async () => {
  const ticket = await good();
  const [header = '', payload = '', signature = ''] = ticket.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
  const cut = [...ticket].map((_character, at) => ticket.slice(0, at));
  const unsigned = ['none', 'None', 'HS256', 'RS256', 'EdDSA', ''].flatMap(alg =>
    ['', signature].map(end => `${part({ alg })}.${payload}.${end}`),
  );
  const claimed = [{ aud: 'wsp-2' }, { exp: seconds + 1e6 }, { sub: 'mallory' }, { as: 'staff' }].map(
    each => `${header}.${part({ ...claims, ...each })}.${signature}`,
  );
  // The public key taken as a shared secret.
  const [key] = keys.publicKeys.keys;
  const confused = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .sign(Buffer.from(String(key!['x']), 'base64url'));
  const stranger = await ticketOf({ state: 's', iat: seconds }, keysOf('another secret'));
  const all = [...changed(ticket), ...cut, ...unsigned, ...claimed, confused, stranger, `${ticket}.`, `${ticket} `];
  const wrong = all.filter(each => each !== ticket);
  expect(wrong.length).toBeGreaterThan(2000);
  const accepted = [];
  for (const each of wrong) if (typeof (await tickets().use(each)) !== 'string') accepted.push(each);
  expect(accepted).toEqual([]);
});

test('properly signed tickets that lack something or have it wrong are refused', async () => {
  for (const claims of [
    { aud: 'wsp-2' },
    { as: 'operator' },
    { exp: seconds - 3 },
    { iat: seconds + 10 },
    { iat: seconds - 33, exp: seconds + 30 },
  ]) {
    expect(typeof (await tickets().use(await good(claims))), JSON.stringify(claims)).toBe('string');
  }
  for (const name of ['aud', 'sub', 'sid', 'state', 'as', 'owner', 'jti', 'iat', 'exp']) {
    const payload: Record<string, unknown> = {
      aud: workspaceId,
      sub: 'a',
      sid: 's',
      state: 's',
      as: 'owner',
      owner: 'A',
    };
    Object.assign(payload, { jti: 'j', iat: seconds, exp: seconds + 30 });
    const whole = new SignJWT(payload).setProtectedHeader({ alg: 'EdDSA' });
    expect(typeof (await tickets().use(await whole.sign(keys.ticketKey)))).toBe('object');
    delete payload[name];
    const lacking = new SignJWT(payload).setProtectedHeader({ alg: 'EdDSA' });
    expect(typeof (await tickets().use(await lacking.sign(keys.ticketKey))), name).toBe('string');
  }
});

test('T16: a ticket is used once, and none is older than the gate', async () => {
  const gate = tickets();
  const ticket = await good();
  expect(typeof (await gate.use(ticket))).toBe('object');
  expect(await gate.use(ticket)).toBe('used');
  const restarted = new Tickets({
    ticketKeys: keys.publicKeys,
    workspaceId,
    startedAt: now + 2000,
    now: () => now + 3000,
  });
  expect(await restarted.use(ticket)).toBe('older than the gate');
});

test('while the secret is being changed tickets of both are accepted', async () => {
  const both = keysOf('a new secret,a secret of the tests');
  const gate = new Tickets({ ticketKeys: both.publicKeys, workspaceId, startedAt: now, now: () => now });
  expect(typeof (await gate.use(await good()))).toBe('object');
  expect(typeof (await gate.use(await ticketOf({ state: 's', iat: seconds }, both)))).toBe('object');
});
