/**
 * Installs the published agents that `npm run test:published` runs, each in a folder of its own under
 * `node_modules/.published-agents`, or where PUBLISHED_AGENTS says. What is there already is left as it is.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ROOT } from "./run.mjs";

const packages = JSON.parse(readFileSync(join(ROOT, "test/published/packages.json"), "utf8"));
const folder = resolve(process.env.PUBLISHED_AGENTS ?? join(ROOT, "node_modules/.published-agents"));

for (const [name, { package: wanted, version }] of Object.entries(packages)) {
  const place = join(folder, name);
  if (installed(place, wanted) === version) continue;
  console.log(`Installing ${wanted} ${version} …`);
  mkdirSync(place, { recursive: true });
  // A package of its own, so that npm does not look for one above.
  if (!existsSync(join(place, "package.json"))) writeFileSync(join(place, "package.json"), '{ "private": true }\n');
  const how = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"];
  const { status, error } = spawnSync("npm", ["install", "--prefix", place, ...how, `${wanted}@${version}`], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (status === 0 && installed(place, wanted) === version) continue;
  console.error(`${wanted} ${version} could not be installed${error ? `: ${error.message}` : ""}.`);
  process.exitCode = 1;
}

function installed(place, name) {
  const file = join(place, "node_modules", name, "package.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).version : undefined;
}
