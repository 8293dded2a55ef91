import type { Operations } from '../endpoint.ts';
import type { State } from '../state.ts';
import { Directory } from './directory.ts';
import { Groups } from './groups.ts';
import { defaultMailsPerDay, Outbox } from './outbox.ts';
import { Pools } from './pools.ts';
import { Recovery } from './recovery.ts';
import { SignIn } from './sign-in.ts';
import { Tokens } from './tokens.ts';
import { Users } from './users.ts';

/** What a local Cognito stands on. */
export interface CognitoOptions {
  readonly state: State;
  readonly region: string;
  readonly accountId?: string;
  /** The endpoint's URL, asked for when a token is signed: the port may be known only then. */
  readonly issuerBase: () => string;
  /** Mails that Cognito's own sender takes in a day; 50 as on AWS unless told. */
  readonly mailsPerDay?: number;
}

const documentPattern = /^\/([\w-]+)\/\.well-known\/(jwks\.json|openid-configuration)$/;

/** The local Cognito: user pools with signed tokens, whose mails go to an outbox. */
export class Cognito {
  /** Cognito's operations by name, for the endpoint. */
  readonly operations: Operations;
  /** The mails that would have been sent. */
  readonly outbox: Outbox;
  readonly #pools: Pools;
  readonly #tokens: Tokens;

  constructor(options: CognitoOptions) {
    const { state, region, accountId = '000000000000' } = options;
    this.outbox = new Outbox(state, options.mailsPerDay ?? defaultMailsPerDay);
    this.#tokens = new Tokens(state, options.issuerBase);
    const countUsers = (poolId: string) => directory.count(poolId);
    this.#pools = new Pools({ state, region, accountId, countUsers });
    const directory = new Directory(state, this.#pools);
    const parts = { state, pools: this.#pools, directory, outbox: this.outbox, tokens: this.#tokens };
    this.operations = {
      ...this.#pools.operations,
      ...new Groups(state, this.#pools, directory).operations,
      ...new Users(parts).operations,
      ...new SignIn(parts).operations,
      ...new Recovery(parts).operations,
    };
  }

  /** The public documents of a pool: its JWKS and what OpenID Connect calls its configuration. */
  documents(path: string): object | undefined {
    const [, poolId, document] = documentPattern.exec(path) ?? [];
    const pool = this.#pools.find(poolId);
    if (!pool) return undefined;
    if (document === 'jwks.json') return this.#tokens.jwks(pool);
    const issuer = this.#tokens.issuer(pool.id);
    return {
      issuer,
      jwks_uri: `${issuer}/.well-known/jwks.json`,
      id_token_signing_alg_values_supported: ['RS256'],
      response_types_supported: ['code', 'token'],
      subject_types_supported: ['public'],
    };
  }
}
