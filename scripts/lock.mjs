/**
 * `node scripts/lock.mjs`: completes package-lock.json.
 *
 * A package with native code comes as one optional package for each platform. npm leaves those out of the lock file
 * that the registry in use doesn't offer (a mirror for one platform), and then `npm ci` refuses it everywhere. Here
 * they are added with what their names say of their platform; npm never asks for those of other platforms.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ROOT } from "./run.mjs";

const OS = /(?:^|[-/])(aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32)(?=-|$)/;
const CPU = /-(arm64|arm|ia32|loong64|mips64el|ppc64|riscv64|s390x|wasm32|x64)(?=-|$)/;

/** The optional packages that others in the lock file name, and that it has no entry for. */
export function missingFrom(lock) {
  return Object.entries(lock.packages).flatMap(([path, { dev, optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !placesFor(path, name).some((place) => place in lock.packages))
      .map(([name, version]) => ({ name, version, dev: dev === true })),
  );
}

/** Where Node.js looks for a package that the one at `path` needs. */
function placesFor(path, name) {
  const parts = path === "" ? [] : path.split("/node_modules/");
  const above = parts.map(
    (_, index) => `${parts.slice(0, parts.length - index).join("/node_modules/")}/node_modules/${name}`,
  );
  return [...above, `node_modules/${name}`];
}

function entryOf({ name, version, dev }) {
  const [, os] = OS.exec(name) ?? [];
  const [, cpu] = CPU.exec(name) ?? [];
  if (!/^\d/.test(version)) throw new Error(`${name} is wanted as ${version}: add it by hand, with an exact version`);
  return {
    version,
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(dev ? { dev } : {}),
    ...(os === "linux" ? { libc: [/musl/.test(name) ? "musl" : "glibc"] } : {}),
    optional: true,
    ...(os === undefined ? {} : { os: [os] }),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const path = `${ROOT}/package-lock.json`;
  const lock = JSON.parse(readFileSync(path, "utf8"));
  const missing = missingFrom(lock);
  for (const one of missing) lock.packages[`node_modules/${one.name}`] = entryOf(one);
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([left], [right]) => (left < right ? -1 : 1)));
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`Added ${missing.length} packages.`);
}
