/** The built page: a handful of small files, read when first asked for and kept. */
import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".webmanifest": "application/manifest+json",
};

export interface Files {
  /** The response for a path relative to the page's root; undefined where there is no such file. */
  serve(path: string): Promise<Response | undefined>;
}

export function createFiles(folder: string): Files {
  let names: Promise<ReadonlySet<string>> | undefined;
  const contents = new Map<string, Promise<Buffer>>();

  return {
    async serve(path) {
      names ??= namesIn(folder);
      // Only names that the listing gave are opened: no path of a request reaches the file system.
      if (!(await names).has(path)) return undefined;
      const content = contents.get(path) ?? readFile(join(folder, path));
      contents.set(path, content);
      // Built assets carry a hash of their content in their name; the rest must be asked for anew.
      const cache = path.startsWith("assets/") ? "private, max-age=31536000, immutable" : "no-cache";
      const type = TYPES[extname(path)] ?? "application/octet-stream";
      return new Response(new Uint8Array(await content), { headers: { "content-type": type, "cache-control": cache } });
    },
  };
}

/** Every file below the folder, with "/" between folder and name. Empty where the page was not built. */
async function namesIn(folder: string): Promise<ReadonlySet<string>> {
  try {
    const found = await readdir(folder, { recursive: true });
    return new Set(found.map((name) => name.replaceAll("\\", "/")).filter((name) => extname(name) !== ""));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return new Set();
    throw error;
  }
}
