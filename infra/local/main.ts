import { explain, openDataFolder } from './data-folder.ts';
import { readOptions, StartFault, usage } from './options.ts';
import { startHere } from './supervisor.ts';

/** `npm start`: the whole product on this machine, until Ctrl-C. */

try {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options === 'help') console.log(usage);
  else await startHere(options, openDataFolder);
} catch (error) {
  const fault = explain(error, 'the data folder');
  console.error(fault instanceof StartFault ? `\n${fault.message}` : fault);
  process.exit(1);
}
