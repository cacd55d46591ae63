import { describe, expect, test } from "vitest";
import type { AgentSession } from "../../../src/agent.ts";
import type { Json } from "../../../src/model.ts";
import { collect, textOf, type turnOf } from "../../conformance/agent.ts";
import { noticesIn, stateIn, testAgent } from "./harness.ts";

const MODES = [
  { id: "default", name: "Always ask" },
  { id: "acceptEdits", name: "Accept edits" },
  { id: "plan", name: "Plan" },
  { id: "bypassPermissions", name: "Bypass" },
];
const MODEL = {
  ...{ id: "m", name: "Model", type: "select", category: "model", currentValue: "small" },
  options: [
    { value: "small", name: "Small" },
    { group: "more", name: "More", options: [{ value: "large", name: "Large" }] },
  ],
};
const EFFORT = {
  ...{ id: "effort", name: "Effort", type: "select", currentValue: "low" },
  options: [
    { value: "low", name: "Low" },
    { value: "high", name: "High" },
  ],
};
const WEB = { id: "web", name: "Web", type: "boolean", currentValue: false };

async function face(session: AgentSession, options: Parameters<typeof turnOf>[1] = {}) {
  const events = await collect(session, "face", options);
  return { ...JSON.parse(textOf(events)), notices: noticesIn(events) };
}

describe("the mode", () => {
  test("is the agent's own that is the same, in each turn", async () => {
    const session = await testAgent({ modes: MODES }).open();
    expect((await face(session)).mode).toBe("default");
    expect((await face(session, { mode: "accept-edits" })).mode).toBe("acceptEdits");
    expect((await face(session, { mode: "bypass" })).mode).toBe("bypassPermissions");
    expect((await face(session, { phase: "plan", mode: "plan" })).mode).toBe("plan");
    expect((await face(session)).mode).toBe("default");
  });

  test("is set in the next turn, whatever the model says that it is, and that is not shown", async () => {
    const session = await testAgent({ modes: MODES }).open();
    expect(textOf(await collect(session, "pretend", { mode: "bypass" }))).toBe("");
    expect((await face(session)).mode).toBe("default");
    expect((await face(session, { mode: "bypass" })).mode).toBe("bypassPermissions");
  });

  test("of an agent with others is left alone, but for a plan", async () => {
    const modes = [
      { id: "build", name: "Build" },
      { id: "plan", name: "Plan" },
    ];
    const session = await testAgent({ modes }).open();
    expect((await face(session, { mode: "bypass" })).mode).toBe("build");
    expect((await face(session, { phase: "plan", mode: "plan" })).mode).toBe("plan");
    expect((await face(session)).mode).toBe("build");
  });

  test("is one that asks, where none is the same and the agent's own might not ask", async () => {
    const modes = [
      { id: "agent", name: "Auto review" },
      { id: "read-only", name: "Read-only" },
      { id: "agent-full-access", name: "Full access" },
    ];
    const session = await testAgent({ modes }).open();
    expect((await face(session)).mode).toBe("read-only");
    expect((await face(session, { mode: "bypass" })).mode).toBe("agent-full-access");
    expect((await face(session, { mode: "accept-edits" })).mode).toBe("read-only");
  });

  test("of a session that was left in its plan mode is one to work in", async () => {
    const modes = [
      { id: "build", name: "Build" },
      { id: "plan", name: "Plan" },
    ];
    const agent = testAgent({ modes, resume: true, modeLeft: "plan" });
    const state = stateIn(await collect(await agent.open(), "echo one")) as Json;
    expect((await face(await agent.open({ state }))).mode).toBe("build");
  });

  test("that the agent refuses is told, once, and the turn goes on", async () => {
    const session = await testAgent({ modes: MODES, refusedMode: "bypassPermissions" }).open();
    const { mode, notices } = await face(session, { mode: "bypass" });
    expect(mode).toBe("default");
    expect(notices).toEqual([expect.stringContaining("not for you")]);
    expect((await face(session, { mode: "bypass" })).notices).toEqual([]);
  });
});

