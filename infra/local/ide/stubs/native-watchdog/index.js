// Stands in for VS Code's native watchdog, which needs a compiler at install: ends this process when its parent is gone.
'use strict';

const everyMilliseconds = 1000;
/** The native module's exit code for this case. */
const parentGone = 87;

exports.start = parentPid => {
  const timer = setInterval(() => {
    try {
      process.kill(parentPid, 0);
    } catch {
      process.exit(parentGone);
    }
  }, everyMilliseconds);
  timer.unref();
};

exports.exit = code => process.exit(code ?? 0);
