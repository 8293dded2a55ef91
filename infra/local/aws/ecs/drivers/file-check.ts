/** The file that `test -e FILE` or `[ -e FILE ]` asks for, in any spelling of a health check. */
export function fileAsked(command: readonly string[]): string | undefined {
  const text = command[0] === 'CMD-SHELL' ? (command[1] ?? '') : command.slice(1).join(' ');
  const match = /^(?:test -[ef] (?<bare>\/[\w./-]+)|\[ -[ef] (?<bracketed>\/[\w./-]+) \])(?: \|\| exit 1)?$/.exec(
    text.trim(),
  );
  return match?.groups?.['bare'] ?? match?.groups?.['bracketed'];
}
