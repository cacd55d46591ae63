import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AgentSession } from "../../src/agent.ts";
import { createCommandAgent } from "../../src/agents/command/index.ts";
import { channelId } from "../../src/model.ts";
import { collect, People, textOf } from "../conformance/agent.ts";

const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));

describe("the examples", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "switchboard-examples-"));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  test("answer.sh answers as a command agent", async () => {
    const config = { command: [join(EXAMPLES, "answer.sh")], env: {} };
    const session = await createCommandAgent({ config }).open({
      session: "session-1",
      channel: channelId("test", "c"),
      transcript: async () => [],
    });
    const answer = textOf(await collect(session, "one two\nthree"));
    expect(answer).toContain("> one two\n> three\n");
    expect(answer).toContain("That is 3 words.");
  });

  const by = { id: "test:eve", name: "Eve" };

  test("assistant.py streams, asks, counts and gives an account", async () => {
    const session = await assistant("assistant.py");
    const events = await collect(session, 'wörd "two"');
    expect(events.map((event) => textOf([event])).filter((text) => text !== "")).toEqual(
      ["Message 1 has 2 words:", " WÖRD", ' "TWO"'], //
    );
    expect(events.slice(-2)).toEqual([
      { type: "usage", tokensIn: 2, tokensOut: 2 },
      { type: "done", state: 1 },
    ]);
    for (const [outcome, said] of [
      [{ kind: "approved", scope: "once", by }, "They are gone."],
      [{ kind: "rejected", by }, "I keep them."],
      [{ kind: "closed", reason: "nobody decided in time" }, "Nobody can decide it now"],
    ] as const) {
      const people = new People(() => outcome);
      expect(textOf(await collect(session, "clean up", { people }))).toContain(said);
      expect(people.asked).toEqual([{ kind: "permission", tool: "clean", text: "Remove the temporary files?" }]);
    }
    expect(textOf(await collect(session, "clean up", { phase: "plan" }))).toContain("Message 5 has");
  });

  test("assistant.sh streams, asks, counts and gives an account", async () => {
    const session = await assistant("assistant.sh");
    const events = await collect(session, 'wörd \\ "two",\nnew line');
    expect(events).toEqual([
      { type: "text", delta: "Message 1:\n" },
      { type: "text", delta: 'wörd \\ "two",\nnew line' },
      { type: "usage", tokensIn: 1, tokensOut: 1 },
      { type: "done", state: 1 },
    ]);
    const people = new People(() => ({ kind: "answered", answers: { color: 'light "blue"' } }));
    const answer = await collect(session, "which color?", { people });
    expect(textOf(answer)).toBe('Message 2:\nwhich color?\n\nI take light "blue".');
    expect(people.asked).toEqual([
      { kind: "questions", text: "", questions: [{ id: "color", prompt: "Which color?" }] },
    ]);
    const nobody = new People(() => ({ kind: "closed", reason: "nobody decided in time" }));
    expect(textOf(await collect(session, "which color?", { people: nobody }))).toContain("\n\nNobody can answer now");
    expect(textOf(await collect(session, "which color?", { phase: "plan" }))).toMatch(/^Message 4:/);
  });

  test.each(["assistant.py", "assistant.sh"])("%s has no more than 20 lines", async (name) => {
    expect((await readFile(join(EXAMPLES, name), "utf8")).trimEnd().split("\n").length).toBeLessThanOrEqual(20);
  });

  test("echo.ts answers what is written to it, and remembers over a restart", async () => {
    expect(await echo(folder, ["hello there", "and again"])).toEqual(["1. hello there", "2. and again"]);
    expect(await echo(folder, ["third"])).toEqual(["3. third"]);
  });
});

function assistant(name: string): Promise<AgentSession> {
  const config = { command: [join(EXAMPLES, name)], protocol: "json-lines" as const, env: {} };
  return createCommandAgent({ config }).open({
    session: "session-1",
    channel: channelId("test", "c"),
    transcript: async () => [],
  });
}

/** Runs echo.ts in a folder, writes the lines, and gives as many lines as it answers. */
async function echo(cwd: string, lines: readonly string[]): Promise<string[]> {
  const tsx = fileURLToPath(import.meta.resolve("tsx"));
  const child = spawn(process.execPath, ["--import", tsx, join(EXAMPLES, "echo.ts")], {
    cwd,
    stdio: ["pipe", "pipe", "inherit"],
  });
  try {
    const exited = once(child, "exit");
    const answers: string[] = [];
    child.stdin.write(`${lines.join("\n")}\n`);
    for await (const answer of createInterface({ input: child.stdout })) {
      answers.push(answer);
      if (answers.length === lines.length) child.stdin.end();
    }
    expect(await exited).toEqual([0, null]);
    return answers;
  } finally {
    child.kill("SIGKILL");
  }
}
