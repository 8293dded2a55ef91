import type { Student } from '../../api/resources/student.ts';
import type { Reconciler } from '../../controller/reconciler.ts';
import type { Clients } from '../aws/clients.ts';
import { checkDeployment } from '../aws/names.ts';
import { markUrgency } from '../aws/rates.ts';
import { apply } from './apply.ts';
import { createMailMemory, type Mails } from './mails.ts';
import type { Action, Observed } from './model.ts';
import { type Ground, observe } from './observe.ts';
import { plan } from './plan.ts';
import { summarize } from './summarize.ts';
import { temporaryPassword } from './temporary-password.ts';

export interface StudentReconcilerOptions {
  readonly clients: Pick<Clients, 'cognito'>;
  readonly userPoolId: string;
  readonly deployment: string;
  /** What is remembered of mails; left out: this process's memory, and no limit but the pool's own. */
  readonly mails?: Mails;
  /** Makes a password for the first time. */
  readonly password?: () => string;
}

/** Keeps people's accounts in Cognito: there, in the right group, invited once, open or closed. */
export function createStudentReconciler(options: StudentReconcilerOptions): Reconciler<Student, Observed, Action> {
  const { clients, userPoolId, deployment, mails = createMailMemory(), password = temporaryPassword } = options;
  checkDeployment(deployment);
  const ground: Ground = { cognito: clients.cognito, userPoolId, deployment, mails, password };
  return {
    kind: 'student',
    observe: (student, context) => markUrgency('cognito', context.urgent, () => observe(student, context, ground)),
    plan,
    apply: (action, student, observed, context) =>
      markUrgency('cognito', context.urgent, () => apply(action, student, observed, context, ground)),
    summarize,
  };
}