describe("model and effort", () => {
  test("are what people can choose, by the agent's options", async () => {
    const session = await testAgent({ options: [MODEL, EFFORT, WEB] }).open();
    expect(await session.options?.()).toEqual([
      {
        ...{ id: "model", current: "small" },
        choices: [
          { id: "small", label: "Small" },
          { id: "large", label: "Large" },
        ],
      },
      {
        ...{ id: "effort", current: "low" },
        choices: [
          { id: "low", label: "Low" },
          { id: "high", label: "High" },
        ],
      },
    ]);
  });

  test("are set as chosen, and set back", async () => {
    const session = await testAgent({ options: [MODEL, EFFORT] }).open();
    expect((await face(session)).set).toEqual({});
    expect((await face(session, { model: "large", effort: "high" })).set).toEqual({ m: "large", effort: "high" });
    expect((await face(session)).set).toEqual({ m: "small", effort: "low" });
    expect((await session.options?.())?.map(({ current }) => current)).toEqual(["small", "low"]);
  });

  test("by the older list of models", async () => {
    const models = [
      { modelId: "pro", name: "Pro" },
      { modelId: "flash", name: "Flash" },
    ];
    const session = await testAgent({ models }).open();
    expect(await session.options?.()).toEqual([
      {
        ...{ id: "model", current: "pro" },
        choices: [
          { id: "pro", label: "Pro" },
          { id: "flash", label: "Flash" },
        ],
      },
    ]);
    expect((await face(session, { model: "flash" })).model).toBe("flash");
  });

  test("that the agent does not have are told, and the turn goes on", async () => {
    const session = await testAgent({ options: [MODEL] }).open();
    const { notices } = await face(session, { model: "huge", effort: "high" });
    expect(notices).toEqual([
      expect.stringMatching(/no "huge".*small, large/),
      expect.stringContaining("reasoning effort"),
    ]);
  });

  test("where the agent leaves no choice, there is none", async () => {
    expect(await (await testAgent().open()).options?.()).toEqual([]);
  });
});

describe("the operator's options", () => {
  test("are set in each new session, and those that the agent does not have are told", async () => {
    const options = { web: true, m: "large", nonsense: "x" };
    const session = await testAgent({ options: [MODEL, WEB] }, { options }).open();
    const { set, notices } = await face(session);
    expect(set).toEqual({ web: true, m: "large" });
    expect(notices).toEqual([expect.stringMatching(/no option "nonsense".*m, web/)]);
  });

  test("are what is set back to", async () => {
    const session = await testAgent({ options: [MODEL] }, { options: { m: "large" } }).open();
    await face(session, { model: "small" });
    expect((await face(session)).set).toEqual({ m: "large" });
  });

  test("a mode is not changed by the turn's, but for a plan", async () => {
    const session = await testAgent({ modes: MODES }, { options: { mode: "acceptEdits" } }).open();
    expect((await face(session, { mode: "ask" })).mode).toBe("acceptEdits");
    expect((await face(session, { phase: "plan", mode: "plan" })).mode).toBe("plan");
    expect((await face(session, { mode: "ask" })).mode).toBe("acceptEdits");
  });
});

describe("MCP servers", () => {
  const mcpServers = {
    files: { command: ["mcp-files", "--all"], env: { TOKEN: "t" } },
    web: { url: "http://127.0.0.1:1/mcp", headers: { authorization: "b" } },
  };

  test("are handed to the agent, with the folder", async () => {
    const agent = testAgent({ http: true });
    const { params } = await face(await agent.open({ mcpServers }));
    expect(params).toEqual({
      cwd: agent.folder,
      mcpServers: [
        { name: "files", command: "mcp-files", args: ["--all"], env: [{ name: "TOKEN", value: "t" }] },
        { type: "http", name: "web", url: "http://127.0.0.1:1/mcp", headers: [{ name: "authorization", value: "b" }] },
      ],
    });
  });

  test("that the agent can't reach are told", async () => {
    const { params, notices } = await face(await testAgent().open({ mcpServers }));
    expect(params.mcpServers).toHaveLength(1);
    expect(notices).toEqual([expect.stringContaining('"web"')]);
  });
});
