/**
 * The tools of a session: those of all its MCP servers, started with the first turn and ended with the session. One that
 * has ended meanwhile is started anew with the next turn; one that can't be started is not tried again.
 */
import type { Tool, ToolModelMessage, ToolSet } from "ai";
import type { McpServer } from "../../agent.ts";
import { describe } from "../../errors.ts";
import { McpConnection } from "./mcp-server.ts";

export interface ToolboxOptions {
  readonly servers: Readonly<Record<string, McpServer>>;
  readonly folder: string | undefined;
  readonly env: NodeJS.ProcessEnv;
}

/** What a tool gave, as the model gets it. */
export type ToolOutput = Extract<ToolModelMessage["content"][number], { type: "tool-result" }>["output"];

export interface SessionTool {
  /** `<server>_<tool>`, as models and rules call it. */
  readonly name: string;
  readonly readOnly: boolean;
  readonly description: string;
  readonly tool: Tool;
}

/** The longest name that models take. */
const LONGEST_NAME = 64;

export class Toolbox {
  readonly #options: ToolboxOptions;
  readonly #closing = new AbortController();
  /** By the servers' names; undefined where it could not be started. */
  readonly #connections = new Map<string, McpConnection | undefined>();
  #starting: Promise<string[]> | undefined;

  constructor(options: ToolboxOptions) {
    this.#options = options;
  }

  /** The tools by name, and, once, in words for people, what could not be started. Rejects when the signal aborts. */
  async open(signal: AbortSignal): Promise<{ tools: ReadonlyMap<string, SessionTool>; problems: readonly string[] }> {
    signal.throwIfAborted();
    // A turn that was stopped while they start leaves them to the next one.
    this.#starting ??= this.#start();
    const problems = await unlessAborted(signal, this.#starting);
    this.#starting = undefined;
    return { tools: this.#tools(), problems };
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error("the session was closed"));
    await this.#starting;
    await Promise.all([...this.#connections.values()].map((connection) => connection?.close()));
  }

  /** Gives what went wrong. */
  async #start(): Promise<string[]> {
    const { servers, folder, env } = this.#options;
    const missing = Object.entries(servers).filter(([name]) => {
      return !this.#connections.has(name) || this.#connections.get(name)?.isOver;
    });
    const opening = missing.map(async ([name, server]) => {
      try {
        await this.#connections.get(name)?.close();
        this.#connections.set(name, await McpConnection.open({ server, folder, env }, this.#closing.signal));
        return [];
      } catch (error) {
        this.#connections.set(name, undefined);
        return [`The tools of "${name}" are not there: ${describe(error)}`];
      }
    });
    return (await Promise.all(opening)).flat();
  }

  #tools(): ReadonlyMap<string, SessionTool> {
    const tools = new Map<string, SessionTool>();
    // In the order of the configuration, so that a server that is started anew keeps the names of its tools.
    for (const server of Object.keys(this.#options.servers)) {
      for (const { name, readOnly, tool } of this.#connections.get(server)?.tools ?? []) {
        const unique = nameOf(`${server}_${name}`, tools);
        tools.set(unique, { name: unique, readOnly, description: tool.description ?? "", tool });
      }
    }
    return tools;
  }
}

/** What the model is told of the tools. It carries none of them out itself. */
export function declared(tools: Iterable<SessionTool>): ToolSet {
  return Object.fromEntries(
    [...tools].map(({ name, description, tool }) => [
      name,
      { type: "dynamic" as const, description, inputSchema: tool.inputSchema },
    ]),
  );
}

/** Models take letters, digits, - and _ only. */
function nameOf(wanted: string, taken: ReadonlyMap<string, unknown>): string {
  const plain = wanted.replace(/[^a-zA-Z0-9_-]/g, "_").slice(0, LONGEST_NAME);
  for (let count = 2, name = plain; ; count++) {
    if (!taken.has(name)) return name;
    name = `${plain.slice(0, LONGEST_NAME - 4)}_${count}`;
  }
}

function unlessAborted<Value>(signal: AbortSignal, promise: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    promise.finally(() => signal.removeEventListener("abort", abort)).then(resolve, reject);
  });
}
