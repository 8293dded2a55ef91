/** What is seen neither on paper nor on a screen: controls, zero-width characters, marks that turn the direction. */
const invisible = /(?!\t)[\p{Cc}\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

/** `text` without invisible characters and lone surrogates, and whether there were any. Joiners, part of some names, stay. */
export function removeInvisible(text: string): { readonly text: string; readonly removed: boolean } {
  const plain = text.toWellFormed().replace(invisible, '');
  return { text: plain, removed: plain !== text };
}

/** Text of a file of unknown encoding: by its byte-order mark, else by its NULs UTF-16, else UTF-8, else Windows-1252. */
export function decodeText(input: string | Uint8Array): string {
  if (typeof input === 'string') return input.replace(/^\ufeff/, '');
  const encoding = utf16Of(input);
  if (encoding) return new TextDecoder(encoding).decode(input);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(input);
  } catch {
    return new TextDecoder('windows-1252').decode(input);
  }
}

function utf16Of(bytes: Uint8Array): 'utf-16le' | 'utf-16be' | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  // Without a mark: Latin text has a NUL in nearly every second byte. A stray NUL is not enough.
  const sample = bytes.subarray(0, 1000);
  const zeros = (parity: number) => sample.filter((byte, index) => byte === 0 && index % 2 === parity).length;
  const most = sample.length * 0.3;
  if (zeros(1) > most) return 'utf-16le';
  return zeros(0) > most ? 'utf-16be' : undefined;
}
