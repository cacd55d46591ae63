/** An MCP server over standard input and output whose tools do what the skills of the same name do. */
import { appendFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { z } from "zod";

const { FOLDER = ".", PLACE = "nowhere" } = process.env;
const inputSchema = { word: z.string() };
const said = (text: string) => ({ content: [{ type: "text" as const, text }] });
const server = new McpServer({ name: "studio", version: "1.0.0" });

server.registerTool("look", { description: "Looks.", inputSchema }, async ({ word }) => {
  while (!existsSync(join(FOLDER, `gate-${word}`))) await sleep(10);
  return said(`${word} is there`);
});
server.registerTool("paint", { description: "Paints.", inputSchema }, ({ word }) => {
  appendFileSync(join(FOLDER, "effects"), `${word}\n`);
  return said(`${word} was painted in ${PLACE}`);
});
await server.connect(new StdioServerTransport());
