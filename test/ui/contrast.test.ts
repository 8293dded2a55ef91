import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const sheet = readFileSync(new URL('../../ui/style/tokens.css', import.meta.url), 'utf8');
const [light = '', dark = ''] = sheet.split('@media (prefers-color-scheme: dark)');
const tokensOf = (part: string) =>
  new Map([...part.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map(([, name, value]) => [name!, value!]));

/** Relative luminance, WCAG 2.2. */
function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map(at => {
    const channel = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

function contrast(a: string, b: string): number {
  const [lighter, darker] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (lighter! + 0.05) / (darker! + 0.05);
}

it.each([
  ['light', light],
  ['dark', dark],
])('the %s scheme is legible: text 4.5, borders of controls 3', (_name, part) => {
  const tokens = tokensOf(part);
  const ratio = (front: string, back: string) => contrast(tokens.get(front)!, tokens.get(back)!);
  for (const back of ['bg', 'sunk']) {
    for (const front of ['ink', 'mute', 'accent', 'bad', 'warn'])
      expect(ratio(front, back), `${front} on ${back}`).toBeGreaterThanOrEqual(4.5);
    expect(ratio('control', back), `control on ${back}`).toBeGreaterThanOrEqual(3);
  }
  for (const tone of ['ok', 'busy', 'warn', 'bad', 'idle'])
    expect(ratio(tone, `${tone}-bg`), tone).toBeGreaterThanOrEqual(4.5);
  for (const back of ['ok-bg', 'bad-bg']) expect(ratio('ink', back), `ink on ${back}`).toBeGreaterThanOrEqual(4.5);
  expect(ratio('on-accent', 'accent')).toBeGreaterThanOrEqual(4.5);
  expect(ratio('bg', 'bad')).toBeGreaterThanOrEqual(4.5);
});
