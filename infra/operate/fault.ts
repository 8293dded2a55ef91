/** A fault that the person at the terminal can mend: its message says what to do. Exit code 1, or 2 for usage. */
export class OperateFault extends Error {
  readonly exitCode: 1 | 2;

  constructor(message: string, { exitCode = 1, cause }: { exitCode?: 1 | 2; cause?: unknown } = {}) {
    super(message, { cause });
    this.name = 'OperateFault';
    this.exitCode = exitCode;
  }
}
