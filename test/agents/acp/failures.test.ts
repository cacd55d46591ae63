import { describe, expect, test } from "vitest";
import { collect, textOf, turnOf } from "../../conformance/agent.ts";
import { eventually } from "../../support/eventually.ts";
import { failureIn, testAgent } from "./harness.ts";

describe("an agent that can't be started is a failed turn, and leaves nothing behind", () => {
  test("a program that is not there", async () => {
    const agent = testAgent({}, { command: ["switchboard-no-such-agent"] });
    expect(failureIn(await collect(await agent.open(), "echo hi"))).toEqual({
      code: "COMMAND_NOT_FOUND",
      message: expect.stringContaining('"switchboard-no-such-agent"'),
      retryable: false,
    });
  });

  test("a folder that is not there", async () => {
    const session = await testAgent().open({ folder: "/no/such/folder" });
    expect(failureIn(await collect(session, "echo hi"))?.message).toContain('"/no/such/folder"');
  });

  test("one that ends at once, with what it wrote", async () => {
    const agent = testAgent({ complains: "no licence here", exits: 3 });
    const failure = failureIn(await collect(await agent.open(), "echo hi"));
    expect(failure).toMatchObject({ code: "ACP_ENDED", retryable: true, told: true });
    expect(failure?.message).toContain("exit code 3");
    expect(failure?.message).toMatch(/no licence here$/);
    expect(await agent.running()).toEqual([]);
  });

  test("one that never answers, also where it takes no notice of being ended", async () => {
    // A shell, which has begun to complain long before the time is over.
    const program = `trap '' TERM HUP; echo $$ >> "$FOLDER/pids"; echo 'waiting for the moon' >&2; while :; do sleep 1; done`;
    const agent = testAgent({}, { command: ["sh", "-c", program], startTimeout: 700 });
    const failure = failureIn(await collect(await agent.open(), "echo hi"));
    expect(failure).toMatchObject({ code: "ACP_START_TIMEOUT", retryable: true });
    expect(failure?.message).toContain("0.7 seconds");
    expect(failure?.message).toContain("waiting for the moon");
    expect(await agent.running()).toEqual([]);
  });

  test("one that speaks another version", async () => {
    const failure = failureIn(await collect(await testAgent({ version: 2 }).open(), "echo hi"));
    expect(failure).toMatchObject({ code: "ACP_PROTOCOL", retryable: true });
    expect(failure?.message).toContain("version 2");
  });

  test("one that speaks something else, which is shown", async () => {
    const agent = testAgent(
      {},
      { command: ["sh", "-c", "echo 'Usage: agent <file>'; cat >/dev/null"], startTimeout: 500 },
    );
    const failure = failureIn(await collect(await agent.open(), "echo hi"));
    expect(failure?.message).toContain("Usage: agent <file>");
  });

  test("one that writes without end", async () => {
    const agent = testAgent({}, { command: ["sh", "-c", "head -c 40000000 /dev/zero | tr '\\\\0' x; cat >/dev/null"] });
    const failure = failureIn(await collect(await agent.open(), "echo hi"));
    expect(failure).toMatchObject({ code: "ACP_PROTOCOL", message: expect.stringContaining("longer than") });
  });

  test("one that nobody is signed in to", async () => {
    const failure = failureIn(await collect(await testAgent({ auth: true }).open(), "echo hi"));
    expect(failure).toMatchObject({ code: "ACP_AUTH_REQUIRED", retryable: false });
  });

  test("a turn that is stopped meanwhile ends at once", async () => {
    const agent = testAgent({ silent: true });
    const controller = new AbortController();
    const collected = collect(await agent.open(), "echo hi", { signal: controller.signal });
    await eventually(() => agent.pids.length > 0, "the agent was started");
    controller.abort();
    expect(await collected).toEqual([]);
    expect(await agent.running()).toEqual([]);
  });

  test("what can be chosen can't be told either", async () => {
    const session = await testAgent({ exits: 3 }).open();
    await expect(session.options?.()).rejects.toThrow("exit code 3");
  });
});

describe("stray output", () => {
  test("is passed over", async () => {
    const session = await testAgent({ garbage: true }).open();
    expect(textOf(await collect(session, "echo hi"))).toBe("echo hi");
  });
});

