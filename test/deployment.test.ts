/** What the files for running the gateway name exists, and the programs that they are for accept them. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { validate } from "dockerfile-utils";
import { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { EXIT } from "../src/cli/print.ts";
import { parseConfig } from "../src/config.ts";
import { digestOf } from "../src/copy.ts";
import { openRedisPortable } from "../src/stores/redis/portable.ts";
import { openRedisStore } from "../src/stores/redis/store.ts";
import { event, fill, ROOM } from "./stores/full-store.ts";
import { TestClock } from "./support/clock.ts";
import { temporaryFolder } from "./support/gateway.ts";
import { freePort } from "./support/lifetime.ts";
import { startRedis } from "./support/redis.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const execute = promisify(execFile);

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => existsSync(join(folder, program)));
}

/** The value of one instruction of the Dockerfile's last stage, as the list that it must be. */
function dockerList(instruction: string): string[] {
  const [, text = "null"] = new RegExp(`^${instruction} (\\[.*\\])$`, "m").exec(read("Dockerfile")) ?? [];
  return z.array(z.string()).parse(JSON.parse(text));
}

const SECRETS = { SWITCHBOARD_TOKEN: "a-token-for-this-test", REDIS_PASSWORD: "a-password" };

/** `${NAME}`, `${NAME:-text}`, `${NAME:?why}` in every value, as Compose fills them in. */
function interpolated(_key: unknown, text: unknown): unknown {
  if (typeof text !== "string") return text;
  return text.replace(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_, name: string, kind: string | undefined, rest = "") => {
    const value: string | undefined = Reflect.get(SECRETS, name);
    if (value === undefined && kind !== "-") throw new Error(`${name} is not named in what .env must hold`);
    return value ?? rest;
  });
}

const service = z.object({
  build: z.string().optional(),
  command: z.array(z.string()).optional(),
  restart: z.string(),
  stop_grace_period: z.string().regex(/^\d+s$/),
  environment: z.record(z.string(), z.string()),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
});
const composition = z.object({
  services: z.record(z.string(), service),
  volumes: z.record(z.string(), z.unknown()),
});

function compose() {
  return composition.parse(
    JSON.parse(JSON.stringify(parse(read("docker-compose.yml"), { merge: true })), interpolated),
  );
}

function gateways() {
  return Object.entries(compose().services).filter(([, { build }]) => build !== undefined);
}

function containerConfig(env: NodeJS.ProcessEnv) {
  return parseConfig(read("config/container.yaml"), env, "container.yaml");
}

