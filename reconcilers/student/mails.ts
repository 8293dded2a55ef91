import type { AskedMail } from './model.ts';

/** What is remembered of the mails that were asked for, and how many a day may be. */
export interface Mails {
  /** The last invitation that was asked for this person. */
  last(personId: string): Promise<AskedMail | undefined>;
  /** Whether the day has mails left. */
  left(now: Date): Promise<boolean>;
  /** Writes down that one is about to be asked for; false, and nothing written, when the day's mails are used up. */
  ask(personId: string, mail: Omit<AskedMail, 'sentAt'>, now: Date): Promise<boolean>;
  /** The last one that was asked for went. */
  sent(personId: string, now: Date): Promise<void>;
  /** The last one that was asked for did not go. */
  takeBack(personId: string): Promise<void>;
  /** Cognito says itself that the day's mails are used up: others may have used them. */
  usedUp(now: Date): void;
}

/** For how long Cognito's word that the mails are used up is believed: it may have had them from somebody else. */
export const usedUpMilliseconds = 3_600_000;

/** A memory of this process, without a limit of its own: for a pool whose sender has none. */
export function createMailMemory(): Mails {
  const asked = new Map<string, AskedMail>();
  let usedUpUntil = new Date(0);
  return {
    last: async personId => asked.get(personId),
    left: async now => now >= usedUpUntil,
    async ask(personId, mail, now) {
      if (now < usedUpUntil) return false;
      asked.set(personId, { ...mail, sentAt: null });
      return true;
    },
    async sent(personId, now) {
      const mail = asked.get(personId);
      if (mail) asked.set(personId, { ...mail, sentAt: now });
    },
    async takeBack(personId) {
      asked.delete(personId);
    },
    usedUp(now) {
      usedUpUntil = new Date(now.getTime() + usedUpMilliseconds);
    },
  };
}
