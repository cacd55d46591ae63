/** `npm run check`: format, lint, types, dead code and the tree's own rules, at once. Prints only what is wrong. */
import { readFileSync } from "node:fs";
import { lockViolations, readSources, violations } from "./rules.mjs";
import { ROOT, run } from "./run.mjs";

const CHECKS = {
  "format and lint": () => run("biome", ["check", "--error-on-warnings"]),
  types: () => run("tsc", ["-p", "tsconfig.json", "--noEmit"]),
  "types of the page": () => run("tsc", ["-p", "adapters/web/page/tsconfig.json", "--noEmit"]),
  "dead code": () => run("knip", ["--no-progress"]),
  "rules of the tree": async () => {
    const broken = [
      ...violations(readSources(ROOT)),
      ...lockViolations(readFileSync(`${ROOT}/package-lock.json`, "utf8")),
    ];
    return { ok: broken.length === 0, output: broken.join("\n") };
  },
};

const results = await Promise.all(
  Object.entries(CHECKS).map(async ([name, check]) => {
    const { ok, output } = await check();
    if (!ok) console.error(`✗ ${name}\n${output.trim()}\n`);
    return { name, ok };
  }),
);
const failed = results.filter(({ ok }) => !ok).map(({ name }) => name);
console.log(failed.length === 0 ? `✓ ${Object.keys(CHECKS).join(", ")}` : `✗ ${failed.join(", ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;
