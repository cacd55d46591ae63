import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const CLI = fileURLToPath(new URL("../../dist/src/cli.js", import.meta.url));

/** The built gateway as its own process, on a folder and a configuration that outlive it. */
export class GatewayProcess {
  readonly #folder: string;
  #child: ChildProcess | undefined;
  /** Opens the page signed in; known once it has started. */
  link = "";
  /** What it wrote to standard error, over all its lives. */
  stderr = "";

  constructor(folder: string, yaml: string) {
    this.#folder = folder;
    writeFileSync(join(folder, "switchboard.yaml"), yaml);
    onTestFinished(() => this.kill());
  }

  get url(): string {
    return new URL(this.link).origin;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Whether it has been started and has not ended. */
  get running(): boolean {
    const child = this.#child;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** Resolves when it says that it runs; rejects where it ends before. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [CLI, "--config", "switchboard.yaml", "--json", "start"], {
      cwd: this.#folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    let stdout = "";
    child.stderr.on("data", (chunk) => {
      this.stderr += chunk;
    });
    await new Promise<void>((resolve, reject) => {
      child.stdout.on("data", (chunk) => {
        stdout += chunk;
        if (!stdout.trimEnd().endsWith("}")) return;
        this.link = JSON.parse(stdout).link;
        resolve();
      });
      child.once("exit", (code, signal) =>
        reject(new Error(`the gateway ended (${code ?? signal}) before it ran:\n${this.stderr}`)),
      );
    });
  }

  /** Resolves with how it ended. */
  async signal(signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return { code: null, signal: null };
    const exit = once(child, "exit");
    child.kill(signal);
    const [code, by] = await exit;
    return { code, signal: by };
  }

  async kill(): Promise<void> {
    await this.signal("SIGKILL");
  }

  /** SIGSTOP: it stands still, its connections stay open. */
  pause(): void {
    this.#child?.kill("SIGSTOP");
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
  }
}

/** Runs the built CLI to its end. */
export async function runCli(
  args: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv },
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const [code] = await once(child, "close");
  return { code, stdout, stderr };
}
