import fs from 'node:fs';
import { applySteps } from '../apply.ts';
import { type ClassDocument, readClassDocument } from '../class-document.ts';
import { type Cost, costInWords, costOf } from '../cost.ts';
import { exitCodes, Fault } from '../fault.ts';
import { plainText, printData } from '../output.ts';
import { isRemoval, type Plan, planClass } from '../plan.ts';
import { counted, effectsInWords, sentencesOf } from '../plan-words.ts';
import { readPresent } from '../present.ts';
import type { Session } from '../session.ts';

/** `apply -f FILE`: shows what changes for people and for AWS, then does it. Removals need a yes or `--prune`. */
export async function apply(
  session: Session,
  options: { readonly file: string; readonly dryRun?: boolean; readonly prune?: boolean; readonly yes?: boolean },
): Promise<number> {
  const document = readDocument(options.file);
  const plan = planClass(document, await readPresent(session.client));
  if (plan.unknownStaff.length > 0) {
    const who = plan.unknownStaff.map(({ course, email }) => `${email} (${course})`).join(', ');
    throw new Fault(
      `Nobody here has the address of this staff: ${who}.`,
      'put them into a cohort of their own, which takes no course, in the same file',
    );
  }
  show(session, plan, options.dryRun ? costOf(document) : undefined);
  if (plan.steps.length === 0 || options.dryRun) return exitCodes.ok;
  await permit(session, plan, options);
  await applySteps(session.client, plan.steps);
  session.world.stderr.write(`Done. See how it settles: armada get workspaces\n`);
  return exitCodes.ok;
}

function readDocument(file: string): ClassDocument {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch {
    throw new Fault(`${file} can’t be read.`, 'armada apply -f examples/class.yaml --dry-run', {
      exitCode: exitCodes.usage,
    });
  }
  const read = readClassDocument(file, text);
  if (!('courses' in read)) {
    const lines = read.map(
      ({ file: where, line, column, text: said }) => `${where}:${line}:${column}: ${plainText(said)}`,
    );
    throw new Fault(
      [`${counted(read.length, 'mistake')}; nothing is changed.`, ...lines].join('\n'),
      `mend ${file}, then the same command again`,
    );
  }
  return read;
}

function show(session: Session, plan: Plan, cost: Cost | undefined): void {
  if (session.format !== 'table') {
    printData(session, { changes: plan.steps, aws: plan.effects, ...(cost ? { forecast: cost } : {}) });
    return;
  }
  session.world.stdout.write(plan.steps.length === 0 ? 'no changes\n' : planInWords(plan));
  if (cost)
    session.world.stdout.write(
      costInWords(cost)
        .map(line => `${line}\n`)
        .join(''),
    );
}

function planInWords({ steps, effects }: Plan): string {
  const aws = effectsInWords(effects);
  const lines = [
    'For people:',
    ...sentencesOf(steps).map(line => `  ${plainText(line)}`),
    'In AWS:',
    ...(aws.length === 0 ? ['nothing'] : aws).map(line => `  ${line}`),
  ];
  return `${lines.join('\n')}\n`;
}

async function permit(
  { world }: Session,
  { steps, effects }: Plan,
  { prune, yes }: { readonly prune?: boolean; readonly yes?: boolean },
): Promise<void> {
  const removed = steps.filter(isRemoval).length;
  if (removed === 0 ? yes || !world.ask : prune) return;
  const what = `${counted(removed, 'removal')} (${counted(effects.workspacesRemoved, 'workspace')}; files are kept)`;
  if (!world.ask) {
    throw new Fault(
      `${what}, and nobody to ask; nothing is changed.`,
      'the same command with --prune, if that is meant, or with --dry-run',
    );
  }
  const answer = await world.ask(removed === 0 ? 'Go on? (yes/no) ' : `Go on with ${what}? (yes/no) `);
  if (answer.trim().toLowerCase() !== 'yes') throw new Fault('Nothing is changed.', 'the same command, and “yes”');
}
