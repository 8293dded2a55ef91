import type { JsonWebKey } from 'node:crypto';
import { createLocalJWKSet, type JWTPayload, jwtVerify } from 'jose';
import { type TicketClaims, ticketAlgorithm, ticketSeconds } from '../../api/resources/entrance.ts';

/** What a ticket was refused for; for the log and for tests, never shown. */
export type Refusal = 'malformed' | 'invalid' | 'older than the gate' | 'used';

export interface TicketChecks {
  readonly ticketKeys: { readonly keys: readonly JsonWebKey[] };
  readonly workspaceId: string;
  /** In milliseconds: when this gate started. Tickets of before may have been used with the last one. */
  readonly startedAt: number;
  readonly now: () => number;
}

/** Hosts' clocks differ by less, kept by NTP. */
const clockToleranceSeconds = 2;
/** Tickets are about 500 characters. */
const longestTicket = 4096;

/** Checks tickets: signature, workspace, age, and that each is used once. State and Origin are the entrance's. */
export class Tickets {
  readonly #checks: TicketChecks;
  readonly #keys: ReturnType<typeof createLocalJWKSet>;
  /** `jti` of the used ones, with the millisecond from which they are too old anyway. */
  readonly #used = new Map<string, number>();

  constructor(checks: TicketChecks) {
    this.#checks = checks;
    this.#keys = createLocalJWKSet({ keys: checks.ticketKeys.keys.map(key => ({ ...key, kty: String(key['kty']) })) });
  }

  /** The claims of a good ticket, which is used by that; else why it is refused. */
  async use(ticket: string): Promise<TicketClaims | Refusal> {
    if (ticket.length > longestTicket || !isCanonical(ticket)) return 'malformed';
    const now = this.#checks.now();
    let payload: JWTPayload;
    try {
      ({ payload } = await jwtVerify(ticket, this.#keys, {
        algorithms: [ticketAlgorithm],
        audience: this.#checks.workspaceId,
        maxTokenAge: ticketSeconds,
        clockTolerance: clockToleranceSeconds,
        currentDate: new Date(now),
        requiredClaims: ['exp', 'iat', 'jti', 'sub'],
      }));
    } catch {
      return 'invalid';
    }
    const claims = readClaims(payload);
    if (!claims || payload.jti === undefined || payload.iat === undefined) return 'malformed';
    // iat is in whole seconds, so a ticket of the gate's first second may seem older.
    if (payload.iat < Math.floor(this.#checks.startedAt / 1000)) return 'older than the gate';
    for (const [jti, until] of this.#used) if (until < now) this.#used.delete(jti);
    if (this.#used.has(payload.jti)) return 'used';
    this.#used.set(payload.jti, now + (ticketSeconds + 2 * clockToleranceSeconds) * 1000);
    return claims;
  }
}

/** base64url lets the last character of a part vary without a change of its bytes; one ticket has one spelling. */
function isCanonical(ticket: string): boolean {
  const parts = ticket.split('.');
  return parts.length === 3 && parts.every(part => Buffer.from(part, 'base64url').toString('base64url') === part);
}

function readClaims(payload: JWTPayload): TicketClaims | undefined {
  const { aud, sub, sid, state, as, owner } = payload;
  if (typeof aud !== 'string' || typeof sub !== 'string' || typeof sid !== 'string') return undefined;
  if (typeof state !== 'string' || typeof owner !== 'string') return undefined;
  if (as !== 'owner' && as !== 'staff') return undefined;
  return { aud, sub, sid, state, as, owner };
}
