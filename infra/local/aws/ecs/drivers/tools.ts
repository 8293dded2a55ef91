import { accessSync, constants } from 'node:fs';
import path from 'node:path';

/** Where a system keeps its programs, whatever PATH we were started with. */
export const toolFolders = ['/usr/bin', '/bin', '/usr/sbin', '/sbin'];

/** Where a program of the system is; undefined: it is missing. */
export function findTool(name: string): string | undefined {
  return toolFolders
    .map(folder => path.join(folder, name))
    .find(file => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
