import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AgentSession } from "../../src/agent.ts";
import { type CommandOptions, createCommandAgent } from "../../src/agents/command/index.ts";
import { type AgentEvent, channelId } from "../../src/model.ts";
import { collect, describeAgent, textOf, turnOf } from "../conformance/agent.ts";
import { Processes } from "./processes.ts";

const TALKER = fileURLToPath(new URL("programs/talker.sh", import.meta.url));

describeAgent("command", {
  start: async () => {
    const processes = await Processes.watch();
    return {
      agent: createCommandAgent({ config: configOf([TALKER], processes.file), env: process.env }),
      leftovers: () => processes.running(),
      stop: () => processes.forget(),
    };
  },
  prompts: {
    echo: (text) => `echo ${text}`,
    endless: "endless",
    fails: "fail",
    failsOnce: "once",
    large: { prompt: "large 5000000", atLeast: 5_000_000 },
    counts: { none: "a program gets each turn anew; it keeps what it likes by SWITCHBOARD_SESSION" },
    asks: { none: "a program has no way to ask" },
  },
});

describe("the command agent", () => {
  let processes: Processes;
  const open = (
    config: Partial<CommandOptions["config"]> = {},
    env: NodeJS.ProcessEnv = process.env,
  ): Promise<AgentSession> =>
    createCommandAgent({ config: { ...configOf([TALKER], processes.file), ...config }, env }).open({
      session: "session-1",
      channel: channelId("test", "c/1"),
      transcript: async () => [],
    });

  beforeEach(async () => {
    processes = await Processes.watch();
  });
  afterEach(async () => {
    await processes.forget();
  });

  test("joins the bytes of a character that arrive one after the other", async () => {
    const deltas: string[] = [];
    for await (const event of (await open()).run(turnOf("halves"))) {
      if (event.type === "text") deltas.push(event.delta);
      await writeFile(`${processes.file}.go`, "");
    }
    expect(deltas).toEqual(["half: ", "你"]);
  });

  test("tells the program where it is, and gives it none of the gateway's secrets", async () => {
    const env = {
      ...process.env,
      SWITCHBOARD_TOKEN: "secret",
      AWS_SECRET_ACCESS_KEY: "secret",
      LC_TIME: "C",
      TZ: "UTC",
    };
    const session = await open({ env: { PIDS: processes.file, OWN: "1", SWITCHBOARD_TURN: "forged" } }, env);
    const lines = textOf(await collect(session, "environment", { attempt: 2, phase: "plan" }))
      .trimEnd()
      .split("\n");
    expect(lines.pop()).toBe("session-1 test:c/1 turn-1 2 test:ada plan");
    expect(lines).toEqual(expect.arrayContaining(["PATH", "LC_TIME", "TZ", "OWN", "SWITCHBOARD_SESSION"]));
    expect(lines).not.toContain("SWITCHBOARD_TOKEN");
    expect(lines).not.toContain("AWS_SECRET_ACCESS_KEY");
  });

  test("runs in the folder that the configuration names", async () => {
    const session = await open({ command: ["./talker.sh"], cwd: join(TALKER, "..") });
    expect(textOf(await collect(session, "echo hi"))).toBe("hi\n");
  });

  test("a program that ends before it has read its input answers all the same", async () => {
    const events = await collect(await open({ command: ["echo", "deaf"] }), "x".repeat(1_000_000));
    expect(events).toEqual([{ type: "text", delta: "deaf\n" }, { type: "done" }]);
  });

  test("reports the exit code and the end of the error output, after the text so far", async () => {
    const events = await collect(await open(), "fail 3");
    expect(textOf(events)).toBe("partial\n");
    const failure = failureIn(events);
    expect(failure).toMatchObject({ code: "COMMAND_FAILED", retryable: true });
    expect(failure?.message).toContain("exit code 3");
    expect(failure?.message).toMatch(/\n1000\nthe last complaint: ü$/);
    expect(failure?.message).not.toContain("the first complaint");
    expect(failure?.message.split("\n").length).toBeLessThan(25);
  });

  test.each([
    [1, true],
    [64, false],
    [65, false],
    [69, true],
    [75, true],
    [77, false],
    [78, false],
    [127, false],
  ])("exit code %i: retryable %s", async (code, retryable) => {
    expect(failureIn(await collect(await open(), `fail ${code}`))).toMatchObject({ code: "COMMAND_FAILED", retryable });
  });

  test("keeps the report short, however much the program complains", async () => {
    const message = failureIn(await collect(await open(), "verbose"))?.message ?? "";
    expect(message).toMatch(/xthe end$/);
    expect(message.length).toBeLessThan(2_500);
  });

  test("names the signal that ended the program", async () => {
    const failure = failureIn(await collect(await open(), "killed"));
    expect(failure).toMatchObject({ code: "COMMAND_KILLED", retryable: true });
    expect(failure?.message).toContain("SIGKILL");
  });

  test("says so where the program complained of nothing", async () => {
    expect(failureIn(await collect(await open(), "silent"))?.message).toContain("exit code 9. It wrote nothing");
  });

  test.each([
    ["a missing program", { command: ["switchboard-no-such-program"] }, /was not found\. Install it/],
    ["a missing folder", { cwd: "/no/such/folder" }, /"\/no\/such\/folder".*does not exist/],
  ])("%s is a failure that no repetition mends", async (_, config, message) => {
    const failure = failureIn(await collect(await open(config), "hi"));
    expect(failure).toMatchObject({ code: "COMMAND_NOT_FOUND", retryable: false });
    expect(failure?.message).toMatch(message);
  });

  test("a file that may not be executed is a failure that no repetition mends", async () => {
    const file = `${processes.file}.sh`;
    await writeFile(file, "#!/bin/sh\necho hi\n", { mode: 0o600 });
    expect(failureIn(await collect(await open({ command: [file] }), "hi"))).toMatchObject({
      code: "COMMAND_NOT_EXECUTABLE",
      retryable: false,
    });
  });

  test("ends what a program leaves behind, also where that holds the output open", async () => {
    const events = await collect(await open(), "holder");
    expect(events).toEqual([{ type: "text", delta: "left\n" }, { type: "done" }]);
    expect(await processes.count()).toBe(2);
    expect(await processes.running()).toEqual([]);
  });

  test("ends by force what SIGTERM can't end", async () => {
    const controller = new AbortController();
    const session = await open();
    for await (const _ of session.run(turnOf("stubborn", { signal: controller.signal }))) controller.abort();
    expect(await processes.count()).toBe(2);
    expect(await processes.running()).toEqual([]);
  });

  test("lets a program say goodbye, whatever it still writes", async () => {
    const controller = new AbortController();
    const session = await open();
    for await (const _ of session.run(turnOf("goodbye", { signal: controller.signal }))) controller.abort();
    expect(await readFile(`${processes.file}.bye`, "utf8")).toBe("bye\n");
  });

  test("does not wait for a process that left the group and holds the output open", async () => {
    const events = await collect(await open(), "escaped");
    expect(events).toEqual([{ type: "text", delta: "left\n" }, { type: "done" }]);
    expect(await processes.running()).toHaveLength(1);
  });

  test("reads no faster than the consumer takes", async () => {
    const file = `${processes.file}.progress`;
    const script = `head -c 50000000 /dev/zero | tr '\\0' 'x' | tee ${file}`;
    const session = await open({ command: ["sh", "-c", script] });
    const events = session.run(turnOf("go"))[Symbol.asyncIterator]();
    await events.next();
    await settled(async () => (await readFile(file)).length);
    expect((await readFile(file)).length).toBeLessThan(5_000_000);
    await session.close();
  });
});

function configOf(command: string[], pids: string): CommandOptions["config"] {
  return { command, env: { PIDS: pids } };
}

function failureIn(events: readonly AgentEvent[]) {
  const last = events.at(-1);
  return last?.type === "failed" ? last.failure : undefined;
}

/** Resolves when a value has been the same for a while. */
async function settled(read: () => Promise<number>): Promise<void> {
  let before = -1;
  for (let now = await read(); now !== before; now = await read()) {
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
