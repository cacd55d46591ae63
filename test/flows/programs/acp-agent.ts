/** An agent of the Agent Client Protocol, on its SDK's agent side. It keeps its sessions in files, and can load them. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import * as acp from "@agentclientprotocol/sdk";
import { perform } from "./skills.ts";

interface Session {
  readonly memory: string[];
  /** Of the prompt under way. */
  running?: AbortController;
}

const sessions = new Map<string, Session>();
const fileOf = (id: string) => join(process.env.FOLDER ?? ".", `acp-${id}`);

function open(id: string): Session {
  const memory: string[] = existsSync(fileOf(id)) ? JSON.parse(readFileSync(fileOf(id), "utf8")) : [];
  const session = { memory };
  sessions.set(id, session);
  return session;
}

async function answer(client: acp.AgentContext, sessionId: string, prompt: string): Promise<acp.StopReason> {
  const session = sessions.get(sessionId);
  if (session === undefined) throw acp.RequestError.resourceNotFound(sessionId);
  const running = new AbortController();
  session.running = running;
  const tell = (update: acp.SessionUpdate) => client.notify("session/update", { sessionId, update });
  await perform(prompt, {
    signal: running.signal,
    memory: session.memory,
    say: (text) => tell({ sessionUpdate: "agent_message_chunk", content: { type: "text", text } }),
    tool: (title, status) =>
      status === "running"
        ? tell({ sessionUpdate: "tool_call", toolCallId: "1", title, kind: "read", status: "in_progress" })
        : tell({ sessionUpdate: "tool_call_update", toolCallId: "1", status: "completed" }),
    permit: async (command) => {
      const { outcome } = await client.request("session/request_permission", {
        sessionId,
        toolCall: { toolCallId: "2", title: `Run ${command}`, kind: "execute", rawInput: { command } },
        options: [
          { optionId: "yes", name: "Yes", kind: "allow_once" },
          { optionId: "no", name: "No", kind: "reject_once" },
        ],
      });
      return outcome.outcome === "selected" && outcome.optionId === "yes";
    },
  });
  writeFileSync(fileOf(sessionId), JSON.stringify(session.memory));
  return running.signal.aborted ? "cancelled" : "end_turn";
}

const connection = acp
  .agent({ name: "flow-agent" })
  .onRequest("initialize", () => ({ protocolVersion: 1, agentCapabilities: { loadSession: true } }))
  .onRequest("session/new", () => {
    const sessionId = `${process.pid}-${sessions.size}-${Math.random().toString(36).slice(2)}`;
    open(sessionId);
    writeFileSync(fileOf(sessionId), "[]");
    return { sessionId };
  })
  .onRequest("session/load", async ({ params: { sessionId }, client }) => {
    if (!existsSync(fileOf(sessionId))) throw acp.RequestError.resourceNotFound(sessionId);
    // What is loaded is told again, as the protocol wants it.
    for (const word of open(sessionId).memory) {
      const content = { type: "text", text: `replayed ${word}` } as const;
      await client.notify("session/update", { sessionId, update: { sessionUpdate: "agent_message_chunk", content } });
    }
    return {};
  })
  .onRequest("session/prompt", async ({ params: { sessionId, prompt }, client }) => {
    const text = prompt.map((block) => (block.type === "text" ? block.text : "")).join("\n");
    return { stopReason: await answer(client, sessionId, text) };
  })
  .onNotification("session/cancel", ({ params: { sessionId } }) => sessions.get(sessionId)?.running?.abort())
  .connect(acp.ndJsonStream(Writable.toWeb(process.stdout), Readable.toWeb(process.stdin)));
connection.closed.then(() => process.exit());
