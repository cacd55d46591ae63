import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createCommandAgent } from "../../src/agents/command/index.ts";
import { channelId } from "../../src/model.ts";
import { collect, textOf } from "../conformance/agent.ts";

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
    const config = { type: "command" as const, command: [join(EXAMPLES, "answer.sh")], env: {} };
    const session = await createCommandAgent({ config }).open({
      session: "session-1",
      channel: channelId("test", "c"),
      transcript: async () => [],
    });
    const answer = textOf(await collect(session, "one two\nthree"));
    expect(answer).toContain("> one two\n> three\n");
    expect(answer).toContain("That is 3 words.");
  });

  test("echo.ts answers what is written to it, and remembers over a restart", async () => {
    expect(await echo(folder, ["hello there", "and again"])).toEqual(["1. hello there", "2. and again"]);
    expect(await echo(folder, ["third"])).toEqual(["3. third"]);
  });
});

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
