/** Talking to an agent over the API: a message, and what becomes of it. */
import { expect, test } from "vitest";
import type { TranscriptEntry } from "../../src/model.ts";
import type { AskView } from "../../src/operations.ts";
import type { QueueView } from "../../src/store.ts";
import { ASK, SESSION, type Stage, stage } from "./stage.ts";

const TURN = { id: "t1", messages: [], attempt: 1, startedAt: 1 };

const plan = (id: string, turn?: string): AskView => {
  const { turn: _, ...rest } = ASK;
  const request = { kind: "plan", text: "1. dig" } as const;
  return { ...rest, id, request, remaining: 1, ...(turn === undefined ? {} : { turn }) };
};

function said(role: TranscriptEntry["role"], text: string, at: number, turn = "t1"): TranscriptEntry {
  return { role, text, at, turn };
}

async function idle(): Promise<Stage> {
  const staged = await stage();
  staged.gateway.open = [];
  return staged;
}

const outcome = async ({ call }: Stage, query = ""): Promise<unknown> =>
  (await call(`/api/v1/sessions/s1/outcome${query}`)).json();

test.each([
  [{ status: "queued", position: 2 }, 202],
  [{ status: "command" }, 202],
  [{ status: "full" }, 200],
  [{ status: "refused", reason: "no" }, 200],
] as const)("a message: %j", async (taken, status) => {
  const { call, gateway } = await stage();
  gateway.taken = taken;
  const response = await call("/api/v1/sessions/s1/messages", { method: "POST", body: '{"text":" hello "}' });
  expect(response.status).toBe(status);
  expect(await response.json()).toEqual(taken);
  expect(gateway.asked).toEqual([["say", "s1", "hello", "operator"]]);
});

test.each(['{"text":""}', '{"text":7}', "{}", '{"text":"a","to":"b"}', "text"])("%s is no message", async (body) => {
  const { call, gateway } = await stage();
  expect((await call("/api/v1/sessions/s1/messages", { method: "POST", body })).status).toBe(400);
  expect(gateway.asked).toEqual([]);
});

test("a session that is unknown is 404, one that is archived 410", async () => {
  const { call, gateway } = await stage();
  expect((await call("/api/v1/sessions/none/outcome")).status).toBe(404);
  expect((await call("/api/v1/sessions/none/messages", { method: "POST", body: '{"text":"a"}' })).status).toBe(404);
  gateway.row = { ...SESSION, status: "archived", archivedAt: 5 };
  const ended = await call("/api/v1/sessions/s1/outcome");
  expect(ended.status).toBe(410);
  expect(await ended.json()).toMatchObject({ error: { code: "SESSION_ENDED" } });
});

test("several open questions are a list, each with the flags that are true", async () => {
  const staged = await stage();
  staged.gateway.view = { running: TURN, waiting: [], asks: 1, commands: 0, recent: [] };
  const shared = { session: "s1", ask: "ask-1", kind: "questions", about: "About the report:" };
  expect(await outcome(staged)).toEqual({
    status: "needs_response",
    queries: [
      {
        ...shared,
        ...{ query: "format", prompt: "Which format?", choices: [{ id: "md", label: "Markdown" }], grounded: true },
      },
      { ...shared, query: "readers", prompt: "Who reads it?", underspecified: true },
    ],
  });
  expect(staged.gateway.asked).toEqual([["asks", { channel: "web:one", limit: 100, idle: true }]]);
});

test("a single one stands flat: what was answered is asked no more", async () => {
  const staged = await stage();
  const answers = { format: { value: "md", by: { id: "web:ann", name: "Ann" }, at: 2 } };
  staged.gateway.open = [{ ...ASK, answers, state: "partly answered", remaining: 1 }];
  expect(await outcome(staged)).toEqual({
    ...{ status: "needs_response", session: "s1", ask: "ask-1", kind: "questions", about: "About the report:" },
    ...{ query: "readers", prompt: "Who reads it?", underspecified: true },
  });
});

