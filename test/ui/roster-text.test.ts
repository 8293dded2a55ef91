import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, withLine } from '../../ui/roster-text.ts';
import '../support/seed.ts';

describe('decode', () => {
  it('reads UTF-8 with and without its mark, UTF-16, and Windows’ western encoding', () => {
    const text = 'Zoë,zoe@example.edu';
    expect(decode(Buffer.from(text))).toBe(text);
    expect(decode(Buffer.from(`\ufeff${text}`))).toBe(text);
    const little = Buffer.from(`\ufeff${text}`, 'utf16le');
    expect(decode(little)).toBe(text);
    expect(decode(Buffer.from(little).swap16())).toBe(text);
    expect(decode(Buffer.from(text, 'latin1'))).toBe(text);
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array(), bytes => typeof decode(bytes) === 'string'));
  });
});

describe('withLine', () => {
  it('replaces one line and keeps the others at their numbers', () => {
    expect(withLine('a\r\nb\nc', 2, 'B')).toBe('a\nB\nc');
    expect(withLine('a\nb', 1, 'x\ny')).toBe('x y\nb');
    expect(withLine('a', 9, 'x')).toBe('a');
  });
});
