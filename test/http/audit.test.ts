/** The audit log over the API. */
import { expect, test } from "vitest";
import { SwitchboardError } from "../../src/errors.ts";
import type { AuditEntry } from "../../src/model.ts";
import { stage } from "./stage.ts";

function entries(count: number, text = "a plan\nof two lines"): AuditEntry[] {
  return Array.from({ length: count }, (_, at) => ({
    ...{ at, what: "opened", ask: `a${at}`, channel: "web:one", session: "s1", kind: "plan", text },
  }));
}

test("page by page as JSON", async () => {
  const { call, gateway } = await stage();
  expect(await (await call("/api/v1/audit")).json()).toEqual({ entries: [] });
  gateway.log = entries(5);
  expect(await (await call("/api/v1/audit?limit=2")).json()).toEqual({ entries: gateway.log.slice(0, 2), after: "2" });
  const rest = await call("/api/v1/audit?limit=9&after=2");
  expect(await rest.json()).toEqual({ entries: gateway.log.slice(2), after: "5" });
});

test.each([
  ["/api/v1/audit?format=jsonl", {}],
  ["/api/v1/audit", { accept: "application/x-ndjson" }],
  ["/api/v1/audit?limit=1", { accept: "text/plain, application/x-ndjson" }],
])("the whole log as JSON Lines: %s", async (path, headers) => {
  const { call, gateway } = await stage();
  gateway.log = entries(1_234);
  const response = await call(path, { headers });
  expect(response.headers.get("content-type")).toBe("application/x-ndjson");
  const lines = (await response.text()).split("\n");
  expect(lines.pop()).toBe("");
  expect(lines.map((line) => JSON.parse(line))).toEqual(gateway.log);
});

test("an empty log is no lines; one is continued from where it was left", async () => {
  const { call, gateway } = await stage();
  expect(await (await call("/api/v1/audit?format=jsonl")).text()).toBe("");
  gateway.log = entries(3);
  expect((await (await call("/api/v1/audit?format=jsonl&after=2")).text()).trimEnd()).toBe(
    JSON.stringify(gateway.log[2]),
  );
  expect(await (await call("/api/v1/audit?format=jsonl&after=3")).text()).toBe("");
});

test("reads no further ahead than the caller takes", async () => {
  const { call, gateway } = await stage();
  gateway.log = entries(400 * 300, "x".repeat(200));
  const response = await call("/api/v1/audit?format=jsonl");
  const reader = response.body?.getReader();
  await reader?.read();
  let before = 0;
  await expect
    .poll(
      () => {
        const isStill = gateway.asked.length === before;
        before = gateway.asked.length;
        return isStill;
      },
      { interval: 300, timeout: 10_000 },
    )
    .toBe(true);
  expect(gateway.asked.length).toBeLessThan(290);
  await reader?.cancel();
});

test("a store that is away is told before anything is", async () => {
  const { call, gateway } = await stage();
  gateway.fault = new SwitchboardError("STORE_UNAVAILABLE", "Redis is away.");
  const response = await call("/api/v1/audit?format=jsonl");
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ error: { code: "STORE_UNAVAILABLE" } });
});

test("a log that is cut short does not look whole", async () => {
  const { call, gateway } = await stage();
  gateway.log = entries(400 * 200, "x".repeat(200));
  const response = await call("/api/v1/audit?format=jsonl");
  const reader = response.body?.getReader();
  await reader?.read();
  gateway.fault = new Error("gone");
  const rest = async () => {
    while ((await reader?.read())?.done === false);
  };
  await expect(rest()).rejects.toThrow();
});
