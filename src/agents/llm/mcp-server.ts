/** One MCP server of a session: started, asked for its tools, ended. */
import { createMCPClient, type MCPClient, type MCPTransport } from "@ai-sdk/mcp";
import type { Tool } from "ai";
import type { McpServer } from "../../agent.ts";
import { describe } from "../../errors.ts";
import { passedOn } from "../shared/environment.ts";
import { McpProcess } from "./mcp-process.ts";

/** Milliseconds until it must have said what it can do. */
const START_LIMIT = 60_000;

export interface McpPlace {
  readonly server: McpServer;
  readonly folder: string | undefined;
  readonly env: NodeJS.ProcessEnv;
}

export interface McpTool {
  /** As the server calls it. */
  readonly name: string;
  /** The server says that it changes nothing. */
  readonly readOnly: boolean;
  readonly tool: Tool;
}

export class McpConnection {
  readonly tools: readonly McpTool[];
  readonly #end: () => Promise<void>;
  readonly #hasEnded: () => boolean;
  #isClosed = false;

  /** Rejects where the server can't be started, or doesn't speak the protocol; nothing of it is left then. */
  static async open({ server, folder, env }: McpPlace, signal: AbortSignal): Promise<McpConnection> {
    const child =
      "command" in server
        ? new McpProcess({ command: server.command, cwd: folder, env: passedOn(env, server.env) })
        : undefined;
    let connection: McpConnection | undefined;
    let client: MCPClient | undefined;
    const end = async () => {
      // The client's own `close` does nothing before it is connected.
      await Promise.all([client?.close(), child?.close()]);
    };
    try {
      client = await createMCPClient({
        clientName: "switchboard",
        transport: child ?? remote(server),
        initializationOptions: { timeout: START_LIMIT, signal },
        // A request that fails is told where it was made; a server that is gone, by its next call.
        onUncaughtError: () => {},
      });
      const tools = await toolsOf(client, signal);
      connection = new McpConnection(tools, end, () => child?.hasEnded === true);
      return connection;
    } catch (error) {
      await end();
      const complaint = child?.complaint ?? "";
      const why = "url" in server ? unreached(server.url, error) : describe(error);
      throw new Error(complaint === "" ? why : `${why}. It complained: ${complaint}`, { cause: error });
    }
  }

  private constructor(tools: readonly McpTool[], end: () => Promise<void>, hasEnded: () => boolean) {
    this.tools = tools;
    this.#end = end;
    this.#hasEnded = hasEnded;
  }

  /** It has ended, by itself or by `close`. A server that is reached by HTTP is asked anew with each call. */
  get isOver(): boolean {
    return this.#isClosed || this.#hasEnded();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#end();
  }
}

/** The address without what may be secret in it. */
function unreached(address: string, error: unknown): string {
  const { origin, pathname } = new URL(address);
  const behind = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return `${origin}${pathname} gives none (${describe(behind)}). Check that it runs, and its address in the configuration`;
}

type Remote = Exclude<Parameters<typeof createMCPClient>[0]["transport"], MCPTransport>;

function remote(server: McpServer): Remote {
  if ("command" in server) throw new TypeError("a program is not reached by HTTP");
  return { type: "http", url: server.url, headers: { ...server.headers } };
}

async function toolsOf(client: MCPClient, signal: AbortSignal): Promise<McpTool[]> {
  const found: McpTool[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await client.listTools({
      options: { signal },
      ...(cursor === undefined ? {} : { params: { cursor } }),
    });
    const tools = client.toolsFromDefinitions(page);
    for (const { name, annotations } of page.tools) {
      const tool = tools[name];
      if (tool !== undefined) found.push({ name, readOnly: annotations?.readOnlyHint === true, tool });
    }
    cursor = page.nextCursor;
    if (cursor === undefined) return found;
  }
}
