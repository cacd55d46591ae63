/** The tools of a session: those of all its MCP servers, started with the first turn and ended with the session. */
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
  #starting: Promise<Opened> | undefined;
  #hasTold = false;

  constructor(options: ToolboxOptions) {
    this.#options = options;
  }

  /** The tools by name, and, once, in words for people, what could not be started. Rejects when the signal aborts. */
  async open(signal: AbortSignal): Promise<{ tools: ReadonlyMap<string, SessionTool>; problems: readonly string[] }> {
    signal.throwIfAborted();
    this.#starting ??= this.#start();
    const { tools, problems } = await unlessAborted(signal, this.#starting);
    const told = this.#hasTold ? [] : problems;
    this.#hasTold = true;
    return { tools, problems: told };
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error("the session was closed"));
    const { connections } = (await this.#starting) ?? { connections: [] };
    await Promise.all(connections.map((connection) => connection.close()));
  }

  async #start(): Promise<Opened> {
    const { servers, folder, env } = this.#options;
    const tools = new Map<string, SessionTool>();
    const problems: string[] = [];
    const opening = Object.entries(servers).map(async ([name, server]) => {
      try {
        return { name, connection: await McpConnection.open({ server, folder, env }, this.#closing.signal) };
      } catch (error) {
        problems.push(`The tools of "${name}" are not there: ${describe(error)}`);
        return undefined;
      }
    });
    const opened = (await Promise.all(opening)).filter((one) => one !== undefined);
    for (const { name: server, connection } of opened) {
      for (const { name, readOnly, tool } of connection.tools) {
        const unique = nameOf(`${server}_${name}`, tools);
        tools.set(unique, { name: unique, readOnly, description: tool.description ?? "", tool });
      }
    }
    return { tools, problems, connections: opened.map(({ connection }) => connection) };
  }
}

interface Opened {
  readonly tools: ReadonlyMap<string, SessionTool>;
  readonly problems: readonly string[];
  readonly connections: readonly McpConnection[];
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
