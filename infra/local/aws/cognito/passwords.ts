import { randomBytes, randomInt, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { invalidPassword } from './errors.ts';

/** A pool's rules for passwords, all settled. Source: PasswordPolicyType. */
export interface PasswordPolicy {
  readonly MinimumLength: number;
  readonly RequireUppercase: boolean;
  readonly RequireLowercase: boolean;
  readonly RequireNumbers: boolean;
  readonly RequireSymbols: boolean;
  readonly TemporaryPasswordValidityDays: number;
}

/** Salt and key of one password, hexadecimal. */
export interface PasswordHash {
  readonly salt: string;
  readonly key: string;
}

/** Cognito's rules for a pool that names none. */
export const defaultPolicy: PasswordPolicy = {
  MinimumLength: 8,
  RequireUppercase: true,
  RequireLowercase: true,
  RequireNumbers: true,
  RequireSymbols: true,
  TemporaryPasswordValidityDays: 7,
};

/** A tenth of what an exposed service would spend: classes of a thousand are made in one go on one machine. */
const cost = { N: 4096, r: 8, p: 1 };
const keyBytes = 32;
const longestPassword = 256;
/** Long enough that no policy in use is above it; shorter ones are typed off a mail with fewer mistakes. */
const temporaryLength = 12;

const symbolPattern = /[\^$*.[\]{}()?"!@#%&/\\,><':;|_~`=+\- ]/;

// Without letters and digits that people mistake for one another.
const upper = 'ABCDEFGHJKLMNPQRSTUVWXYZ';
const lower = 'abcdefghijkmnpqrstuvwxyz';
const digits = '23456789';
const symbols = '!#+=?-';

const derive = promisify<string, Buffer, number, typeof cost, Buffer>(scrypt);

/** Refuses a password that breaks the policy, saying which rule: InvalidPasswordException. */
export function checkPassword(password: string, policy: PasswordPolicy): void {
  if (password.length < policy.MinimumLength) throw invalidPassword('Password not long enough');
  if (password.length > longestPassword) throw invalidPassword('Password is too long');
  if (policy.RequireUppercase && !/[A-Z]/.test(password))
    throw invalidPassword('Password must have uppercase characters');
  if (policy.RequireLowercase && !/[a-z]/.test(password))
    throw invalidPassword('Password must have lowercase characters');
  if (policy.RequireNumbers && !/[0-9]/.test(password)) throw invalidPassword('Password must have numeric characters');
  if (policy.RequireSymbols && !symbolPattern.test(password))
    throw invalidPassword('Password must have symbol characters');
}

/** A random password that keeps to the policy. */
export function generatePassword(policy: PasswordPolicy): string {
  const demanded = [upper, lower, digits, ...(policy.RequireSymbols ? [symbols] : [])];
  const length = Math.max(policy.MinimumLength, temporaryLength);
  const characters = demanded.map(pick);
  while (characters.length < length) characters.push(pick(upper + lower + digits));
  // Drawn out in random order, so that the demanded ones are not always first.
  return Array.from({ length }, () => characters.splice(randomInt(characters.length), 1)).join('');
}

function pick(alphabet: string): string {
  return alphabet.charAt(randomInt(alphabet.length));
}

/** Hashes a password with a salt of its own (scrypt). */
export async function hashPassword(password: string): Promise<PasswordHash> {
  const salt = randomBytes(16);
  const key = await derive(password, salt, keyBytes, cost);
  return { salt: salt.toString('hex'), key: key.toString('hex') };
}

const nobody: PasswordHash = { salt: '00'.repeat(16), key: '00'.repeat(keyBytes) };

/** Whether it is the password; without a hash the answer is no, and takes as long. */
export async function isPassword(password: string, hash: PasswordHash | undefined): Promise<boolean> {
  const { salt, key } = hash ?? nobody;
  const derived = await derive(password, Buffer.from(salt, 'hex'), keyBytes, cost);
  return timingSafeEqual(derived, Buffer.from(key, 'hex')) && hash !== undefined;
}
