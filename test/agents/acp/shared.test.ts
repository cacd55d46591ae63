import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { collect, textOf, turnOf } from "../../conformance/agent.ts";
import { failureIn, testAgent } from "./harness.ts";

const shared = (can: object = {}, patience?: number) =>
  testAgent({ load: true, ...can }, { processes: "shared" }, patience);

describe("a process that sessions share", () => {
  test("serves all that work in the same folder, and ends with the last of them", async () => {
    const agent = shared({ close: true });
    const first = await agent.open({ session: "1" });
    const second = await agent.open({ session: "2" });
    const [one, two] = await Promise.all([collect(first, "echo for one"), collect(second, "echo for two")]);
    expect([textOf(one), textOf(two)]).toEqual(["echo for one", "echo for two"]);
    expect(agent.pids).toHaveLength(1);
    await first.close();
    expect(agent.calls).toContain("session/close");
    expect(textOf(await collect(second, "count"))).toBe("2 messages");
    await second.close();
    expect(await agent.running()).toEqual([]);
  });

  test("is another one in another folder", async () => {
    const agent = shared();
    const folder = join(agent.folder, "other");
    mkdirSync(folder);
    await collect(await agent.open({ session: "1" }), "echo one");
    await collect(await agent.open({ session: "2", folder }), "echo two");
    expect(agent.pids).toHaveLength(2);
  });

  test("fails the turns under way when it dies, and every session goes on in the next one", async () => {
    const agent = shared();
    const [dying, working, idle] = await Promise.all(["1", "2", "3"].map((session) => agent.open({ session })));
    if (!dying || !working || !idle) throw new Error("three were opened");
    await Promise.all([collect(dying, "echo a"), collect(idle, "echo b")]);
    const events = working.run(turnOf("endless"))[Symbol.asyncIterator]();
    while ((await events.next()).value?.type !== "text");
    expect(failureIn(await collect(dying, "die"))?.code).toBe("ACP_ENDED");
    let last = await events.next();
    while (last.value?.type === "alive") last = await events.next();
    expect(last.value).toMatchObject({ type: "failed", failure: { code: "ACP_ENDED" } });
    expect(await agent.running()).toEqual([]);
    const counts = await Promise.all([dying, working, idle].map((session) => collect(session, "count")));
    expect(counts.map(textOf)).toEqual(["3 messages", "2 messages", "2 messages"]);
    expect(agent.pids.length).toBeGreaterThan(1);
    expect(await agent.running()).toHaveLength(1);
  });

  test("goes on when one of its turns is stopped", async () => {
    const agent = shared();
    const [stopped, other] = [await agent.open({ session: "1" }), await agent.open({ session: "2" })];
    const controller = new AbortController();
    for await (const { type } of stopped.run(turnOf("endless", { signal: controller.signal }))) {
      if (type === "text") controller.abort();
    }
    expect(textOf(await collect(other, "echo hi"))).toBe("echo hi");
    expect(agent.calls).not.toContain("session/load");
    expect(await agent.running()).toHaveLength(1);
  });
});
