import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, FastifyServerOptions, RawServerDefault } from 'fastify';
import type pg from 'pg';
import type { Registry } from 'prom-client';
import type { Keys } from '../resources/keys.ts';
import type { Asset } from './assets.ts';
import type { Hub } from './hub.ts';
import type { Identity } from './identity.ts';
import type { Settings } from './settings.ts';

/** What the app is built from; nothing in it reaches for the outside by itself. */
export interface Dependencies {
  readonly pool: pg.Pool;
  readonly settings: Settings;
  readonly keys: Keys;
  readonly identity: Identity;
  /** Tells of changes in the database; the caller opens and closes it. */
  readonly hub: Hub;
  readonly assets: ReadonlyMap<string, Asset>;
  /** Where requests are counted; left out: they are not. */
  readonly registry?: Registry;
  readonly now: () => Date;
  /** How often open streams ask whether they still may; 20 s unless told. */
  readonly recheckMilliseconds?: number;
  readonly logger?: FastifyServerOptions['logger'];
}

/** An app whose routes take their types from their schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;
