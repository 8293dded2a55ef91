import { randomInt } from 'node:crypto';

// Without letters and digits that people mistake for one another.
const upper = 'ABCDEFGHJKLMNPQRSTUVWXYZ';
const lower = 'abcdefghijkmnpqrstuvwxyz';
const digits = '23456789';
const groups = 4;
const groupLength = 4;

/**
 * A password for the first time, of about 77 random bits. Cognito's own could not stand in a link; this one is of
 * letters, digits and hyphens, in groups that can be typed off a mail, and keeps to every rule that a pool may have.
 */
export function temporaryPassword(): string {
  const rest = Array.from({ length: groups * groupLength - 2 }, () => pick(lower + digits));
  const characters = [pick(upper), ...rest, pick(digits)].join('');
  return characters.match(new RegExp(`.{${groupLength}}`, 'g'))?.join('-') ?? characters;
}

function pick(alphabet: string): string {
  return alphabet.charAt(randomInt(alphabet.length));
}