test("docker-compose.yml says what .env must hold, and everything that it mounts or needs is there", () => {
  const header = /^(?:#.*\n)+/.exec(read("docker-compose.yml"))?.[0];
  for (const name of Object.keys(SECRETS)) expect(header).toContain(`${name}=`);
  const { services, volumes } = compose();
  for (const [name, { build, volumes: mounts, depends_on, restart, healthcheck }] of Object.entries(services)) {
    expect(restart, name).toBe("unless-stopped");
    if (build === undefined) expect(healthcheck, `${name} has no health check of its own`).toBeDefined();
    else expect(existsSync(join(ROOT, build, "Dockerfile")), name).toBe(true);
    for (const [source = ""] of mounts.map((mount) => mount.split(":"))) {
      const isThere = source.startsWith(".") ? existsSync(join(ROOT, source)) : source in volumes;
      expect(isThere, `${name} mounts ${source}`).toBe(true);
    }
    for (const needed of Object.keys(depends_on)) expect(services[needed]?.healthcheck, needed).toBeDefined();
  }
});

test("its replicas share one store and one token, and are published on ports of their own, to this machine only", () => {
  expect(gateways()).toHaveLength(2);
  const configs = gateways().map(([, { environment }]) => containerConfig(environment));
  for (const { store, http } of configs) {
    expect(store.url).toBe("redis://:a-password@redis:6379/0");
    expect(http).toMatchObject({ host: "0.0.0.0", port: 8080, token: SECRETS.SWITCHBOARD_TOKEN });
    expect(http.allowedHosts).toContain("localhost");
  }
  const published = gateways().flatMap(([, { ports }]) => ports);
  expect(new Set(published).size).toBe(published.length);
  for (const port of published) expect(port).toMatch(/^127\.0\.0\.1:\d+:8080$/);
  const redis = compose().services.redis;
  expect(redis?.command).toContain(SECRETS.REDIS_PASSWORD);
  expect(redis?.ports).toEqual([]);
});

test("whoever stops the gateway waits longer than a running turn may go on", () => {
  const { shutdown } = containerConfig(SECRETS);
  for (const [, { stop_grace_period }] of gateways()) {
    expect(Number.parseInt(stop_grace_period, 10) * 1_000).toBeGreaterThanOrEqual(2 * shutdown.grace);
  }
  const [, seconds] = /^TimeoutStopSec=(\d+)$/m.exec(read("config/switchboard.service")) ?? [];
  expect(Number(seconds) * 1_000).toBeGreaterThanOrEqual(2 * parseConfig("", {}).shutdown.grace);
});

test("the configuration of the image listens for others, so it does not start without a token", () => {
  expect(() => containerConfig({})).toThrow("SWITCHBOARD_TOKEN is not set");
  expect(containerConfig(SECRETS).store.url).toBe("lmdb:/var/lib/switchboard");
  expect(read("Dockerfile")).toMatch(/^VOLUME \/var\/lib\/switchboard$/m);
});

test.runIf(isInstalled("docker"))("`docker compose config` accepts it, where there is a Compose to ask", async () => {
  const hasCompose = await execute("docker", ["compose", "version"]).then(
    () => true,
    () => false,
  );
  if (!hasCompose) return;
  await execute("docker", ["compose", "config", "--quiet"], { cwd: ROOT, env: { ...process.env, ...SECRETS } });
});

test("redis-server takes redis.conf as Compose gives it: append-only file, nothing evicted, a password", async () => {
  const [program = "", , ...options] = compose().services.redis?.command ?? [];
  const folder = temporaryFolder();
  const port = await freePort();
  const own = ["--bind", "127.0.0.1", "--port", String(port), "--dir", folder];
  const server = spawn(program, [join(ROOT, "config/redis.conf"), ...options, ...own], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(async () => {
    const exit = once(server, "exit");
    if (server.exitCode === null && server.kill("SIGKILL")) await exit;
  });
  await new Promise<void>((resolve, reject) => {
    let log = "";
    server.stdout.on("data", (chunk) => {
      log += chunk;
      if (log.includes("Ready to accept connections")) resolve();
    });
    server.once("exit", (code) => reject(new Error(`redis-server ended with ${code}:\n${log}`)));
  });
  const stranger = new Redis({ port, lazyConnect: true, retryStrategy: () => null });
  stranger.on("error", () => {});
  const client = new Redis({ port, password: SECRETS.REDIS_PASSWORD, lazyConnect: true, retryStrategy: () => null });
  onTestFinished(() => {
    stranger.disconnect();
    client.disconnect();
  });
  await expect(stranger.get("key")).rejects.toThrow("NOAUTH");
  const wanted = {
    appendonly: "yes",
    appendfsync: "everysec",
    "no-appendfsync-on-rewrite": "no",
    "maxmemory-policy": "noeviction",
    save: "",
  };
  expect(await client.config("GET", ...Object.keys(wanted))).toEqual(
    expect.arrayContaining(Object.entries(wanted).flat()),
  );
  await client.set("key", "value");
  expect(existsSync(join(folder, "appendonlydir"))).toBe(true);
});

test("switchboard.service: systemd accepts it, and does not start anew what only a person can mend", async () => {
  const unit = read("config/switchboard.service");
  const [, statuses = ""] = /^RestartPreventExitStatus=(.*)$/m.exec(unit) ?? [];
  expect(statuses.split(" ").map(Number)).toEqual(expect.arrayContaining([EXIT.usage, EXIT.config]));
  const [, program, ...args] = /^ExecStart=(\S+) (\S+) (\S+) (\S+)$/m.exec(unit) ?? [];
  expect([program, ...args]).toEqual(["switchboard", "start", "--config", "/etc/switchboard/switchboard.yaml"]);
  if (!isInstalled("systemd-analyze")) return;
  const copy = join(temporaryFolder(), "switchboard.service");
  // The program need not be installed here.
  writeFileSync(copy, unit.replace("ExecStart=switchboard", `ExecStart=${process.execPath}`));
  const { stderr } = await execute("systemd-analyze", ["verify", "--man=no", copy]);
  expect(stderr).not.toContain("switchboard.service");
});

test("Dockerfile: no complaint of the linter, no root, no shell between the signal and the gateway", () => {
  const text = read("Dockerfile");
  expect(validate(text).map(({ message }) => message)).toEqual([]);
  const last = text.slice(text.lastIndexOf("\nFROM "));
  expect(last).toMatch(/^USER node$/m);
  expect(last).toMatch(/^STOPSIGNAL SIGTERM$/m);
  expect(dockerList("ENTRYPOINT")[0]).toBe("node");
  expect(dockerList("CMD")).toEqual(["start"]);
  const [, version] = /^FROM node:(\d+)-slim$/m.exec(last) ?? [];
  expect(Number(version)).toBeGreaterThanOrEqual(20);
  for (const [, from] of text.matchAll(/^FROM (\S+)/gm)) expect(from).toBe(`node:${version}-slim`);
});

test("Dockerfile: what it copies suffices to build a gateway that takes the image's configuration", {
  timeout: 180_000,
}, async () => {
  const allowed = read(".dockerignore")
    .split("\n")
    .flatMap((line) => (line.startsWith("!") ? [line.slice(1)] : []));
  const copies = [...read("Dockerfile").matchAll(/^COPY (?!--from)(.+)$/gm)].map(([, args = ""]) => args.split(" "));
  const sources = copies.flatMap((args) => args.slice(0, -1));
  for (const source of sources) expect(allowed).toContain(source.split("/")[0]);

  // Beside node_modules, because the build renames from there and can't do that across file systems.
  const folder = join(ROOT, "node_modules", `.switchboard-image-${process.pid}`);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const source of sources) {
    mkdirSync(dirname(join(folder, source)), { recursive: true });
    cpSync(join(ROOT, source), join(folder, source), { recursive: true });
  }
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  await execute("npm", ["run", "--silent", "build"], { cwd: folder });

  const entry = dockerList("ENTRYPOINT").map((arg) =>
    arg.replace(/^\/app/, folder).replace("/etc/switchboard/switchboard.yaml", join(folder, "config/container.yaml")),
  );
  const [program = "", ...args] = entry;
  const { stdout } = await execute(program, [...args, "check"], {
    cwd: folder,
    env: { ...process.env, ...SECRETS, SWITCHBOARD_STORE: `lmdb:${temporaryFolder()}` },
  });
  expect(stdout).not.toContain("FAIL");
});

test.each([
  [200, 0],
  [503, 1],
  [undefined, 1],
])("Dockerfile: the health check of a gateway that answers %s ends with %s", async (status, code) => {
  const [program = "", ...args] = dockerList("(?:HEALTHCHECK [^[]*)?CMD");
  expect(program).toBe("node");
  let asked: string | undefined;
  const server = createServer((request, response) => {
    asked = request.url;
    response.writeHead(status ?? 500).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const close = () => new Promise((resolve) => server.close(resolve));
  if (status === undefined) await close();
  else onTestFinished(() => void close());
  const check = spawn(
    program,
    args.map((arg) => arg.replace(":8080/", `:${port}/`)),
    { stdio: "ignore" },
  );
  expect((await once(check, "exit"))[0]).toBe(code);
  if (status !== undefined) expect(asked).toBe("/healthz");
});

const PAGE = "docs/running.md";

test("docs/running.md links only to what is there", () => {
  const text = read(PAGE);
  const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, link = ""]) => link);
  const anchors = [...text.matchAll(/^#+ (.+)$/gm)].map(
    ([, title = ""]) =>
      `#${title
        .toLowerCase()
        .replace(/[^\w -]/g, "")
        .replaceAll(" ", "-")}`,
  );
  expect(links.length).toBeGreaterThan(10);
  for (const link of links) {
    if (link.startsWith("#")) expect(anchors).toContain(link);
    else expect(existsSync(join(ROOT, "docs", link)), link).toBe(true);
  }
  expect(read("README.md")).toContain(`](${PAGE})`);
});

const clock = new TestClock();

function redisOptions(url: string) {
  return { url, clock, dedupeFor: 60_000, lease: 1_000, keep: 0 };
}

async function digestsOf(url: string): Promise<Map<string, string>> {
  const options = { create: false, signal: AbortSignal.timeout(10_000), log: () => {} };
  const portable = await openRedisPortable({ ...redisOptions(url), ...options });
  const digests = new Map<string, string>();
  for await (const channel of portable.channels()) {
    const dump = await portable.dump(channel);
    if (dump !== undefined) digests.set(channel, digestOf(dump));
  }
  await portable.close();
  return digests;
}

test("the user of docs/running.md may do in Redis all that the gateway does, and no harm", async () => {
  const [line = ""] = /^user switchboard on .*$/m.exec(read(PAGE)) ?? [];
  const server = await startRedis({ config: [line] });
  const url = server.url.replace("redis://", "redis://switchboard:change-me@");
  const store = await openRedisStore(redisOptions(url));
  expect(store.warnings()).toEqual([expect.stringContaining("appendfsync always")]);
  await fill(store, (ms) => clock.advance(ms));
  await store.heartbeat("replica");
  expect(await store.hold("receive:telegram", "replica")).toBe(true);
  const rate = { burst: 3, every: 1_000 };
  expect(await store.governor("telegram:1", rate).spare("42", rate)).toBe(true);
  await store.close();
  expect((await digestsOf(url)).size).toBe(12);
  const client = new Redis(url);
  onTestFinished(() => client.disconnect());
  await expect(client.flushall()).rejects.toThrow("NOPERM");
  await expect(client.get("another")).rejects.toThrow("NOPERM");
});

test("a backup taken and restored as docs/running.md says gives the store of its moment", async () => {
  const snippets = [...read(PAGE).matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, snippet = ""]) => snippet);
  const restore = snippets.find((snippet) => snippet.includes("appendonly.aof.manifest")) ?? "exit 1";
  const server = await startRedis();
  const store = await openRedisStore(redisOptions(server.url));
  await fill(store, (ms) => clock.advance(ms));
  const before = await digestsOf(server.url);
  await execute("redis-cli", ["-p", String(server.port), "--rdb", join(server.folder, "backup.rdb")]);
  await store.accept(event("web:later", "1"), ROOM);
  await store.close();
  expect(await digestsOf(server.url)).not.toEqual(before);

  await server.kill();
  const script = restore.replaceAll("/var/lib/redis", server.folder).replace(/^chown.*$/m, "");
  await execute("sh", ["-euc", script]);
  await server.start();
  expect(await digestsOf(server.url)).toEqual(before);
  const restored = await openRedisStore(redisOptions(server.url));
  expect(await restored.accept(event("web:later", "1"), ROOM)).toMatchObject({ status: "queued" });
  await restored.close();
  await server.kill();
  await server.start();
  expect((await digestsOf(server.url)).size).toBe(before.size + 1);
});
