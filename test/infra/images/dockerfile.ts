import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const top = path.join(import.meta.dirname, '../../..');

/** One stage of a Dockerfile. */
export interface Stage {
  readonly from: string;
  readonly name: string | undefined;
  readonly steps: readonly Step[];
}

export interface Step {
  readonly instruction: string;
  readonly text: string;
}

/** Reads the stages of an image's Dockerfile, and the arguments before the first. */
export function readDockerfile(image: string): { readonly stages: readonly Stage[]; readonly arguments: string[] } {
  const text = readFileSync(path.join(top, 'infra/images', image, 'Dockerfile'), 'utf8');
  const lines = text
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
    .split('\n');
  const stages: { from: string; name: string | undefined; steps: Step[] }[] = [];
  const early: string[] = [];
  for (const line of lines.filter(each => each.trim() !== '')) {
    const [, instruction = '', rest = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    const [from = '', , name] = rest.split(' ');
    if (instruction === 'FROM') stages.push({ from, name, steps: [] });
    else if (stages.length === 0) early.push(rest);
    else stages.at(-1)?.steps.push({ instruction, text: rest });
  }
  return { stages, arguments: early };
}

/** What the last step with this instruction says. */
export function last(stage: Stage | undefined, instruction: string): string {
  return stage?.steps.findLast(step => step.instruction === instruction)?.text ?? '';
}

/** Where a stage copies from the repository, and to which place of the image. */
export function copies(stage: Stage | undefined): readonly { readonly sources: string[]; readonly to: string }[] {
  return (stage?.steps ?? [])
    .filter(({ instruction, text }) => instruction === 'COPY' && !text.startsWith('--from'))
    .map(({ text }) => ({ sources: text.split(' ').slice(0, -1), to: text.split(' ').at(-1) ?? '' }));
}

/** Lays out a stage's files in a new folder as its COPY steps do, with this repository's packages beside them. */
export function layOut(stage: Stage | undefined): { readonly directory: string; remove(): void } {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'armada-image-'));
  for (const { sources, to } of copies(stage))
    for (const source of sources) {
      const target = to.endsWith('/') ? path.join(directory, to, path.basename(source)) : path.join(directory, to);
      mkdirSync(path.dirname(target), { recursive: true });
      cpSync(path.join(top, source), target, { recursive: true });
    }
  symlinkSync(path.join(top, 'node_modules'), path.join(directory, 'node_modules'));
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
