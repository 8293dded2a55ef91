/** One figure as `npm run bench` prints it: one JSON line. Ratios are within one run, floors taken in turns. */
export interface Figure {
  readonly bench: string;
  readonly figure: string;
  readonly value: number;
  readonly unit: string;
  /** The goal as ../performance states it, where there is one, and whether it is met. */
  readonly goal?: string;
  readonly met?: boolean;
  /** What the value was made of: medians, counts, the other side of the ratio. */
  readonly of?: Readonly<Record<string, number>>;
}

export type Print = (figure: Omit<Figure, 'bench'>) => void;

/** One bench: measures, prints, and leaves nothing running. */
export interface Bench {
  readonly name: string;
  readonly does: string;
  run(print: Print): Promise<void>;
}

/** Value at `share` (0 to 1) of the sorted values, nearest rank. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Two significant places more than the integer part needs; JSON lines stay readable. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
