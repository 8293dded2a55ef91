import type { CourseSpec } from '../../api/resources/course.ts';
import { taskPaths } from '../../api/resources/entrance.ts';

/** How an IDE's container is started: what differs from IDE to IDE. */
export interface IdeStart {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Each IDE that a course can name. All of them serve HTTP on the socket that they share with the gate. */
export const ides: Readonly<Record<CourseSpec['ide'], IdeStart>> = {
  'code-server': {
    command: [
      '--auth',
      'none',
      '--socket',
      taskPaths.ideSocket,
      // The gate is of the same group and no other user of the task.
      '--socket-mode',
      '660',
      '--disable-telemetry',
      '--disable-update-check',
      '--disable-workspace-trust',
      taskPaths.home,
    ],
    environment: { HOME: taskPaths.home, USER: 'coder' },
  },
};
