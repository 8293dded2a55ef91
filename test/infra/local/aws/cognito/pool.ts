import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  AdminCreateUserCommand,
  type AdminCreateUserCommandInput,
  AdminInitiateAuthCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
  CreateUserPoolClientCommand,
  type CreateUserPoolClientCommandInput,
  CreateUserPoolCommand,
  type CreateUserPoolCommandInput,
  type UserType,
} from '@aws-sdk/client-cognito-identity-provider';
import { Cognito } from '../../../../../infra/local/aws/cognito/cognito.ts';
import type { Mail } from '../../../../../infra/local/aws/cognito/outbox.ts';
import { Endpoint } from '../../../../../infra/local/aws/endpoint.ts';
import { State } from '../../../../../infra/local/aws/state.ts';
import { ManualClock } from '../../../../support/manual-clock.ts';

export const goodPassword = 'Correct-horse-7';

/** A local Cognito with a pool where e-mail addresses are the names, and a client for signing in, on a file of its own. */
export class TestPool {
  readonly clock = new ManualClock();
  readonly #folder: string;
  readonly #mailsPerDay: number | undefined;
  #endpoint: Endpoint | undefined;
  state!: State;
  cognito!: Cognito;
  client!: CognitoIdentityProviderClient;
  url = '';
  poolId = '';
  clientId = '';

  constructor(folder: string, mailsPerDay: number | undefined) {
    this.#folder = folder;
    this.#mailsPerDay = mailsPerDay;
  }

  static async start(
    options: {
      pool?: Partial<CreateUserPoolCommandInput>;
      client?: Partial<CreateUserPoolClientCommandInput>;
      mailsPerDay?: number;
    } = {},
  ): Promise<TestPool> {
    const test = new TestPool(await mkdtemp(path.join(tmpdir(), 'armada-cognito-')), options.mailsPerDay);
    await test.open();
    test.poolId = await test.createPool(options.pool);
    test.clientId = await test.createClient(options.client);
    return test;
  }

  async createPool(settings: Partial<CreateUserPoolCommandInput> = {}): Promise<string> {
    const command = new CreateUserPoolCommand({ PoolName: 'armada', UsernameAttributes: ['email'], ...settings });
    return (await this.client.send(command)).UserPool!.Id!;
  }

  async createClient(settings: Partial<CreateUserPoolClientCommandInput> = {}): Promise<string> {
    const command = new CreateUserPoolClientCommand({
      UserPoolId: this.poolId,
      ClientName: 'app',
      ExplicitAuthFlows: ['ALLOW_ADMIN_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
      PreventUserExistenceErrors: 'ENABLED',
      ...settings,
    });
    return (await this.client.send(command)).UserPoolClient!.ClientId!;
  }

  async open(): Promise<void> {
    this.state = new State(path.join(this.#folder, 'state.sqlite'), this.clock);
    this.cognito = new Cognito({
      state: this.state,
      region: 'us-east-1',
      issuerBase: () => this.url,
      mailsPerDay: this.#mailsPerDay,
    });
    this.#endpoint = new Endpoint({
      services: { ecs: {}, elasticloadbalancing: {}, elasticfilesystem: {}, 'cognito-idp': this.cognito.operations },
      authenticate: () => {},
      documents: asked => this.cognito.documents(asked),
    });
    this.url = await this.#endpoint.listen(0);
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
    this.client = new CognitoIdentityProviderClient({
      endpoint: this.url,
      region: 'us-east-1',
      credentials,
      maxAttempts: 1,
    });
  }

  /** Ends what a killed process would end; the file stays. */
  async shut(): Promise<void> {
    this.client.destroy();
    await this.#endpoint?.close();
    this.state.close();
  }

  async stop(): Promise<void> {
    await this.shut();
    await rm(this.#folder, { recursive: true });
  }

  get mails(): Mail[] {
    return this.cognito.outbox.list();
  }

  async invite(email: string, more: Partial<AdminCreateUserCommandInput> = {}): Promise<UserType> {
    const command = new AdminCreateUserCommand({
      UserPoolId: this.poolId,
      Username: email,
      UserAttributes: [{ Name: 'email_verified', Value: 'true' }],
      DesiredDeliveryMediums: ['EMAIL'],
      ...more,
    });
    return (await this.client.send(command)).User!;
  }

  /** A user who has chosen a password. */
  async confirmed(email: string, password = goodPassword): Promise<UserType> {
    const user = await this.invite(email, { MessageAction: 'SUPPRESS' });
    const names = { UserPoolId: this.poolId, Username: email };
    await this.client.send(new AdminSetUserPasswordCommand({ ...names, Password: password, Permanent: true }));
    return user;
  }

  signIn(USERNAME: string, PASSWORD: string, more: Record<string, string> = {}) {
    const AuthParameters = { USERNAME, PASSWORD, ...more };
    const { poolId: UserPoolId, clientId: ClientId } = this;
    const AuthFlow = 'ADMIN_USER_PASSWORD_AUTH';
    return this.client.send(new AdminInitiateAuthCommand({ UserPoolId, ClientId, AuthFlow, AuthParameters }));
  }

  /** The temporary password in the newest mail. */
  get mailedPassword(): string {
    return /^Password: (.+)$/m.exec(this.mails[0]?.text ?? '')?.[1] ?? '';
  }

  /** The code in the newest mail. */
  get mailedCode(): string {
    return /\b\d{6}\b/.exec(this.mails[0]?.text ?? '')?.[0] ?? '';
  }
}
