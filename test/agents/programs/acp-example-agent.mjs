/**
 * The example agent of the protocol SDK (its examples/agent.ts, last published with 1.9.0), as short as can be: it says
 * something, reads a file, wants to change another one and asks for it. PAUSE: milliseconds between its steps.
 */
import { Readable, Writable } from "node:stream";
import * as acp from "@agentclientprotocol/sdk";

const sessions = new Map();
const pause = Number(process.env.PAUSE ?? 1_000);

/** As the example does: a cancelled turn ends with the step under way. */
const step = (signal) =>
  new Promise((resolve, reject) =>
    setTimeout(() => (signal.aborted ? reject(new Error("cancelled")) : resolve()), pause),
  );

async function simulate(client, sessionId, signal) {
  const tell = (update) => client.notify(acp.methods.client.session.update, { sessionId, update });
  const say = (text) => tell({ sessionUpdate: "agent_message_chunk", content: { type: "text", text } });
  await say("I'll help you with that. Let me start by reading some files to understand the current situation.");
  await step(signal);
  await tell({
    ...{ sessionUpdate: "tool_call", toolCallId: "call_1", title: "Reading project files", kind: "read" },
    ...{ status: "pending", locations: [{ path: "/project/README.md" }], rawInput: { path: "/project/README.md" } },
  });
  await step(signal);
  await tell({
    ...{ sessionUpdate: "tool_call_update", toolCallId: "call_1", status: "completed" },
    content: [{ type: "content", content: { type: "text", text: "# My Project\n\nThis is a sample project..." } }],
    rawOutput: { content: "# My Project\n\nThis is a sample project..." },
  });
  await step(signal);
  await say(" Now I understand the project structure. I need to make some changes to improve it.");
  await step(signal);
  const change = {
    ...{ toolCallId: "call_2", title: "Modifying critical configuration file", kind: "edit", status: "pending" },
    locations: [{ path: "/project/config.json" }],
    rawInput: { path: "/project/config.json", content: '{"database": {"host": "new-host"}}' },
  };
  await tell({ sessionUpdate: "tool_call", ...change });
  const { outcome } = await client.request(acp.methods.client.session.requestPermission, {
    sessionId,
    toolCall: change,
    options: [
      { kind: "allow_once", name: "Allow this change", optionId: "allow" },
      { kind: "reject_once", name: "Skip this change", optionId: "reject" },
    ],
  });
  if (outcome.outcome === "cancelled") return;
  if (outcome.optionId === "allow") {
    await tell({
      sessionUpdate: "tool_call_update",
      toolCallId: "call_2",
      status: "completed",
      rawOutput: { success: true },
    });
  }
  await step(signal);
  await say(
    outcome.optionId === "allow"
      ? " Perfect! I've successfully updated the configuration. The changes have been applied."
      : " I understand you prefer not to make that change. I'll skip the configuration update.",
  );
}

acp
  .agent({ name: "example-agent" })
  .onRequest("initialize", () => ({
    protocolVersion: acp.PROTOCOL_VERSION,
    agentCapabilities: { loadSession: false },
  }))
  .onRequest("session/new", () => {
    const sessionId = crypto.randomUUID().replaceAll("-", "");
    sessions.set(sessionId, {});
    return { sessionId };
  })
  .onRequest("session/prompt", async ({ params: { sessionId }, client }) => {
    const session = sessions.get(sessionId);
    session.pending?.abort();
    session.pending = new AbortController();
    const { signal } = session.pending;
    try {
      await simulate(client, sessionId, signal);
    } catch (error) {
      if (signal.aborted) return { stopReason: "cancelled" };
      throw error;
    }
    return { stopReason: "end_turn" };
  })
  .onNotification("session/cancel", ({ params }) => sessions.get(params.sessionId)?.pending?.abort())
  .connect(acp.ndJsonStream(Writable.toWeb(process.stdout), Readable.toWeb(process.stdin)));
