/** How the other scripts run the project's tools. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The project's folder, without a slash at the end. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url)).replace(/[\\/]$/, "");

/** Runs a tool from node_modules in the project's folder; resolves with whether it went well and all it wrote. */
export function run(tool, args) {
  return new Promise((resolve) => {
    const child = spawn(`${ROOT}/node_modules/.bin/${tool}`, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    const written = [];
    child.stdout.on("data", (chunk) => written.push(chunk));
    child.stderr.on("data", (chunk) => written.push(chunk));
    child.once("error", ({ message }) => resolve({ ok: false, output: `${message}: run \`npm ci\` first.\n` }));
    child.once("close", (code) => resolve({ ok: code === 0, output: Buffer.concat(written).toString("utf8") }));
  });
}
