/** Text of a file as people save it: UTF-8, UTF-16 with its mark, else Windows' western encoding. Never throws. */
export function decode(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

/** `text` with its `line` (from 1) replaced; the other lines keep their numbers. */
export function withLine(text: string, line: number, written: string): string {
  const lines = text.split(/\r\n|\r|\n/);
  if (line < 1 || line > lines.length) return text;
  return lines.with(line - 1, written.replaceAll(/[\r\n]+/g, ' ')).join('\n');
}
