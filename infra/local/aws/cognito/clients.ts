import { createHmac, timingSafeEqual } from 'node:crypto';
import type { ExplicitAuthFlowsType } from '@aws-sdk/client-cognito-identity-provider';
import { invalidParameter, notAuthorized } from './errors.ts';
import type { ClientRecord } from './records.ts';

/** Refuses a flow that the client does not allow. */
export function checkFlow(client: ClientRecord, ...flows: readonly ExplicitAuthFlowsType[]): void {
  if (!flows.some(flow => client.settings.ExplicitAuthFlows?.includes(flow)))
    throw invalidParameter('Auth flow not enabled for this client');
}

/** Refuses a caller who does not know the secret of a client that has one. `hash` is HMAC-SHA256 of name and client id. */
export function checkSecret(client: ClientRecord, name: string, hash: string | undefined): void {
  if (client.secret === undefined) return;
  if (hash === undefined)
    throw notAuthorized(`Client ${client.id} is configured with secret but SECRET_HASH was not received`);
  const expected = createHmac('sha256', client.secret).update(`${name}${client.id}`).digest();
  const given = Buffer.from(hash, 'base64');
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw notAuthorized(`Unable to verify secret hash for client ${client.id}`);
}

/** Whether the client keeps to itself which users there are. */
export function hidesUsers(client: ClientRecord): boolean {
  return client.settings.PreventUserExistenceErrors === 'ENABLED';
}

/** A parameter that must be there, or InvalidParameterException. */
export function required(parameters: Readonly<Record<string, string>> | undefined, name: string): string {
  const value = parameters?.[name];
  if (!value) throw invalidParameter(`Missing required parameter ${name}`);
  return value;
}
