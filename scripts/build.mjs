/**
 * `npm run build`: src/ and adapters/ → dist/, and the web page → dist/adapters/web/public/. Does nothing where dist/
 * was made from the very same files. A build that fails, or is interrupted, leaves the dist/ that was there.
 */
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { ROOT, run } from "./run.mjs";

const SOURCES = [
  "src",
  "adapters",
  "scripts/build.mjs",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "tsconfig.build.json",
];
const dist = join(ROOT, "dist");
const stamp = ".built-from";

/** Changes when a source is added, changed or removed. */
function fingerprint() {
  const hash = createHash("sha256");
  for (const source of SOURCES) {
    const path = join(ROOT, source);
    const files = statSync(path).isDirectory()
      ? readdirSync(path, { recursive: true }).map((name) => join(path, name))
      : [path];
    for (const file of files.sort()) {
      const { mtimeMs, size } = statSync(file);
      hash.update(`${file} ${size} ${mtimeMs}\n`);
    }
  }
  return hash.digest("hex");
}

function builtFrom() {
  const path = join(dist, stamp);
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

async function build(out) {
  const results = await Promise.all([
    run("tsc", ["-p", "tsconfig.build.json", "--outDir", out]),
    run("vite", [
      "build",
      ...["--config", "adapters/web/page/vite.config.ts"],
      ...["--outDir", join(out, "adapters/web/public"), "--emptyOutDir", "--logLevel", "warn"],
    ]),
  ]);
  for (const { output } of results) process.stderr.write(output);
  const scripts = "src/stores/redis/scripts";
  cpSync(join(ROOT, scripts), join(out, scripts), { recursive: true });
  return results.every(({ ok }) => ok);
}

/** dist/ is away only between two renames; another build may put its own there in that moment. */
function replaceDist(out) {
  const old = `${out}-old`;
  for (;;) {
    try {
      if (existsSync(dist)) renameSync(dist, old);
      renameSync(out, dist);
      return;
    } catch (error) {
      if (!existsSync(out) || !["ENOENT", "ENOTEMPTY", "EEXIST"].includes(error.code)) throw error;
    } finally {
      rmSync(old, { recursive: true, force: true });
    }
  }
}

const sources = fingerprint();
if (builtFrom() !== sources) {
  // In node_modules/ because nothing there is watched, linted or committed; renamed so that dist/ is never half-made.
  const out = join(ROOT, "node_modules", `.switchboard-build-${process.pid}`);
  try {
    if (await build(out)) {
      chmodSync(join(out, "src/cli.js"), 0o755);
      writeFileSync(join(out, stamp), sources);
      replaceDist(out);
    } else {
      console.error("The build failed; dist/ is as it was.");
      process.exitCode = 1;
    }
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}
