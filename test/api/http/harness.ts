import { randomBytes } from 'node:crypto';
import type { InjectOptions } from 'fastify';
import { buildApp } from '../../../api/http/app.ts';
import type { App, Dependencies } from '../../../api/http/dependencies.ts';
import { createHub, type Hub } from '../../../api/http/hub.ts';
import type { Answer, FirstPassword, Identity } from '../../../api/http/identity.ts';
import { readSettings, type Settings } from '../../../api/http/settings.ts';
import { type Keys, keysOf } from '../../../api/resources/keys.ts';
import type { Student } from '../../../api/resources/student.ts';
import { declarePeople, ensureInstructor } from '../../../api/store/people.ts';
import { createSession } from '../../../api/store/sessions.ts';
import { inTurn, presentVersion } from '../../../api/store/turn.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

export const portalUrl = 'http://localhost:8080';
export const operatorToken = randomBytes(24).toString('hex');

export const environment = {
  AWS_REGION: 'us-east-1',
  ARMADA_BALANCERS:
    '[{"listenerArn": "arn:1", "domain": "localhost"}, {"listenerArn": "arn:2", "domain": "s2.localhost"}]',
  ARMADA_USER_POOL_ID: 'us-east-1_pool',
  ARMADA_USER_POOL_CLIENT_ID: 'client',
  ARMADA_PORTAL_URL: portalUrl,
  ARMADA_SECRET: 'a secret of more than thirty-two characters',
  ARMADA_OPERATOR_TOKEN: operatorToken,
  PORT: '0',
};

/** A user pool in memory: what the port promises, and nothing of Cognito. */
export class FakeIdentity implements Identity {
  readonly accounts = new Map<string, { password: string; temporary: boolean; groups: string[] }>();

  async signIn(email: string, password: string): Promise<Answer> {
    const account = this.accounts.get(email);
    if (account?.password !== password) return { outcome: 'refused' };
    if (account.temporary) return { outcome: 'new-password', challenge: `challenge of ${email}` };
    return { outcome: 'proved', proved: { email, name: 'Grace Hopper', groups: account.groups } };
  }
  async setNewPassword(email: string, challenge: string, password: string): Promise<Answer> {
    const account = this.accounts.get(email);
    if (!account || challenge !== `challenge of ${email}`) return { outcome: 'expired' };
    if (password.length < 8) return { outcome: 'weak-password' };
    account.password = password;
    account.temporary = false;
    return this.signIn(email, password);
  }
  /** The user name of an account is its address here. */
  async setFirstPassword(username: string, password: string): Promise<FirstPassword> {
    const account = this.accounts.get(username);
    if (!account) return 'missing';
    if (!account.temporary) return 'joined';
    if (password.length < 8) return 'weak-password';
    Object.assign(account, { password, temporary: false });
    return 'set';
  }
  async sendCode(): Promise<'sent'> {
    return 'sent';
  }
  async resetPassword(email: string, code: string, password: string) {
    const account = this.accounts.get(email);
    if (!account || code !== '123456') return 'refused' as const;
    account.password = password;
    return 'set' as const;
  }
}

/** The API over a database of its own. */
export interface Api {
  readonly app: App;
  readonly database: TestDatabase;
  readonly hub: Hub;
  readonly identity: FakeIdentity;
  readonly keys: Keys;
  readonly settings: Settings;
  /** Sends a request as a browser's own page would, or with the given headers over these. */
  send(method: string, url: string, as?: Sender, options?: Sent): Promise<Got>;
  person(name: string, role?: Student['role'], options?: { readonly stranger?: boolean }): Promise<Person>;
  close(): Promise<void>;
}

export interface Person {
  readonly person: Student;
  readonly cookie: string;
}
export type Sender = Person | 'operator' | { readonly bearer: string } | undefined;
export interface Sent {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly form?: Record<string, string>;
}
export interface Got {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers
  readonly body: any;
  readonly text: string;
}

export async function startApi(
  extra: Record<string, string> = {},
  more: Partial<Pick<Dependencies, 'registry' | 'logger' | 'now' | 'recheckMilliseconds'>> = {},
): Promise<Api> {
  const database = await createDatabase();
  const settings = readSettings({ ...environment, ...extra, DATABASE_URL: database.url });
  const hub = await createHub(database.url, () => presentVersion(database.pool));
  const identity = new FakeIdentity();
  const keys = keysOf(settings.secret);
  const assets = new Map();
  const now = more.now ?? (() => new Date());
  const app = await buildApp({ pool: database.pool, settings, keys, identity, hub, assets, ...more, now });

  async function send(method: string, url: string, as: Sender, { body, headers = {}, form }: Sent = {}): Promise<Got> {
    const options: InjectOptions = {
      method: method as 'GET',
      url,
      headers: {
        host: 'localhost:8080',
        ...(as === undefined || 'person' in Object(as) ? { 'sec-fetch-site': 'same-origin' } : {}),
        ...proof(as),
        ...headers,
      },
    };
    if (form) {
      options.payload = new URLSearchParams(form).toString();
      options.headers = { 'content-type': 'application/x-www-form-urlencoded', ...options.headers };
    } else if (body !== undefined) options.payload = body as object;
    const response = await app.inject(options);
    const isJson = String(response.headers['content-type'] ?? '').includes('json');
    return {
      status: response.statusCode,
      headers: response.headers as Got['headers'],
      body: isJson ? response.json() : undefined,
      text: response.body,
    };
  }

  async function person(
    name: string,
    role: Student['role'] = 'student',
    options: { readonly stranger?: boolean } = {},
  ): Promise<Person> {
    const email = `${name.toLowerCase().replace(/\W+/g, '.')}@school.edu`;
    const made =
      role === 'instructor'
        ? await ensureInstructor(database.pool, { name, email })
        : (
            await inTurn(database.pool, client => declarePeople(client, [{ name, email }], { invited: true, role }))
          )[0]!;
    // Who is made here teaches in every class that there is; `stranger` in none.
    if (role === 'instructor' && !options.stranger) {
      await database.pool.query(
        'insert into staff (course_id, person_id) select id, $1 from courses where deleted_at is null on conflict do nothing',
        [made.id],
      );
    }
    const { cookie } = await createSession(database.pool, made.id, now());
    return { person: made, cookie: `__Host-armada-session=${cookie}` };
  }

  return {
    ...{ app, database, hub, identity, keys, settings, send, person },
    async close() {
      await app.close();
      await hub.close();
      await database.close();
    },
  };
}

function proof(as: Sender): Record<string, string> {
  if (as === undefined) return {};
  if (as === 'operator') return { authorization: `Bearer ${operatorToken}` };
  return 'bearer' in as ? { authorization: `Bearer ${as.bearer}` } : { cookie: as.cookie };
}

/** A class: course `intro`, taken by cohort `fall` with these students, each signed in. */
export async function makeClass(api: Api, names: readonly string[]): Promise<readonly Person[]> {
  await api.send('PUT', '/v1/courses/intro', 'operator', { body: { name: 'Introduction' } });
  await api.send('PUT', '/v1/cohorts/fall', 'operator', { body: { name: 'Fall' } });
  await api.send('PUT', '/v1/courses/intro/cohorts/fall', 'operator');
  const people: Person[] = [];
  for (const name of names) {
    const person = await api.person(name);
    await api.send('PUT', `/v1/cohorts/fall/students/${person.person.slug}`, 'operator');
    people.push(person);
  }
  return people;
}