test("a plan and a permission are queries too; other sessions' asks are not", async () => {
  const staged = await stage();
  const permission = { kind: "permission", text: "May I?", tool: "shell", target: "ls" } as const;
  staged.gateway.open = [plan("p1"), { ...plan("p2", "t1"), request: permission }, { ...plan("p3"), session: "s0" }];
  expect(await outcome(staged)).toEqual({
    status: "needs_response",
    queries: [
      { session: "s1", ask: "p1", kind: "plan", query: "p1", prompt: "1. dig" },
      { session: "s1", ask: "p2", kind: "permission", query: "p2", prompt: "May I?", tool: "shell", target: "ls" },
    ],
  });
});

const MESSAGE = { id: "m", sender: ASK.requester, text: "a", sentAt: 1, acceptedAt: 1 };

test.each<[string, Partial<QueueView>]>([
  ["a turn", { running: TURN }],
  ["what waits", { waiting: [MESSAGE] }],
  ["what was decided a moment ago", { asks: 1 }],
  ["an unfinished command", { commands: 1 }],
])("it runs while there is %s", async (_, view) => {
  const staged = await idle();
  staged.gateway.view = { waiting: [], asks: 0, commands: 0, recent: [], ...view };
  staged.gateway.said = [said("assistant", "an older answer", 1)];
  expect(await outcome(staged)).toEqual({ status: "running" });
});

test("completed: the last turn's answer", async () => {
  const staged = await idle();
  const { gateway } = staged;
  gateway.said = [
    said("user", "a", 1),
    said("assistant", "old", 2),
    said("user", "b", 3, "t2"),
    said("assistant", "new", 4, "t2"),
  ];
  expect(await outcome(staged)).toEqual({ status: "completed", result: "new", stats: SESSION.stats });
  gateway.said = [];
  expect(await outcome(staged)).toEqual({ status: "completed", result: "", stats: SESSION.stats });
});

test("error and cancelled: by what ended the last turn", async () => {
  const staged = await idle();
  const { gateway } = staged;
  const error = { code: "AGENT_FAILED", message: "it broke", at: 9 };
  gateway.row = { ...SESSION, status: "error", error };
  gateway.said = [said("user", "a", 1), said("notice", "This message could not be answered.", 9)];
  expect(await outcome(staged)).toEqual({ status: "error", code: "AGENT_FAILED", message: "it broke" });
  gateway.said = [said("user", "a", 1), said("notice", "Stopped by Ann.", 10)];
  expect(await outcome(staged)).toEqual({ status: "cancelled", stats: SESSION.stats });
});

test("waits until something comes of it, and asks at a modest pace", async () => {
  const staged = await idle();
  const { gateway } = staged;
  let looks = 0;
  gateway.view = { running: TURN, waiting: [], asks: 0, commands: 0, recent: [] };
  gateway.looked = () => {
    looks += 1;
    if (looks < 3) return;
    gateway.view = { waiting: [], asks: 0, commands: 0, recent: [] };
    gateway.said = [said("assistant", "done", 1)];
  };
  expect(await outcome(staged, "?wait=60s")).toMatchObject({ status: "completed", result: "done" });
  expect(looks).toBe(3);
});

test("says that it runs when the time is over", async () => {
  const staged = await idle();
  staged.gateway.view = { running: TURN, waiting: [], asks: 0, commands: 0, recent: [] };
  expect(await outcome(staged, "?wait=1ms")).toEqual({ status: "running" });
  for (const query of ["?wait=long", "?wait=-1s", "?for=1s"]) {
    expect((await staged.call(`/api/v1/sessions/s1/outcome${query}`)).status).toBe(400);
  }
});

test("whoever waits is answered when the server closes", async () => {
  const staged = await idle();
  const { gateway, server } = staged;
  gateway.view = { running: TURN, waiting: [], asks: 0, commands: 0, recent: [] };
  const looked = new Promise<void>((resolve) => {
    gateway.looked = resolve;
  });
  const waiting = outcome(staged, "?wait=60s");
  await looked;
  await server.close();
  expect(await waiting).toEqual({ status: "running" });
});
