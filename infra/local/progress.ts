/** Tells the person at the terminal what a start is doing: one line a step, with the seconds since the start. */
export interface Progress {
  /** A step is done. */
  done(text: string): void;
  /** A long step is this far: redrawn in place on a terminal, every tenth in a log. */
  part(text: string, done: number, of: number): void;
}

const tenths = 10;

/** Writes to `stream`; `now` gives milliseconds. */
export function createProgress(stream: NodeJS.WriteStream, now: () => number): Progress {
  const start = now();
  let shown = '';
  const stamp = () => `${((now() - start) / 1000).toFixed(1).padStart(6)} s  `;
  return {
    done(text) {
      stream.write(`${stream.isTTY ? '\r\x1b[2K' : ''}${stamp()}${text}\n`);
      shown = '';
    },
    part(text, done, of) {
      const share = of > 0 ? Math.floor((done / of) * tenths) : 0;
      if (stream.isTTY) {
        stream.write(`\r\x1b[2K${stamp()}${text} ${'▪'.repeat(share)}${'·'.repeat(tenths - share)} ${done} of ${of}`);
      } else if (`${text}${share}` !== shown) {
        stream.write(`${stamp()}${text}: ${done} of ${of}\n`);
        shown = `${text}${share}`;
      }
    },
  };
}