describe("an agent that fails in a turn", () => {
  test("says why, and is asked again", async () => {
    const agent = testAgent();
    const session = await agent.open();
    const failure = failureIn(await collect(session, "fail the model is away"));
    expect(failure).toMatchObject({ code: "ACP_ERROR", retryable: true });
    expect(failure?.message).toContain("the model is away");
    expect(textOf(await collect(session, "count"))).toBe("2 messages");
    expect(agent.pids).toHaveLength(1);
  });

  test("by its end: what it wrote is told, what it started is gone, and the next turn goes on in its session", async () => {
    const agent = testAgent({ load: true });
    const session = await agent.open();
    await collect(session, "echo one");
    const events = await collect(session, "die");
    expect(textOf(events)).toBe("about to");
    expect(failureIn(events)).toMatchObject({ code: "ACP_ENDED", retryable: true, told: true });
    expect(failureIn(events)?.message).toMatch(/exit code 7 .*the last complaint: ü$/s);
    expect(await agent.running()).toEqual([]);
    expect(textOf(await collect(session, "count"))).toBe("3 messages");
    expect(agent.calls).toEqual(["session/new", "session/load"]);
  });

  test("by kill -9", async () => {
    const agent = testAgent({ resume: true });
    const session = await agent.open();
    const events = session.run(turnOf("endless"))[Symbol.asyncIterator]();
    while ((await events.next()).value?.type !== "text");
    process.kill(Number(agent.pids[0]), "SIGKILL");
    let next = await events.next();
    while (next.value?.type === "alive") next = await events.next();
    expect(next.value).toMatchObject({ type: "failed", failure: { message: expect.stringContaining("SIGKILL") } });
    expect(await agent.running()).toEqual([]);
    expect(textOf(await collect(session, "count"))).toBe("2 messages");
  });

  test("by closing its output", async () => {
    const agent = testAgent({ lingers: true, load: true });
    const session = await agent.open();
    expect(failureIn(await collect(session, "mute"))?.code).toBe("ACP_ENDED");
    expect(await agent.running()).toEqual([]);
    expect(textOf(await collect(session, "count"))).toBe("2 messages");
  });

  test("between two turns: nobody is told, and the next one goes on", async () => {
    const agent = testAgent({ load: true });
    const session = await agent.open();
    await collect(session, "echo one");
    process.kill(Number(agent.pids[0]), "SIGKILL");
    await eventually(
      async () => (await session.options?.()) !== undefined && agent.pids.length > 1,
      "its end was noticed",
    );
    const events = await collect(session, "count");
    expect(textOf(events)).toBe("2 messages");
    expect(events.at(-1)?.type).toBe("done");
  });

  test("to stop when it is told to is killed, with all that it started", async () => {
    const agent = testAgent({ stubborn: true, lingers: true, load: true }, {}, 300);
    const session = await agent.open();
    const controller = new AbortController();
    for await (const { type } of session.run(turnOf("deaf", { signal: controller.signal }))) {
      if (type === "text") controller.abort();
    }
    expect(agent.pids).toHaveLength(2);
    expect(await agent.running()).toEqual([]);
    expect(textOf(await collect(session, "count"))).toBe("2 messages");
  });
});

describe("`close`", () => {
  test("ends the agent's process", async () => {
    const agent = testAgent();
    const session = await agent.open();
    await collect(session, "echo hi");
    expect(await agent.running()).toHaveLength(1);
    await session.close();
    expect(await agent.running()).toEqual([]);
  });

  test("also one that takes no notice", async () => {
    const agent = testAgent({ stubborn: true, lingers: true });
    const session = await agent.open();
    await collect(session, "echo hi");
    await session.close();
    expect(await agent.running()).toEqual([]);
  });

  test("also one that is being started", async () => {
    const agent = testAgent({ silent: true });
    const session = await agent.open();
    const options = session.options?.();
    const refused = expect(options).rejects.toThrow();
    await eventually(() => agent.pids.length > 0, "the agent was started");
    await session.close();
    await refused;
    expect(await agent.running()).toEqual([]);
  });

  test("without a turn, nothing was started", async () => {
    const agent = testAgent();
    const session = await agent.open();
    await session.close();
    expect(agent.pids).toEqual([]);
  });
});
