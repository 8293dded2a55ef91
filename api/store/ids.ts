import { randomBytes } from 'node:crypto';

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** A new object's id: 80 random bits as 16 characters of `[a-z2-7]`, which AWS takes in every name and nobody can guess. */
export function newId(random: (size: number) => Uint8Array = randomBytes): string {
  return Array.from(random(16), byte => alphabet[byte % 32]).join('');
}
