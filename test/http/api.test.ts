/** The API: what it asks of the gateway, and how refusals and faults look. */
import { expect, test } from "vitest";
import { SwitchboardError } from "../../src/errors.ts";
import { SESSION, stage } from "./stage.ts";

test("sessions: list with filters, show, transcript, cancel, remove", async () => {
  const { call, gateway } = await stage();
  const list = await call("/api/v1/sessions?limit=5&channel=web:one&archived=true&from=7&text=abc");
  expect(await list.json()).toEqual({ sessions: [SESSION], cursor: "more" });
  expect(gateway.asked).toEqual([["sessions", { limit: 5, channel: "web:one", archived: true, from: 7, text: "abc" }]]);
  const shown = await call("/api/v1/sessions/s1");
  expect(await shown.json()).toEqual({ session: SESSION, queue: { waiting: [], asks: 0, commands: 0, recent: [] } });
  await call("/api/v1/sessions/s1/transcript?before=9");
  const cancelled = await call("/api/v1/sessions/s1/cancel", { method: "POST" });
  expect(await cancelled.json()).toEqual({ cancelledTurn: "t1", dropped: 2 });
  const removed = await call("/api/v1/sessions/s1", { method: "DELETE" });
  expect(removed.status).toBe(200);
  expect(gateway.asked.slice(1)).toEqual([
    ["transcript", "s1", { limit: 50, before: 9 }],
    ["cancel", "s1", "operator"],
    ["remove", "s1"],
  ]);
});

test("dead letters: ids with slashes and hashes come through", async () => {
  const { call, gateway } = await stage();
  const path = `/api/v1/dead-letters/${encodeURIComponent("telegram:-100/7#42")}`;
  expect(await (await call("/api/v1/dead-letters?limit=3")).json()).toMatchObject({ deadLetters: [{ attempts: 3 }] });
  expect((await call(`${path}/replay`, { method: "POST" })).status).toBe(200);
  expect((await call(path, { method: "DELETE" })).status).toBe(200);
  expect(gateway.asked).toEqual([
    ["deadLetters", { limit: 3 }],
    ["replay", "telegram:-100/7#42"],
    ["discard", "telegram:-100/7#42"],
  ]);
});

test("stats, health and commands", async () => {
  const { call } = await stage();
  expect(await (await call("/api/v1/stats")).json()).toMatchObject({ sessions: 1, live: 0 });
  expect(await (await call("/api/v1/health")).json()).toMatchObject({ version: "1.2.3", ready: true });
  expect(await (await call("/api/v1/commands")).json()).toMatchObject({ commands: [{ name: "help" }] });
});

test("what is unknown is 404 with its remedy", async () => {
  const { call } = await stage();
  for (const [path, method, code] of [
    ["sessions/none", "GET", "SESSION_UNKNOWN"],
    ["sessions/none/transcript", "GET", "SESSION_UNKNOWN"],
    ["sessions/none/cancel", "POST", "SESSION_UNKNOWN"],
    ["dead-letters/none", "DELETE", "DEAD_LETTER_UNKNOWN"],
    ["nothing", "GET", "NOT_FOUND"],
  ]) {
    const response = await call(`/api/v1/${path}`, { method: method ?? "GET" });
    expect(response.status, path).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code, remedy: expect.stringMatching(/\w/) } });
  }
});

test.each([
  "limit=0",
  "limit=many",
  "limit=100000",
  "channel=no-colon",
  "source=nowhere",
  "archived=perhaps",
  "from=yesterday",
  "colour=red",
])("a query that can't be read is named: %s", async (query) => {
  const { call, gateway } = await stage();
  const response = await call(`/api/v1/sessions?${query}`);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    error: { code: "REQUEST_INVALID", message: expect.stringContaining(query.split("=")[0] ?? "") },
  });
  expect(gateway.asked).toEqual([]);
});

test("a store that is away is 503 in its own words, anything else 500 without words", async () => {
  const { call, gateway, logged } = await stage();
  gateway.fault = new SwitchboardError("STORE_FULL", "The disk is full.");
  const full = await call("/api/v1/stats");
  expect(full.status).toBe(503);
  expect(await full.json()).toMatchObject({ error: { code: "STORE_FULL", message: "The disk is full." } });
  gateway.fault = new TypeError("x is not a function");
  const broken = await call("/api/v1/stats");
  expect(broken.status).toBe(500);
  expect(await broken.text()).not.toContain("x is not");
  expect(logged).toHaveLength(2);
});
