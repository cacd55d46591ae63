/** Agents behind a real gateway's process, driven through Telegram: what the flow tests of agents have in common. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { User } from "grammy/types";
import { bundle } from "../support/bundle.ts";
import { eventually } from "../support/eventually.ts";
import { startTelegramTwin, type TelegramTwin, type TwinChat } from "../twins/telegram/index.ts";
import { isRecord } from "../twins/telegram/params.ts";

const CLI = fileURLToPath(new URL("../../dist/src/cli.js", import.meta.url));
const PATIENCE = 60_000;

export interface Launch {
  /** Of the gateway, and its arguments. Default: the built CLI, on `config`. */
  readonly program?: readonly string[];
  /** Lines for the configuration, beside those of the stage. */
  readonly config?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** What an agent is configured with. */
export interface Place {
  readonly apiRoot: string;
  readonly token: string;
  /** Where the agents' programs keep what they need. */
  readonly folder: string;
  /** YAML of the environment that each program must get: by it, its processes are found. */
  readonly env: string;
}

export class AgentStage {
  readonly twin: TelegramTwin;
  readonly gateway: GatewayHost;
  readonly #folder: string;
  readonly #mark: string;

  /** To be closed by whoever opened it. */
  static async open(launch: (place: Place) => Launch | Promise<Launch>): Promise<AgentStage> {
    const twin = await startTelegramTwin();
    const folder = mkdtempSync(join(tmpdir(), "switchboard-agents-"));
    const mark = folder.slice(-6) + process.pid;
    const { apiRoot, token } = twin;
    const env = `{ FOLDER: "${folder}", FLOW_MARK: "${mark}" }`;
    const stage = new AgentStage(twin, folder, mark, await launch({ apiRoot, token, folder, env }));
    try {
      await stage.gateway.start();
      return stage;
    } catch (error) {
      await twin.stop();
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(twin: TelegramTwin, folder: string, mark: string, { program, config = "", env = {} }: Launch) {
    this.twin = twin;
    this.#folder = folder;
    this.#mark = mark;
    const home = join(folder, "home");
    mkdirSync(home);
    writeFileSync(
      join(home, "switchboard.yaml"),
      `adapters: { telegram: { type: telegram, token: "${twin.token}", apiRoot: "${twin.apiRoot}" } }
access: { default: allow, admins: ["telegram:*"] }
http: { port: 0, token: "${TOKEN}" }
log: { level: debug }
${config}`,
    );
    this.gateway = new GatewayHost(home, program ?? [CLI, "--config", "switchboard.yaml", "--json", "start"], {
      ...process.env,
      ...env,
    });
  }

  /** A new person who talks to the bot. */
  talk(): Talk {
    const person = this.twin.user({ first_name: "Ada" });
    return new Talk(this.twin, this.twin.privateChat(person), person, this.gateway);
  }

  /** Lets the agent go on that waits for it. */
  letGo(word: string): void {
    writeFileSync(join(this.#folder, `gate-${word}`), "");
  }

  /** What agents did to the world. */
  get effects(): string[] {
    const file = join(this.#folder, "effects");
    return existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
  }

  /** The ids of all processes that agents have started and that still run. */
  processes(): number[] {
    return runningWith(`FLOW_MARK=${this.#mark}`);
  }

  /** `kill -9` of those that the gateway itself has started. Resolves when nothing of them is left. */
  async killAgents(): Promise<void> {
    const before = this.processes();
    for (const id of before.filter(isLeader)) process.kill(id, "SIGKILL");
    await this.gone(before);
  }

  /** Resolves when none of these runs. */
  async gone(processes: readonly number[]): Promise<void> {
    const left = () => this.processes().filter((id) => processes.includes(id));
    await eventually(
      () => left().length === 0,
      () => `processes ${left()} end`,
    );
  }

  /** `kill -9` of the gateway. Resolves when nothing of it is left. */
  async kill(): Promise<void> {
    const before = this.processes();
    await this.gateway.signal("SIGKILL");
    await this.gone(before);
  }

  async isEvicted({ channel }: Talk): Promise<void> {
    const isTold = (line: string) => line.includes("session.evicted") && line.includes(`"${channel}"`);
    await eventually(
      () => this.gateway.stderr.split("\n").some(isTold),
      () => `the session of ${channel} is evicted`,
    );
  }

  /** Everything ends in order; throws where something of it is left. */
  async close(): Promise<void> {
    const code = await this.gateway.signal("SIGTERM");
    const left = this.processes();
    for (const id of left) process.kill(id, "SIGKILL");
    await this.twin.stop();
    rmSync(this.#folder, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`processes outlived the gateway: ${left.join(", ")}`);
    if (code !== 0) throw new Error(`the gateway ended with ${code}:\n${this.gateway.lastWords}`);
  }
}

export const TOKEN = "a-token-for-these-tests";

/** A gateway's process, on a folder that outlives it. */
export class GatewayHost {
  readonly #folder: string;
  readonly #program: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;
  /** What it wrote over all its lives. */
  stderr = "";
  /** What it said when it had started. */
  said: Readonly<Record<string, unknown>> = {};

  constructor(folder: string, program: readonly string[], env: NodeJS.ProcessEnv) {
    this.#folder = folder;
    this.#program = program;
    this.#env = env;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get url(): string {
    return String(this.said.url);
  }

  get lastWords(): string {
    const lines = this.stderr.trimEnd().split("\n").slice(-25);
    return lines.map((line) => line.slice(0, 300)).join("\n");
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, this.#program, {
      cwd: this.#folder,
      env: this.#env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    child.stderr.on("data", (chunk) => {
      this.stderr += chunk;
    });
    let stdout = "";
    await new Promise<void>((resolve, reject) => {
      child.stdout.on("data", (chunk) => {
        stdout += chunk;
        if (!stdout.trimEnd().endsWith("}")) return;
        this.said = JSON.parse(stdout);
        resolve();
      });
      child.once("exit", (code, signal) =>
        reject(new Error(`the gateway ended (${code ?? signal}) before it ran:\n${this.lastWords}`)),
      );
    });
  }

  /** Resolves with its exit code, null where a signal ended it or where it does not run. */
  async signal(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return null;
    const exit = once(child, "exit");
    child.kill(signal);
    const [code] = await exit;
    return code;
  }
}

/** A private chat with the bot. */
export class Talk {
  readonly channel: string;
  readonly #twin: TelegramTwin;
  readonly #chat: TwinChat;
  readonly #person: User;
  readonly #gateway: GatewayHost;

  constructor(twin: TelegramTwin, chat: TwinChat, person: User, gateway: GatewayHost) {
    this.channel = `telegram:${chat.id}`;
    this.#twin = twin;
    this.#chat = chat;
    this.#person = person;
    this.#gateway = gateway;
  }

  say(text: string): void {
    this.#chat.say(this.#person, text);
  }

  /** What the bot's messages show now. */
  get texts(): string[] {
    return this.#chat.messages().map(({ text }) => text);
  }

  count(pattern: RegExp): number {
    return this.texts.filter((text) => pattern.test(text)).length;
  }

  /** Resolves when a message shows it. */
  async shows(pattern: RegExp): Promise<void> {
    await this.#until(() => this.count(pattern) > 0, `shows ${pattern}`);
  }

  /** Says it, and resolves when it is answered. */
  async ask(text: string, answer: RegExp): Promise<void> {
    this.say(text);
    await this.shows(answer);
  }

  /** Resolves when a message has this button. */
  async offers(label: string): Promise<void> {
    await this.#until(() => this.#offer(label) !== undefined, `offers "${label}"`);
  }

  /** Presses the button, which is there. */
  press(label: string): void {
    const message = this.#offer(label);
    if (message === undefined) throw new Error(`there is no button "${label}"`);
    this.#chat.press(this.#person, message.id, label);
  }

  #offer(label: string) {
    return this.#chat.messages().find(({ replyMarkup }) => labelsOf(replyMarkup).includes(label));
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    try {
      await this.#twin.until(condition, { timeoutMs: PATIENCE });
    } catch (cause) {
      const shown = JSON.stringify(this.texts, null, 2);
      const message = `never came true: ${this.channel} ${what}. It shows ${shown}; the gateway wrote at last:`;
      throw new Error(`${message}\n${this.#gateway.lastWords}`, { cause });
    }
  }
}

function labelsOf(markup: unknown): unknown[] {
  const rows = isRecord(markup) && Array.isArray(markup.inline_keyboard) ? markup.inline_keyboard : [];
  return rows.flat().map((key) => (isRecord(key) ? key.text : undefined));
}

/** The processes with this variable in their environment; one that has ended has none any more. */
function runningWith(variable: string): number[] {
  return readdirSync("/proc").flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      return readFileSync(`/proc/${entry}/environ`, "utf8").split("\0").includes(variable) ? [Number(entry)] : [];
    } catch {
      return []; // It has ended meanwhile, or is another user's.
    }
  });
}

/** Of a process group: the others of an agent have been started by it. */
function isLeader(id: number): boolean {
  const stat = readFileSync(`/proc/${id}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2] === String(id);
}

const PROGRAMS = {
  "text-agent": new URL("programs/text-agent.ts", import.meta.url),
  "lines-agent": new URL("programs/lines-agent.ts", import.meta.url),
  "acp-agent": new URL("programs/acp-agent.ts", import.meta.url),
  "mcp-server": new URL("programs/mcp-server.ts", import.meta.url),
  "handler-gateway": new URL("programs/handler-gateway.ts", import.meta.url),
};
type ProgramName = keyof typeof PROGRAMS;
/** Their paths. */
export type Programs = Readonly<Record<ProgramName, string>>;

/** The programs as plain files. */
export async function buildPrograms(): Promise<{ paths: Programs; remove(): Promise<void> }> {
  const built = await Promise.all(
    Object.entries(PROGRAMS).map(async ([name, url]) => ({ name, ...(await bundle(fileURLToPath(url))) })),
  );
  const paths = Object.fromEntries(built.map(({ name, path }) => [name, path])) as Programs;
  return { paths, remove: async () => void (await Promise.all(built.map(({ remove }) => remove()))) };
}
