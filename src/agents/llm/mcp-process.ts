/**
 * An MCP server as a child process, spoken to over its standard input and output. It runs in a process group of its
 * own, which ends with `close`, and with the gateway's process however that ends.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { type JSONRPCMessage, type MCPTransport, validateJSONRPCMessage } from "@ai-sdk/mcp";
import { endGroup } from "../shared/group.ts";
import { reap } from "../shared/reaper.ts";
import { startFailure } from "../shared/start-failure.ts";
import { Tail } from "../shared/tail.ts";

const ENDED = "the server has ended";
/** Milliseconds to read what it wrote to its standard error before it ended. */
const LAST_WORDS = 500;

export interface McpProcessSpec {
  readonly command: readonly string[];
  readonly cwd: string | undefined;
  readonly env: NodeJS.ProcessEnv;
}

export class McpProcess implements MCPTransport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #spec: McpProcessSpec;
  readonly #complaint = new Tail();
  #child: ChildProcessWithoutNullStreams | undefined;
  #release: () => void = () => {};
  #gone: Promise<void> | undefined;

  constructor(spec: McpProcessSpec) {
    this.#spec = spec;
  }

  /** Rejects, in words for people, where the program can't be started. */
  async start(): Promise<void> {
    const { command, cwd, env } = this.#spec;
    const [file = "", ...args] = command;
    const child = spawn(file, args, { env, ...(cwd === undefined ? {} : { cwd }), stdio: "pipe", detached: true });
    if (child.pid !== undefined) {
      this.#release = reap(child.pid);
      this.#child = child;
    }
    try {
      await once(child, "spawn");
    } catch (error) {
      throw new Error(startFailure(file, cwd, error, 'the MCP server\'s "command"').message, { cause: error });
    }
    child.stderr.on("error", () => {}).on("data", (chunk: Buffer) => this.#complaint.add(chunk));
    // The server has ended: `exit` tells it.
    child.stdin.on("error", () => {});
    createInterface({ input: child.stdout }).on("line", (line) => this.#heard(line));
    // Where its group can't be ended, the session's own `close` fails in the same way and tells it.
    child.once("exit", () => this.close().catch(() => {}));
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const { stdin } = this.#child ?? {};
    if (stdin === undefined || !stdin.writable) throw new Error(ENDED);
    await new Promise<void>((resolve, reject) => {
      stdin.write(`${JSON.stringify(message)}\n`, (cause) => (cause ? reject(new Error(ENDED, { cause })) : resolve()));
    });
  }

  /** Resolves when no process of the group runs. */
  close(): Promise<void> {
    this.#gone ??= this.#end();
    return this.#gone;
  }

  get hasEnded(): boolean {
    return this.#gone !== undefined;
  }

  /** The tail of its standard error, complete once it is closed. */
  get complaint(): string {
    return this.#complaint.text();
  }

  async #end(): Promise<void> {
    const child = this.#child;
    if (child?.pid !== undefined) {
      child.stdin.end();
      await endGroup(child.pid).finally(this.#release);
      // A process that left the group may hold it open for as long as it likes.
      const read = child.stderr.closed ? undefined : once(child.stderr, "close");
      await Promise.race([read, sleep(LAST_WORDS, undefined, { ref: false })]);
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
    }
    this.onclose?.();
  }

  /** Some servers write other things among the protocol's lines. */
  #heard(line: string): void {
    let message: JSONRPCMessage;
    try {
      message = validateJSONRPCMessage(JSON.parse(line));
    } catch {
      this.onerror?.(new Error(`no message of the protocol: ${line.slice(0, 200)}`));
      return;
    }
    this.onmessage?.(message);
  }
}
