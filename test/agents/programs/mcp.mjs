/**
 * An MCP server for tests, over standard input and output; each process writes its id to the file PIDS.
 *
 * - `note {text}` appends a line to the file NOTES: an effect that can be counted
 * - `look {}` changes nothing and says so
 * - `fail {}` fails
 * - `long {length}` gives that many characters
 * - `picture {}` gives one
 * - `wait {}` never ends by itself
 */
import { appendFileSync } from "node:fs";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { z } from "zod";

const { PIDS = "", NOTES = "" } = process.env;
appendFileSync(PIDS, `${process.pid}\n`);

const said = (text) => ({ content: [{ type: "text", text }] });
const server = new McpServer({ name: "pad", version: "1.0.0" });

server.registerTool("note", { description: "Writes a line down.", inputSchema: { text: z.string() } }, ({ text }) => {
  appendFileSync(NOTES, `${text}\n`);
  return said(`noted ${text}`);
});
server.registerTool("look", { description: "Looks around.", annotations: { readOnlyHint: true } }, () =>
  said("nothing to see"),
);
server.registerTool("fail", { description: "Fails." }, () => {
  throw new Error("it is broken");
});
server.registerTool("long", { description: "Talks.", inputSchema: { length: z.number() } }, ({ length }) =>
  said("x".repeat(length)),
);
server.registerTool("picture", { description: "Draws." }, () => ({
  content: [
    { type: "text", text: "a dot" },
    { type: "image", data: "iVBORw0KGgo=", mimeType: "image/png" },
  ],
}));
server.registerTool("wait", { description: "Waits." }, () => new Promise(() => {}));

await server.connect(new StdioServerTransport());
