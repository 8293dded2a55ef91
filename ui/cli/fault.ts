/** Exit codes of the command; 130 is what shells give for Ctrl-C (128 + SIGINT). */
export const exitCodes = { ok: 0, failed: 1, usage: 2, notInTime: 3, interrupted: 130 } as const;

/** Why a command ends without its result: a sentence, the code to end with, and the command to try next. */
export class Fault extends Error {
  readonly next: string;
  readonly exitCode: number;
  /** HTTP status of the refusal; 0: none. */
  readonly status: number;

  constructor(message: string, next: string, options: { readonly exitCode?: number; readonly status?: number } = {}) {
    super(message);
    this.next = next;
    this.exitCode = options.exitCode ?? exitCodes.failed;
    this.status = options.status ?? 0;
  }
}
