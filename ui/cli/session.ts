import type { Client } from './client.ts';

/** Where text goes: a stream of the process, or a test's. */
export interface Sink {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** Everything that the command reaches for outside itself. */
export interface World {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly fetch: typeof globalThis.fetch;
  readonly now: () => Date;
  /** Aborts when the person presses Ctrl-C. */
  readonly signal: AbortSignal;
  /** Asks the person at the terminal; missing when nobody is there. */
  readonly ask?: (question: string) => Promise<string>;
  /** Runs a verb about a whole deployment as a process of its own, and answers its exit code. */
  readonly operate?: (argv: readonly string[]) => Promise<number>;
  /** Shows an address in the person's browser. */
  readonly launch?: (url: string) => void;
}

/** The formats that `-o` takes. */
export const formats = ['table', 'json', 'yaml'] as const;
export type Format = (typeof formats)[number];

/** What every command runs with: the world, the API, and how to print. */
export interface Session {
  readonly world: World;
  readonly client: Client;
  readonly format: Format;
}
