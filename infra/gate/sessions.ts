import { randomBytes } from 'node:crypto';
import { gateSessionSeconds, type Heartbeat, type TicketClaims } from '../../api/resources/entrance.ts';

type Visitor = Heartbeat['visitors'][number];

/** What is open for a session and must end with it: answers on their way, WebSockets. */
export interface Open {
  destroy(): void;
}

/** Someone who is inside. */
export interface Session {
  readonly claims: Pick<TicketClaims, 'sub' | 'sid' | 'as' | 'owner'>;
  /** In milliseconds, by the gate's clock. */
  readonly until: number;
  readonly open: Set<Open>;
  /** Staff: has been told whose code runs here. */
  told: boolean;
  /** A page tells by itself of the person at it. */
  watched: boolean;
}

/** 256 bits: can't be guessed. */
const tokenBytes = 32;
/** As many as a heartbeat may name; beyond it the oldest goes. */
const most = 100;

/** Who is inside, in memory only: a gate that starts anew asks everyone to come through the portal again. */
export class Sessions {
  readonly #byToken = new Map<string, Session>();
  readonly #now: () => number;

  /** `now` gives milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Lets somebody in; answers the cookie's value. */
  add(claims: Session['claims']): string {
    this.#expire();
    for (const [token] of this.#byToken) {
      if (this.#byToken.size < most) break;
      this.#end(token);
    }
    const token = randomBytes(tokenBytes).toString('base64url');
    const until = this.#now() + gateSessionSeconds * 1000;
    this.#byToken.set(token, { claims, until, open: new Set(), told: claims.as === 'owner', watched: false });
    return token;
  }

  /** The session that one of these cookie values is of. */
  find(tokens: readonly string[]): Session | undefined {
    for (const token of tokens) {
      const session = this.#byToken.get(token);
      if (session && session.until > this.#now()) return session;
    }
    return undefined;
  }

  /** Everyone who is inside, each pair of person and portal session once. */
  visitors(): Visitor[] {
    this.#expire();
    const pairs = new Map<string, Visitor>();
    for (const { claims } of this.#byToken.values()) {
      pairs.set(`${claims.sub} ${claims.sid}`, { sub: claims.sub, sid: claims.sid });
    }
    return [...pairs.values()];
  }

  /** Ends the sessions of these portal sessions, and what they have open; answers how many there were. */
  revoke(sids: readonly string[]): number {
    const gone = [...this.#byToken].filter(([, session]) => sids.includes(session.claims.sid));
    for (const [token] of gone) this.#end(token);
    return gone.length;
  }

  /** Ends every session; answers how many there were. */
  clear(): number {
    const tokens = [...this.#byToken.keys()];
    for (const token of tokens) this.#end(token);
    return tokens.length;
  }

  #expire(): void {
    for (const [token, session] of this.#byToken) if (session.until <= this.#now()) this.#end(token);
  }

  #end(token: string): void {
    const session = this.#byToken.get(token);
    this.#byToken.delete(token);
    for (const each of session?.open ?? []) each.destroy();
  }
}
