import type {
  AttributeType,
  CreateUserPoolClientRequest,
  CreateUserPoolRequest,
  GroupType,
  UserPoolClientType,
  UserPoolType,
  UserStatusType,
  UserType,
} from '@aws-sdk/client-cognito-identity-provider';
import type { JWK } from 'jose';
import type { PasswordHash, PasswordPolicy } from './passwords.ts';

// Times are milliseconds since 1970.

/** A user pool: the settings as they were asked for, and its signing key, which must survive restarts. */
export interface PoolRecord {
  readonly id: string;
  readonly arn: string;
  readonly createdAt: number;
  readonly settings: CreateUserPoolRequest;
  readonly policy: PasswordPolicy;
  readonly signingKey: JWK;
}

/** An app client of a pool. */
export interface ClientRecord {
  readonly id: string;
  readonly poolId: string;
  readonly secret: string | undefined;
  readonly createdAt: number;
  readonly settings: CreateUserPoolClientRequest;
}

/** A group of a pool; who is in it stands with the users. */
export interface GroupRecord {
  readonly poolId: string;
  readonly name: string;
  readonly description: string | undefined;
  readonly precedence: number | undefined;
  readonly createdAt: number;
}

/** A code that was mailed for a new password. */
export interface ResetCode {
  readonly code: string;
  readonly expiresAt: number;
  readonly failures: number;
}

/** A user of a pool. */
export interface UserRecord {
  readonly poolId: string;
  /** Never changes; where e-mail addresses are the usernames it is the `sub`. */
  readonly username: string;
  /** With `sub`. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly status: UserStatusType;
  readonly enabled: boolean;
  readonly createdAt: number;
  readonly modifiedAt: number;
  readonly password: PasswordHash | undefined;
  /** When a temporary password ends. */
  readonly temporaryUntil?: number | undefined;
  readonly resetCode?: ResetCode | undefined;
  /** When codes were asked for in the last hour. */
  readonly codesAskedAt?: readonly number[];
  readonly groups: readonly string[];
}

/** The id under which a user is kept. */
export function userKey(user: { readonly poolId: string; readonly username: string }): string {
  return `${user.poolId}/${user.username}`;
}

/** Attributes in Cognito's form of a list. */
export function attributesOf(user: UserRecord, wanted?: readonly string[]): AttributeType[] {
  return Object.entries(user.attributes)
    .filter(([name]) => !wanted || wanted.includes(name))
    .map(([Name, Value]) => ({ Name, Value }));
}

/** A user as lists and AdminCreateUser describe one. */
export function describeUser(user: UserRecord, wanted?: readonly string[]): UserType {
  return {
    Username: user.username,
    Attributes: attributesOf(user, wanted),
    UserCreateDate: new Date(user.createdAt),
    UserLastModifiedDate: new Date(user.modifiedAt),
    Enabled: user.enabled,
    UserStatus: user.status,
  };
}

/** A pool as Cognito describes it; its key is not part of that. */
export function describePool(pool: PoolRecord, users: number): UserPoolType {
  const { PoolName, Schema, Policies, ...settings } = pool.settings;
  return {
    ...settings,
    Id: pool.id,
    Arn: pool.arn,
    Name: PoolName,
    Policies: { ...Policies, PasswordPolicy: pool.policy },
    SchemaAttributes: Schema,
    CreationDate: new Date(pool.createdAt),
    LastModifiedDate: new Date(pool.createdAt),
    EstimatedNumberOfUsers: users,
  };
}

/** A client as Cognito describes it, its secret included. */
export function describeClient(client: ClientRecord): UserPoolClientType {
  const { GenerateSecret, ClientSecret, ...settings } = client.settings;
  return {
    ...settings,
    ClientId: client.id,
    ClientSecret: client.secret,
    CreationDate: new Date(client.createdAt),
    LastModifiedDate: new Date(client.createdAt),
  };
}

/** A group as Cognito describes it. */
export function describeGroup(group: GroupRecord): GroupType {
  return {
    GroupName: group.name,
    UserPoolId: group.poolId,
    Description: group.description,
    Precedence: group.precedence,
    CreationDate: new Date(group.createdAt),
    LastModifiedDate: new Date(group.createdAt),
  };
}
