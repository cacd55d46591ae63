/** What people are asked, over the API: lists, answers, refusals. */
import { expect, test } from "vitest";
import type { ErrorCode } from "../../src/errors.ts";
import { SwitchboardError } from "../../src/errors.ts";
import { ASK, type Stage, stage } from "./stage.ts";

const answer = ({ call }: Stage, body: unknown, id = ASK.id): Promise<Response> =>
  call(`/api/v1/asks/${id}/answer`, { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) });

test("lists with filters, shows one", async () => {
  const { call, gateway } = await stage();
  const list = await call("/api/v1/asks?channel=web:one&kind=plan&idle=true&limit=7&cursor=c");
  expect(await list.json()).toEqual({ asks: [ASK], cursor: "more" });
  await call("/api/v1/asks");
  expect(gateway.asked).toEqual([
    ["asks", { channel: "web:one", kind: "plan", idle: true, limit: 7, cursor: "c" }],
    ["asks", { limit: 50 }],
  ]);
  expect(await (await call("/api/v1/asks/ask-1")).json()).toEqual(ASK);
});

test.each([
  [{ verdict: "approve" }, { verdict: { kind: "approved", scope: "once" } }],
  [{ verdict: "approve", scope: "session" }, { verdict: { kind: "approved", scope: "session" } }],
  [{ verdict: "approve", scope: "always" }, { verdict: { kind: "approved", scope: "always" } }],
  [{ verdict: "reject" }, { verdict: { kind: "rejected" } }],
  [{ verdict: "reject", reason: " too dear " }, { verdict: { kind: "rejected", reason: "too dear" } }],
  [{ answer: "md" }, { value: "md" }],
  [
    { question: "readers", answer: "my aunt" },
    { question: "readers", value: "my aunt" },
  ],
])("%j decides so", async (body, decision) => {
  const staged = await stage();
  const response = await answer(staged, body);
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ status: "accepted", remaining: 1 });
  expect(staged.gateway.asked).toEqual([["decide", "ask-1", decision, "operator"]]);
});

test.each([
  ["not json", /not JSON/],
  ["", /not JSON/],
  ["null", /body/],
  ["[]", /body/],
  [{}, /answer/],
  [{ answer: "  " }, /answer/],
  [{ answer: 7 }, /answer/],
  [{ verdict: "perhaps" }, /"approve" or "reject"/],
  [{ verdict: "approve", scope: "forever" }, /scope/],
  [{ verdict: "approve", reason: "fine" }, /reason/],
  [{ verdict: "reject", answer: "no" }, /answer/],
  [{ answer: "md", ask: "another" }, /ask/],
])("%j is refused, and nothing decided", async (body, message) => {
  const staged = await stage();
  const response = await answer(staged, body);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    error: { code: "REQUEST_INVALID", message: expect.stringMatching(message) },
  });
  expect(staged.gateway.asked).toEqual([]);
});

test.each<[ErrorCode, number]>([
  ["ASK_UNKNOWN", 404],
  ["QUESTION_UNKNOWN", 404],
  ["ASK_CLOSED", 409],
  ["SESSION_ENDED", 410],
  ["REQUEST_INVALID", 400],
  ["STORE_UNAVAILABLE", 503],
])("%s is %i in the gateway's own words", async (code, status) => {
  const staged = await stage();
  staged.gateway.refusal = new SwitchboardError(code, "Too late. Approved by Eve, 2026-03-01 14:05 UTC");
  const response = await answer(staged, { verdict: "approve" });
  expect(response.status).toBe(status);
  const { message } = staged.gateway.refusal;
  expect(await response.json()).toEqual({ error: { code, message, remedy: expect.stringMatching(/\w/) } });
});

test("an ask that is unknown is 404", async () => {
  const { call } = await stage();
  expect((await call("/api/v1/asks/none")).status).toBe(404);
});

test.each(["kind=wish", "idle=perhaps", "channel=one", "limit=0", "state=open"])(
  "%s is refused by name",
  async (query) => {
    const { call, gateway } = await stage();
    const response = await call(`/api/v1/asks?${query}`);
    expect(response.status).toBe(400);
    expect(await response.text()).toContain(query.split("=")[0]);
    expect(gateway.asked).toEqual([]);
  },
);

test("nobody without the token decides", async () => {
  const { call, gateway } = await stage();
  const body = JSON.stringify({ verdict: "approve" });
  expect((await call("/api/v1/asks/ask-1/answer", { signedIn: false, method: "POST", body })).status).toBe(401);
  expect((await call("/api/v1/audit", { signedIn: false })).status).toBe(401);
  expect(gateway.asked).toEqual([]);
});
