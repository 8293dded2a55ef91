import { createPublicKey } from 'node:crypto';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TicketClaims } from '../../../api/resources/entrance.ts';
import { type Api, type Got, makeClass, type Person, startApi } from './harness.ts';

let api: Api;
let ada: Person;
beforeAll(async () => {
  api = await startApi();
  [ada] = (await makeClass(api, ['Ada Lovelace', 'Bob Ross'])) as [Person, Person];
});
afterAll(() => api.close());

const page = { accept: 'text/html' };

describe('the way into a workspace', () => {
  const state = 'A'.repeat(43);
  async function ready(slug: string) {
    const { rows } = await api.database.pool.query(
      `update workspaces set status = status || '{"step": "ready"}', spec = spec || '{"running": true}' where slug = $1 returning id`,
      [slug],
    );
    await api.database.pool.query('insert into route_slots values (1, 7, $1) on conflict do nothing', [rows[0].id]);
    return rows[0].id as string;
  }
  const ticketOf = (got: Got) => /name="ticket" value="([^"]+)"/.exec(got.text)?.[1] ?? '';
  async function claimsOf(ticket: string) {
    const keys = createLocalJWKSet(api.keys.publicKeys as unknown as JSONWebKeySet);
    return (await jwtVerify(ticket, keys, { algorithms: ['EdDSA'] })).payload;
  }

  test('of one that does not run is its Wake page', async () => {
    const { headers } = await api.send('GET', '/open/fall-intro-ada-lovelace?to=%2Fproxy%2F80', ada, { headers: page });
    expect(headers['location']).toBe('/wake/fall-intro-ada-lovelace?to=%2Fproxy%2F80');
  });

  test('of one that is ready goes by its gate, which brings a state, to a ticket of 30 seconds in a form', async () => {
    const id = await ready('fall-intro-ada-lovelace');
    const there = await api.send('GET', '/open/fall-intro-ada-lovelace?to=%2Fa%3Fb', ada, { headers: page });
    expect(there.headers['location']).toBe('http://fall-intro-ada-lovelace.s2.localhost:8080/a?b');
    const got = await api.send('GET', `/open/fall-intro-ada-lovelace?state=${state}&to=%2Fa%3Fb`, ada, {
      headers: page,
    });
    expect(got.status).toBe(200);
    expect(got.text).toContain('action="http://fall-intro-ada-lovelace.s2.localhost:8080/.gate/enter"');
    expect(got.text).toContain('name="to" value="/a?b"');
    expect(got.headers['content-security-policy']).toContain(
      'form-action http://fall-intro-ada-lovelace.s2.localhost:8080;',
    );
    // A stricter policy would hide the Origin that the gate checks.
    expect(got.headers['referrer-policy']).toBe('strict-origin');
    expect(got.headers['cache-control']).toBe('no-store');
    const claims = await claimsOf(ticketOf(got));
    expect(claims).toMatchObject({ aud: id, sub: ada.person.id, state, as: 'owner', owner: 'Ada Lovelace' });
    expect(claims.exp! - claims.iat!).toBe(30);
    expect(Value.Check(TicketClaims, claims)).toBe(true);
    const { rows } = await api.database.pool.query('select sid from sessions where person_id = $1 and sid = $2', [
      ada.person.id,
      claims['sid'],
    ]);
    expect(rows).toHaveLength(1);
    expect(createPublicKey({ key: api.keys.publicKeys.keys[0]!, format: 'jwk' }).asymmetricKeyType).toBe('ed25519');
  });

  test('T8: is closed to others, and a visit by staff is written down', async () => {
    const id = await ready('fall-intro-ada-lovelace');
    const other = await api.person('Eve Other');
    const url = `/open/fall-intro-ada-lovelace?state=${state}`;
    expect((await api.send('GET', url, other, { headers: page })).status).toBe(404);
    const anonymous = await api.send('GET', url, undefined, { headers: page });
    expect(anonymous.headers['location']).toBe(`/sign-in?next=${encodeURIComponent(url)}`);
    const grace = await api.person('Grace Slick', 'instructor');
    const got = await api.send('GET', url, grace, { headers: page });
    expect(await claimsOf(ticketOf(got))).toMatchObject({ as: 'staff', owner: 'Ada Lovelace', sub: grace.person.id });
    const { body } = await api.send('GET', `/v1/events?about=${id}`, grace);
    expect(body.items[0]).toMatchObject({ reason: 'OpenedByStaff', by: 'grace-slick', actor: 'Grace Slick' });
    // A name may be an address: what the student reads is told without it.
    expect(body.items[0].message).not.toContain('Grace');
    expect((await api.send('GET', '/open/fall-intro-ada-lovelace?state=short', ada)).status).toBe(400);
  });

  test('of one that is deleted is not there', async () => {
    await ready('fall-intro-bob-ross');
    await api.send('DELETE', '/v1/workspaces/fall-intro-bob-ross', 'operator');
    const grace = await api.person('Grace Jones', 'instructor');
    expect((await api.send('GET', `/open/fall-intro-bob-ross?state=${state}`, grace)).status).toBe(404);
  });
});
