/** The sources as one file, for pages, workers and programs of their own. */

import { fileURLToPath } from "node:url";
import { type BuildOptions, build } from "esbuild";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** @param source may import from `src/…` */
export async function bundleTo(outfile: string, source: string): Promise<void> {
  await build({ ...options(source), format: "esm", platform: "node", outfile });
}

/** For a page or a worker: a script. */
export async function bundleScript(source: string): Promise<string> {
  const { outputFiles } = await build({ ...options(source), format: "iife", target: "es2020", write: false });
  return outputFiles[0]?.text ?? "";
}

function options(source: string): BuildOptions {
  const contents = source.replace(/"(src|test)\//g, '"./$1/');
  // What package.json says of side effects is about dist/.
  const ignoreAnnotations = true;
  return { stdin: { contents, resolveDir: ROOT, loader: "ts" }, bundle: true, ignoreAnnotations, logLevel: "silent" };
}
