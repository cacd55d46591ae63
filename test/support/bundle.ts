/** A program of the tests as one plain file: it starts in a quarter of the time that it takes to compile all it imports. */
import { mkdtemp, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

/** Inside the project, so that packages are found from there. */
const FOLDER = fileURLToPath(new URL("../../node_modules/", import.meta.url));

export async function bundle(program: string): Promise<{ path: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(FOLDER, ".switchboard-test-"));
  const name = basename(program, ".ts");
  await build({
    configFile: false,
    logLevel: "error",
    build: {
      ssr: program,
      outDir: folder,
      minify: false,
      rolldownOptions: { output: { entryFileNames: `${name}.mjs` } },
    },
    ssr: { noExternal: [], external: true },
  });
  return { path: join(folder, `${name}.mjs`), remove: () => rm(folder, { recursive: true, force: true }) };
}
