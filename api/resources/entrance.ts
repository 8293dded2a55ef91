import { type Static, Type } from 'typebox';

/**
 * What portal and gate agree on. The way in: the gate sets a state cookie and sends the browser to the portal's
 * `/open/<slug>?state=<base64url sha256 of the state>&to=<path>`; the portal posts a ticket to `enterPath` of the
 * workspace's origin (form fields `ticket` and `to`); the gate checks Origin, ticket and state and sets its cookie.
 */
export const enterPath = '/.gate/enter';
/** 200 once the gate holds the home and the IDE answers, else 503; open to everyone, says nothing. */
export const healthPath = '/.gate/health';

export { filesPath } from './entrance-paths.ts';

/**
 * `__Host-` cookies: Secure, Path=/, no Domain. The state's is SameSite=None, for the portal may be another site. Where
 * workspaces share an origin, `__Secure-` ones with the workspace's path and slug (infra/gate/cookies.ts).
 */
export const stateCookie = '__Host-armada-state';
export const gateCookie = '__Host-armada-gate';
export const stateSeconds = 300;
export const gateSessionSeconds = 8 * 3600;

/** A home that takes up more is pointed out: EFS has no limit for one directory. Source: promises T12. */
export const largeHomeBytes = 5e9;

export const ticketSeconds = 30;
export const ticketAlgorithm = 'EdDSA';

/** A ticket's claims, besides `iat`, `exp` and `jti`. `aud` is the workspace's id. */
export const TicketClaims = Type.Object({
  aud: Type.String(),
  /** The person's id. */
  sub: Type.String(),
  /** Public name of the portal session that it was given to; heartbeats ask whether it still stands. */
  sid: Type.String(),
  /** base64url sha256 of the state cookie's value. */
  state: Type.String(),
  /** `staff`: somebody else's workspace; the gate says once whose code runs there. */
  as: Type.Union([Type.Literal('owner'), Type.Literal('staff')]),
  /** Whose code runs there, for that notice. */
  owner: Type.String(),
});
export type TicketClaims = Static<typeof TicketClaims>;

/** One who is inside, as the gate reports it. */
export const Visitor = Type.Object({ sub: Type.String(), sid: Type.String() }, { additionalProperties: false });

/** ISO 8601 in UTC, as `Date` writes it for our time. */
const moment = '^[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\\.[0-9]{3}Z$';

/** What a gate posts to `/v1/heartbeats`, with `Authorization: Bearer <heartbeat token>`: at once on a change, else every 20 s. */
export const Heartbeat = Type.Object(
  {
    ready: Type.Boolean(),
    problem: Type.Union([Type.String({ maxLength: 64 }), Type.Null()]),
    /** True when a person typed or moved, or a job worked, since the last heartbeat. */
    active: Type.Boolean(),
    /** Whether the home carries this home's marker. */
    marked: Type.Boolean(),
    visitors: Type.Array(Visitor, { maxItems: 100 }),
    /** What the home's files take up, whenever it was counted. */
    homeBytes: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
    /** When one of them was changed last, as of that count; null: there is none. */
    homeChangedAt: Type.Optional(Type.Union([Type.String({ pattern: moment }), Type.Null()])),
    /** The last lines that the IDE wrote, when they are not those that were sent before. */
    log: Type.Optional(Type.String({ maxLength: 10_000 })),
  },
  { additionalProperties: false },
);
export type Heartbeat = Static<typeof Heartbeat>;

export const HeartbeatAnswer = Type.Object({
  /** The home was never marked: the gate may mark it. */
  mayMark: Type.Boolean(),
  /** `sid`s of the visitors who must go. */
  revoked: Type.Array(Type.String()),
});
export type HeartbeatAnswer = Static<typeof HeartbeatAnswer>;

/** Environment of the gate's container; nothing in it is worth stealing. Source of the names: the task definition. */
export const gateEnvironment = {
  port: 'PORT',
  workspaceId: 'ARMADA_WORKSPACE_ID',
  slug: 'ARMADA_WORKSPACE_SLUG',
  homeId: 'ARMADA_HOME_ID',
  homePath: 'ARMADA_HOME',
  /** Every address under which this workspace may be reached, space-separated: origins, with a path where one is shared. */
  origins: 'ARMADA_ORIGINS',
  portalUrl: 'ARMADA_PORTAL_URL',
  heartbeatUrl: 'ARMADA_HEARTBEAT_URL',
  heartbeatToken: 'ARMADA_HEARTBEAT_TOKEN',
  /** JSON Web Key Set of the public keys that tickets are checked with. */
  ticketKeys: 'ARMADA_TICKET_KEYS',
  ideSocket: 'ARMADA_IDE_SOCKET',
  /** Made once the gate holds the home's lock and has seen its marker; the container's health check looks for it. */
  readyFile: 'ARMADA_GATE_READY_FILE',
} as const;

/** Paths inside a task, on every driver. */
export const taskPaths = {
  home: '/home/coder',
  run: '/run/armada',
  ideSocket: '/run/armada/ide.sock',
  gateReady: '/run/armada/gate-ready',
  /** In the home: exclusive for one gate (flock), and the marker with the home's id. */
  homeLock: '.armada/lock',
  homeMarker: '.armada/home',
} as const;
