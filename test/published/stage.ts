/** A published agent with a home, a folder to work in and a model of its own. Needs Linux: processes are found there. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Agent, AgentSession, OpenOptions } from "../../src/agent.ts";
import { createAcpAgent } from "../../src/agents/acp/index.ts";
import type { AcpConfig } from "../../src/config.ts";
import { channelId } from "../../src/model.ts";
import { eventually } from "../support/eventually.ts";
import { type ModelTwin, startModelTwin } from "../twins/models/index.ts";
import type { PublishedAgent } from "./agents.ts";
import { replyTo } from "./replies.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const INSTALLED = resolve(process.env.PUBLISHED_AGENTS ?? join(ROOT, "node_modules/.published-agents"));

/** Nothing listens there: what an agent wants from elsewhere fails at once. */
export const NOWHERE = "http://127.0.0.1:9";

export class PublishedStage {
  readonly twin: ModelTwin;
  readonly config: AcpConfig;
  readonly agent: Agent;
  /** That the agent works in. */
  readonly work: string;
  readonly #folder: string;
  readonly #mark: string;
  readonly #sessions: AgentSession[] = [];

  static async open(published: PublishedAgent, processes: AcpConfig["processes"] = "session"): Promise<PublishedStage> {
    const twin = await startModelTwin();
    twin.on(() => true, replyTo);
    return new PublishedStage(published, processes, twin);
  }

  private constructor(published: PublishedAgent, processes: AcpConfig["processes"], twin: ModelTwin) {
    this.twin = twin;
    this.#folder = mkdtempSync(join(tmpdir(), "switchboard-published-"));
    this.#mark = `PUBLISHED_MARK=${this.#folder}`;
    this.work = join(this.#folder, "work");
    const home = join(this.#folder, "home");
    for (const folder of [this.work, home]) mkdirSync(folder);
    const [name = "", value = ""] = this.#mark.split("=");
    this.config = {
      type: "acp",
      preset: published.preset,
      env: {
        ...{ HOME: home, PATH: [binOf(published.preset), process.env.PATH].join(delimiter), [name]: value },
        ...{ HTTP_PROXY: NOWHERE, HTTPS_PROXY: NOWHERE, NO_PROXY: "127.0.0.1" },
        ...published.configure(home, twin),
      },
      ...{ processes, startTimeout: 60_000, options: {}, onCrash: "resume" },
    };
    this.agent = createAcpAgent({ config: this.config, env: process.env });
  }

  async open(options: Partial<OpenOptions> = {}): Promise<AgentSession> {
    const session = await this.agent.open({
      ...{ session: "session-1", channel: channelId("test", "c/1"), folder: this.work },
      transcript: async () => [],
      ...options,
    });
    this.#sessions.push(session);
    return session;
  }

  /** What it has written into the file; undefined where there is none. */
  written(file: string): string | undefined {
    const path = join(this.work, file);
    return existsSync(path) ? readFileSync(path, "utf8").trim() : undefined;
  }

  path(file: string): string {
    return join(this.work, file);
  }

  /** The ids of all processes that the agent has started and that still run. */
  processes(): number[] {
    return readdirSync("/proc")
      .filter((entry) => /^\d+$/.test(entry) && readProc(entry, "environ").split("\0").includes(this.#mark))
      .map(Number);
  }

  /** Resolves when the agent runs no more. */
  async gone(): Promise<void> {
    await eventually(
      () => this.processes().length === 0,
      () => `processes ${this.processes()} end`,
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#sessions.map((session) => session.close()));
    const left = this.processes();
    for (const id of left) process.kill(id, "SIGKILL");
    await this.twin.stop();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
    if (left.length > 0) throw new Error(`processes outlived their sessions: ${left.join(", ")}`);
  }
}

/** Where its command is. */
export function binOf(preset: PublishedAgent["preset"]): string {
  return join(INSTALLED, preset, "node_modules/.bin");
}

/** Empty where the process has ended. */
function readProc(id: string | number, file: string): string {
  try {
    return readFileSync(`/proc/${id}/${file}`, "utf8");
  } catch {
    return "";
  }
}
