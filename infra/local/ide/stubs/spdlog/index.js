// Stands in for VS Code's native file logger, which needs a compiler at install: the calls that VS Code makes, with
// appends to a file that starts anew when it is full (one older file is kept).
// Each name is assigned to `exports` by itself: VS Code uses import(), which sees no names in an object literal.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const levels = ['trace', 'debug', 'info', 'warning', 'error', 'critical'];
const infoLevel = 2;

class Logger {
  constructor(file, maxBytes) {
    this.file = file;
    this.maxBytes = maxBytes;
    this.level = infoLevel;
    this.raw = false;
    this.open();
  }
  open() {
    this.bytes = fs.statSync(this.file, { throwIfNoEntry: false })?.size ?? 0;
    this.out = fs.createWriteStream(this.file, { flags: 'a' });
    // A full disk must not end the IDE because of its log.
    this.out.on('error', () => {});
  }
  append(level, text) {
    if (level < this.level) return;
    const line = this.raw ? text : `${new Date().toISOString().slice(0, -1).replace('T', ' ')} [${levels[level]}] ${text}\n`;
    this.bytes += Buffer.byteLength(line);
    if (this.maxBytes > 0 && this.bytes > this.maxBytes) this.rotate();
    this.out.write(line);
  }
  rotate() {
    this.out.end();
    const { dir, name, ext } = path.parse(this.file);
    try {
      fs.renameSync(this.file, path.join(dir, `${name}.1${ext}`));
    } catch {
      // Goes on in the same file.
    }
    this.open();
  }
  trace(text) {
    this.append(0, text);
  }
  debug(text) {
    this.append(1, text);
  }
  info(text) {
    this.append(2, text);
  }
  warn(text) {
    this.append(3, text);
  }
  error(text) {
    this.append(4, text);
  }
  critical(text) {
    this.append(5, text);
  }
  getLevel() {
    return this.level;
  }
  setLevel(level) {
    this.level = level;
  }
  setPattern() {
    this.raw = false;
  }
  clearFormatters() {
    this.raw = true;
  }
  flush() {}
  drop() {
    this.out.end();
  }
}

async function createLogger(_name, file, maxBytes) {
  await fs.promises.mkdir(path.dirname(file), { recursive: true });
  return new Logger(file, maxBytes);
}

exports.version = 0;
exports.Logger = Logger;
exports.createRotatingLogger = createLogger;
exports.createAsyncRotatingLogger = createLogger;
exports.setLevel = () => {};
exports.setFlushOn = () => {};
exports.shutdown = () => {};
