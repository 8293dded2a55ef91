import { readOptions, StartFault, usage } from './options.ts';
import { runHere } from './supervisor.ts';

/** `npm start`: the whole product on this machine, until Ctrl-C. */

try {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options === 'help') console.log(usage);
  else await runHere(options);
  process.exit(0);
} catch (error) {
  console.error(error instanceof StartFault ? `\n${error.message}` : error);
  process.exit(1);
}
