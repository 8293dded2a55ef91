import { stringify } from 'yaml';
import type { Tone } from '../../api/resources/labels.ts';
import { removeInvisible } from '../../api/resources/text.ts';
import type { Session, World } from './session.ts';

/** A shape beside the word, as on the class page: colour never tells alone. */
const shapes: Readonly<Record<Tone, string>> = { ok: '●', busy: '◐', warn: '▲', bad: '✕', idle: '○' };
const colours: Readonly<Record<Tone, number>> = { ok: 32, busy: 36, warn: 33, bad: 31, idle: 90 };

/** A cell of a table; `tone` gives it shape and colour. */
export type Cell = string | { readonly text: string; readonly tone: Tone };

/** A word with the shape of its tone, coloured where colour is wanted. */
export function toned(world: World, tone: Tone, text: string): string {
  const plain = `${shapes[tone]} ${text}`;
  // NO_COLOR counts when it is not empty. Source: no-color.org.
  const isColoured = world.stdout.isTTY === true && !world.env['NO_COLOR'];
  return isColoured ? `\u001b[${colours[tone]}m${plain}\u001b[0m` : plain;
}

/** One line without what could steer a terminal: names come from other people. */
export function plainText(text: string): string {
  return removeInvisible(text.replaceAll(/\s+/g, ' ')).text;
}

/** Prints objects in the session's format; for a table, `columns` says the head and the cells of each. */
export function printItems<T>(
  session: Session,
  items: readonly T[],
  columns: { readonly head: readonly string[]; readonly row: (item: T) => readonly Cell[] },
): void {
  if (session.format !== 'table') printData(session, items);
  else if (items.length === 0) session.world.stderr.write('Nothing there.\n');
  else session.world.stdout.write(tableOf(session.world, columns.head, items.map(columns.row)));
}

/** Prints data as JSON or YAML. */
export function printData({ world, format }: Session, data: unknown): void {
  world.stdout.write(format === 'yaml' ? stringify(data) : `${JSON.stringify(data, null, 2)}\n`);
}

function tableOf(world: World, head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const textOf = (cell: Cell) =>
    typeof cell === 'string' ? plainText(cell) : `${shapes[cell.tone]} ${plainText(cell.text)}`;
  const widths = head.map((title, column) =>
    Math.max(...[title, ...rows.map(row => textOf(row[column] ?? ''))].map(widthOf)),
  );
  const lines = [head, ...rows].map(row => {
    const cells = row.map((cell, column) => {
      const padding = ' '.repeat(Math.max(0, (widths[column] ?? 0) - widthOf(textOf(cell))));
      const shown = typeof cell === 'string' ? plainText(cell) : toned(world, cell.tone, plainText(cell.text));
      return column === row.length - 1 ? shown : `${shown}${padding}`;
    });
    return `${cells.join('  ').trimEnd()}\n`;
  });
  return lines.join('');
}

const segments = new Intl.Segmenter('en');

/** Columns that a text takes: letters with their marks count once, East Asian ones and emoji twice. */
function widthOf(text: string): number {
  let width = 0;
  for (const { segment } of segments.segment(text))
    width += /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Extended_Pictographic}]/u.test(
      segment,
    )
      ? 2
      : 1;
  return width;
}
