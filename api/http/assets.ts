import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type BuildOptions, build } from 'esbuild';

/** One file that the browser fetches, held in memory. */
export interface Asset {
  readonly type: string;
  readonly body: Buffer;
  /** `body`, compressed. */
  readonly gzip: Buffer;
  /** Strong, with its quotes: changes with the content. */
  readonly etag: string;
  /** Paths of the parts that a script needs at once: a page that names them spares one round trip. */
  readonly needs: readonly string[];
}

/** The scripts and sheets that pages name, each whole in one file. */
const entries = ['student.tsx', 'post.ts', 'join.ts', 'times.ts', 'style.css', 'class.css'];
/** Screens that come in parts: what is shown at once, and what is fetched when it is asked for. */
const inParts = ['class.tsx', 'wake.tsx'];

/**
 * Bundles the UI, once, at start: path under the portal (`/assets/class.js`) → asset. Takes under 0.1 s; throws with
 * esbuild's own message when a source does not compile.
 */
export async function buildAssets(): Promise<ReadonlyMap<string, Asset>> {
  const ui = fileURLToPath(new URL('../../ui/', import.meta.url));
  const options: BuildOptions & { write: false; metafile: true } = {
    metafile: true,
    absWorkingDir: ui,
    outdir: ui,
    write: false,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    charset: 'utf8',
    logLevel: 'silent',
    chunkNames: '[name]-[hash]',
  };
  // One build for each: what two of them share would be parts of its own.
  const parts = inParts.map(entry => build({ ...options, entryPoints: [entry], splitting: true }));
  const builds = await Promise.all([build({ ...options, entryPoints: entries }), ...parts]);
  const outputFiles = builds.flatMap(built => built.outputFiles);
  const needs = new Map<string, readonly string[]>();
  for (const { metafile } of builds) {
    for (const [file, { imports }] of Object.entries(metafile.outputs)) {
      const parts = imports.filter(({ kind }) => kind === 'import-statement');
      needs.set(
        `/assets/${file}`,
        parts.map(part => `/assets/${part.path}`),
      );
    }
  }
  const compress = promisify(gzip);
  const assets = await Promise.all(
    outputFiles.map(async file => {
      const body = Buffer.from(file.contents);
      const name = file.path.slice(file.path.replaceAll('\\', '/').lastIndexOf('/') + 1);
      const type = name.endsWith('.css') ? 'text/css; charset=utf-8' : 'text/javascript; charset=utf-8';
      const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
      const at = `/assets/${name}`;
      const packed = await compress(body, { level: 9 });
      return [at, { type, body, gzip: packed, etag, needs: needs.get(at) ?? [] }] as const;
    }),
  );
  return new Map(assets);
}
