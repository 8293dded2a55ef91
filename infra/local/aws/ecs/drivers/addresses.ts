import { readFileSync } from 'node:fs';
import os from 'node:os';

/** The two ends of the link between this machine and an installation's router, and the range that all its links are in. */
export interface Addresses {
  readonly machine: string;
  readonly router: string;
  readonly range: string;
}

/** The two ends of one task's link to the router. */
export interface Link {
  readonly router: string;
  /** The task's. */
  readonly address: string;
}

/** Addresses as numbers, `bits` long. */
interface Range {
  readonly start: number;
  readonly bits: number;
}

/** Rarely used by others; each installation on a machine takes one block of it. */
const first = numberOf('10.208.0.0');
const blocks = 256;
const blockBits = 21;
const linkSize = 4;
const blockSize = 2 ** (32 - blockBits);

/** How many tasks can have a network at a time: the first link of a block is the router's to the machine. */
export const linksPerBlock = blockSize / linkSize - 1;

/** A block that overlaps none of the used ranges, looked for from `preferred` on. */
export function chooseBlock(used: readonly Range[], preferred: number): number {
  for (let tries = 0; tries < blocks; tries++) {
    const block = (preferred + tries) % blocks;
    const own = { start: first + block * blockSize, bits: blockBits };
    if (!used.some(range => overlap(own, range))) return block;
  }
  throw new Error('every address range is in use');
}

/** Addresses of a block that are the same for all tasks. */
export function addressesOf(block: number): Addresses {
  const start = first + block * blockSize;
  return { machine: textOf(start + 1), router: textOf(start + 2), range: `${textOf(start)}/${blockBits}` };
}

/** Addresses of the task's link with this number, from 0. */
export function linkOf(block: number, index: number): Link {
  const start = first + block * blockSize + (index + 1) * linkSize;
  return { router: textOf(start + 1), address: textOf(start + 2) };
}

/** The ranges that this machine's interfaces and routes have, but for the default route. */
export function usedRanges(): Range[] {
  const interfaces = Object.values(os.networkInterfaces()).flatMap(list => list ?? []);
  const own = interfaces
    .filter(({ family }) => family === 'IPv4')
    .map(({ address }) => ({ start: numberOf(address), bits: 32 }));
  const routes = readFileSync('/proc/net/route', 'utf8').trim().split('\n').slice(1);
  return [...own, ...routes.map(rangeOf).filter(({ bits }) => bits > 0)];
}

/** /proc/net/route writes addresses in the machine's byte order: little-endian on all that we run on. */
function rangeOf(route: string): Range {
  const [, destination = '', , , , , , mask = ''] = route.split('\t');
  const bits = [...Number.parseInt(mask, 16).toString(2)].filter(bit => bit === '1').length;
  return { start: Buffer.from(destination, 'hex').reverse().readUInt32BE(), bits };
}

function overlap(one: Range, other: Range): boolean {
  const size = 2 ** (32 - Math.min(one.bits, other.bits));
  return Math.floor(one.start / size) === Math.floor(other.start / size);
}

function numberOf(address: string): number {
  return Buffer.from(address.split('.').map(Number)).readUInt32BE();
}

function textOf(address: number): string {
  return [24, 16, 8, 0].map(shift => (address >>> shift) & 255).join('.');
}
