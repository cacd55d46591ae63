import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Benchmark, type Figures, show } from "./benchmark.ts";
import { temporaryFolder } from "./folders.ts";

/** The built program, not the benchmark's own build: its folder stands two levels below node_modules. */
export const CLI = fileURLToPath(new URL("../../../../dist/src/cli.js", import.meta.url));
const BARE = `require("node:http").createServer((_, r) => r.end()).listen(0, "127.0.0.1", function () {
  console.log("http://127.0.0.1:" + this.address().port);
});`;
/** For what a start leaves for later, before memory is looked at. */
const REST = 1_000;

/** 6. From spawn to the first "ready". */
export const startUp: Benchmark = {
  name: "start-up",
  title: "Start-up of the built program: spawn → GET /readyz answers 200",
  rounds: 5,
  stored: "lmdb",
  variants: {
    "bare Node, an HTTP server": startBare,
    "empty store": () => startGateway(`lmdb:${temporaryFolder()}`),
    "stored sessions": ({ place }) => startGateway(`lmdb:${place}`),
    "empty store, Telegram configured": async () => startGateway(`lmdb:${temporaryFolder()}`, await telegram()),
  },
  report: (results) => [
    ["", "ready ms", "of an empty store", "RSS MB at idle", "RSS MB at most"],
    ...Object.keys(startUp.variants).map((variant) => [
      variant,
      show(results.median(variant, "ready")),
      show(results.ratio("ready", variant, "empty store")),
      ...["rss", "peak"].map((figure) => show(results.median(variant, figure))),
    ]),
  ],
};

export function startBare(): Promise<Figures> {
  return start(["-e", BARE]);
}

export async function startGateway(url: string, more = ""): Promise<Figures> {
  const config = join(temporaryFolder(), "switchboard.yaml");
  writeFileSync(
    config,
    `store: { url: "${url}" }
http: { host: 127.0.0.1, port: 0, token: "a-token-for-the-benchmark" }
log: { level: silent }
adapters:
  web: { type: web }
${more}`,
  );
  return await start([CLI, "--config", config, "start"]);
}

/** Nobody listens where it looks for Telegram. */
async function telegram(): Promise<string> {
  return `  telegram: { type: telegram, token: "1:token", apiRoot: "http://127.0.0.1:${await closedPort()}" }\n`;
}

async function start(args: readonly string[]): Promise<Figures> {
  const began = performance.now();
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  try {
    const url = await firstUrl(child.stdout);
    while ((await status(`${url}/readyz`)) !== 200);
    const ready = performance.now() - began;
    await new Promise((resolve) => setTimeout(resolve, REST));
    return { ready, rss: memory(child.pid, "VmRSS"), peak: memory(child.pid, "VmHWM") };
  } finally {
    child.kill("SIGTERM");
    await ended;
  }
}

export async function firstUrl(output: AsyncIterable<Buffer>): Promise<string> {
  let text = "";
  for await (const chunk of output) {
    text += chunk.toString();
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(text) ?? [];
    if (url && text.includes("\n")) return url;
  }
  throw new Error(`The program ended before it listened: ${text}`);
}

function status(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode));
    }).once("error", reject);
  });
}

/** In MB, as the kernel counts it. */
function memory(pid: number | undefined, field: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return (Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) * 1_024) / 1e6;
}

function closedPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
