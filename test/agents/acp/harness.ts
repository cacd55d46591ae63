import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import type { Agent, AgentSession, OpenOptions } from "../../../src/agent.ts";
import { createAcpAgent } from "../../../src/agents/acp/index.ts";
import type { AcpConfig } from "../../../src/config.ts";
import { type AgentEvent, type AgentFailure, channelId, type Json } from "../../../src/model.ts";
import { isRunning } from "../processes.ts";

const PROGRAM = fileURLToPath(new URL("../programs/acp-agent.mjs", import.meta.url));

/** What the test agent can; `programs/acp-agent.mjs` says what each does. */
export type Abilities = Readonly<Record<string, unknown>>;

/** The test agent on a folder of its own, and the processes that it starts. */
export class TestAgent {
  readonly folder = mkdtempSync(join(tmpdir(), "switchboard-acp-"));
  readonly agent: Agent;
  readonly #sessions: AgentSession[] = [];

  constructor(can: Abilities = {}, config: Partial<AcpConfig> = {}, patience?: number) {
    this.agent = createAcpAgent({
      config: {
        type: "acp",
        command: [process.execPath, PROGRAM],
        env: { FOLDER: this.folder, CAN: JSON.stringify(can) },
        processes: "session",
        startTimeout: 20_000,
        options: {},
        onCrash: "resume",
        ...config,
      },
      env: process.env,
      ...(patience === undefined ? {} : { patience }),
    });
  }

  async open(options: Partial<OpenOptions> = {}): Promise<AgentSession> {
    const session = await this.agent.open({
      session: "session-1",
      channel: channelId("test", "c/1"),
      folder: this.folder,
      transcript: async () => [],
      ...options,
    });
    this.#sessions.push(session);
    return session;
  }

  get pids(): string[] {
    return this.lines("pids");
  }

  /** What the processes have been asked for and noted. */
  get calls(): string[] {
    return this.lines("calls");
  }

  lines(file: string): string[] {
    try {
      return readFileSync(join(this.folder, file), "utf8").trimEnd().split("\n");
    } catch {
      return []; // Nothing was ever noted.
    }
  }

  write(file: string, text: string): string {
    const path = join(this.folder, file);
    writeFileSync(path, text);
    return path;
  }

  async running(): Promise<string[]> {
    const running = await Promise.all(this.pids.map(async (pid) => ((await isRunning(pid)) ? [pid] : [])));
    return running.flat();
  }

  /** Prompts that are being answered, and processes besides the agent's own. */
  async work(): Promise<string[]> {
    const busy: string[] = [];
    for (const mark of readdirSync(this.folder).includes("busy") ? readdirSync(join(this.folder, "busy")) : []) {
      const [pid = ""] = mark.split("-");
      if (await isRunning(pid)) busy.push(`prompt ${mark}`);
    }
    for (const pid of await this.running()) {
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      if (!command.includes("acp-agent")) busy.push(`process ${pid}`);
    }
    return busy;
  }

  /** Throws where a process outlives its session. */
  async stop(): Promise<void> {
    await Promise.all(this.#sessions.map((session) => session.close()));
    const left = await this.running();
    for (const pid of left) process.kill(Number(pid), "SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`processes outlived their sessions: ${left.join(", ")}`);
  }
}

/** Stopped with the test under way. */
export function testAgent(can: Abilities = {}, config: Partial<AcpConfig> = {}, patience?: number): TestAgent {
  const agent = new TestAgent(can, config, patience);
  onTestFinished(() => agent.stop());
  return agent;
}

export function failureIn(events: readonly AgentEvent[]): AgentFailure | undefined {
  const last = events.at(-1);
  return last?.type === "failed" ? last.failure : undefined;
}

export function noticesIn(events: readonly AgentEvent[]): string[] {
  return events.flatMap((event) => (event.type === "notice" ? [event.text] : []));
}

/** The state that the last `state` or `done` gave. */
export function stateIn(events: readonly AgentEvent[]): Json | undefined {
  return events.flatMap((event) => ("state" in event && event.state !== undefined ? [event.state] : [])).at(-1);
}
