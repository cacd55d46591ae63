/**
 * Real Redis servers for tests and benchmarks, each in a temporary folder on a free port of 127.0.0.1. One that is
 * started within a test ends with it; elsewhere call `stop`.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import { endWithTest, freePort } from "./lifetime.ts";

export interface RedisOptions {
  /** Default `everysec`; `off` is a Redis that keeps nothing. */
  readonly appendfsync?: "always" | "everysec" | "no" | "off";
  /** The only user that may log in, allowed everything. */
  readonly user?: { readonly name: string; readonly password: string };
  /** TLS alone, with a certificate that `ca` vouches for. */
  readonly tls?: boolean;
  /** More lines for redis.conf. */
  readonly config?: readonly string[];
  readonly sentinel?: boolean;
}

/** Until it answers PING; for a test that fails. */
const READY_WITHIN = 20_000;

export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const server = new RedisServer(await freePort(), options);
  await endWithTest(() => server.stop());
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

export class RedisServer {
  readonly port: number;
  readonly folder: string;
  readonly #options: RedisOptions;
  #child: ChildProcess | undefined;

  constructor(port: number, options: RedisOptions) {
    this.port = port;
    this.#options = options;
    this.folder = mkdtempSync(join(tmpdir(), "switchboard-redis-"));
  }

  get url(): string {
    const { user, tls } = this.#options;
    const who = user ? `${encodeURIComponent(user.name)}:${encodeURIComponent(user.password)}@` : "";
    return `${tls ? "rediss" : "redis"}://${who}127.0.0.1:${this.port}`;
  }

  /** The file of the authority that vouches for its certificate. */
  get ca(): string {
    return join(this.folder, "ca.crt");
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Resolves when it answers, on what an earlier life left in its folder. */
  async start(): Promise<void> {
    const file = join(this.folder, "redis.conf");
    if (!existsSync(file)) {
      if (this.#options.tls) await makeCertificate(this.folder);
      writeFileSync(file, `${this.#config().join("\n")}\n`);
    }
    const child = spawn("redis-server", [file, ...(this.#options.sentinel ? ["--sentinel"] : [])], { stdio: "ignore" });
    this.#child = child;
    running.add(child);
    const gone = new AbortController();
    child.once("error", (error) => gone.abort(error));
    child.once("exit", (code, signal) => {
      running.delete(child);
      gone.abort(new Error(`redis-server ended (${code ?? signal}) before it answered:\n${this.#log()}`));
    });
    const until = Date.now() + READY_WITHIN;
    let last: unknown;
    while (Date.now() < until) {
      gone.signal.throwIfAborted();
      try {
        await this.command("PING");
        return;
      } catch (error) {
        // Not listening yet, or loading what it had.
        last = error;
      }
      await pause(5);
    }
    throw new Error(`redis-server does not answer:\n${this.#log()}`, { cause: last });
  }

  /** Sends one command on a connection of its own. */
  async command(name: string, ...args: (string | number)[]): Promise<unknown> {
    const client = this.client();
    try {
      await client.connect();
      return await client.call(name, ...args);
    } finally {
      client.disconnect();
    }
  }

  /** A connection that is made by `connect`, made once and never again. The caller ends it. */
  client(): Redis {
    const { user, tls } = this.#options;
    const client = new Redis({
      host: "127.0.0.1",
      port: this.port,
      ...(user ? { username: user.name, password: user.password } : {}),
      ...(tls ? { tls: { ca: readFileSync(this.ca) } } : {}),
      lazyConnect: true,
      enableReadyCheck: false,
      retryStrategy: () => null,
    });
    // Whoever connects, or has a command under way, is told by a rejection: the event would only be logged.
    client.on("error", () => {});
    return client;
  }

  /** kill -9. What its append-only file holds is there again after `start`. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  }

  /** SIGSTOP: it holds its connections and answers nobody. */
  pause(): void {
    this.#child?.kill("SIGSTOP");
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
  }

  /** Ends it and removes its folder. */
  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #config(): string[] {
    const { appendfsync = "everysec", user, tls, sentinel, config = [] } = this.#options;
    return [
      "bind 127.0.0.1",
      `dir ${this.folder}`,
      `logfile ${join(this.folder, "redis.log")}`,
      ...(tls
        ? [
            "port 0",
            `tls-port ${this.port}`,
            `tls-ca-cert-file ${this.ca}`,
            `tls-cert-file ${join(this.folder, "redis.crt")}`,
            `tls-key-file ${join(this.folder, "redis.key")}`,
            "tls-auth-clients no",
          ]
        : [`port ${this.port}`]),
      ...(user ? ["user default off", `user ${user.name} on >${user.password} ~* &* +@all`] : []),
      ...(sentinel
        ? []
        : [
            'save ""',
            ...(appendfsync === "off" ? ["appendonly no"] : ["appendonly yes", `appendfsync ${appendfsync}`]),
          ]),
      ...config,
    ];
  }

  #log(): string {
    const file = join(this.folder, "redis.log");
    return existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(-20).join("\n") : "(it wrote no log)";
  }
}

/** An authority of its own, and a certificate by it for 127.0.0.1. */
async function makeCertificate(folder: string): Promise<void> {
  const openssl = (...args: string[]) => promisify(execFile)("openssl", args, { cwd: folder });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=test CA");
  await openssl("req", ...key, "-keyout", "redis.key", "-out", "redis.csr", "-subj", "/CN=127.0.0.1");
  writeFileSync(join(folder, "names"), "subjectAltName=IP:127.0.0.1\n");
  const by = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names"];
  await openssl("x509", "-req", "-in", "redis.csr", "-out", "redis.crt", "-days", "2", ...by);
}

/** What is left of them dies with this process. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
