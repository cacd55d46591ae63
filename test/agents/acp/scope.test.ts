import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { WorkspaceScope } from "../../../src/model.ts";
import { collect, textOf, type turnOf } from "../../conformance/agent.ts";
import { testAgent } from "./harness.ts";

/** A folder of projects with one of them, and a secret beside it; and an agent that works in the project. */
async function place(scope?: WorkspaceScope) {
  const root = mkdtempSync(join(tmpdir(), "switchboard-scope-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const workspace = join(root, "projects");
  const folder = join(workspace, "garden");
  mkdirSync(folder, { recursive: true });
  mkdirSync(join(workspace, "other"));
  writeFileSync(join(folder, "plan.txt"), "one\ntwo\nthree");
  writeFileSync(join(workspace, "other", "note.txt"), "neighbour");
  writeFileSync(join(root, "secret.txt"), "secret");
  const agent = testAgent();
  const session = await agent.open({ folder, workspace, ...(scope === undefined ? {} : { scope }) });
  const call = async (method: string, params: object, options: Parameters<typeof turnOf>[1] = {}) =>
    textOf(await collect(session, `call ${JSON.stringify([method, params])}`, options));
  return {
    ...{ root, workspace, folder, agent, session, call },
    read: (path: string, more = {}) => call("fs/read_text_file", { path, ...more }),
    write: (path: string, content: string, options?: Parameters<typeof turnOf>[1]) =>
      call("fs/write_text_file", { path, content }, options),
    run: async (line: string) => textOf(await collect(session, `run ${line}`)),
  };
}

const REFUSED = /^refused: .*out of reach/;

describe("files", () => {
  test("of the project are read, all or some lines, and written", async () => {
    const { folder, read, write } = await place();
    expect(JSON.parse(await read(join(folder, "plan.txt")))).toEqual({ content: "one\ntwo\nthree" });
    expect(JSON.parse(await read(join(folder, "plan.txt"), { line: 2, limit: 1 }))).toEqual({ content: "two" });
    await write(join(folder, "plan.txt"), "new");
    expect(readFileSync(join(folder, "plan.txt"), "utf8")).toBe("new");
    await write(join(folder, "new", "deep", "file.txt"), "deep");
    expect(readFileSync(join(folder, "new", "deep", "file.txt"), "utf8")).toBe("deep");
  });

  test("outside of it are not, by whatever way", async () => {
    const { root, folder, workspace, read, write } = await place();
    symlinkSync(root, join(folder, "out"));
    symlinkSync(join(root, "secret.txt"), join(folder, "file"));
    symlinkSync(join(root, "new.txt"), join(folder, "dangling"));
    symlinkSync("loop", join(folder, "loop"));
    const ways = [
      join(root, "secret.txt"),
      `${folder}/../../secret.txt`,
      "../../secret.txt",
      join(folder, "out", "secret.txt"),
      join(folder, "file"),
      join(workspace, "other", "note.txt"),
      `${folder}-not/x`,
    ];
    for (const path of ways) expect(await read(path), path).toMatch(REFUSED);
    for (const path of [...ways, join(folder, "out", "new.txt"), join(folder, "out", "new", "new.txt")]) {
      expect(await write(path, "overwritten"), path).toMatch(REFUSED);
    }
    expect(await write(join(folder, "dangling"), "x")).toMatch(/^refused: .*leads nowhere/);
    expect(await write(join(folder, "loop"), "x")).toMatch(/^refused: /);
    expect(readFileSync(join(root, "secret.txt"), "utf8")).toBe("secret");
  });

  test("behind a link that stays within are reached", async () => {
    const { folder, read } = await place();
    symlinkSync(join(folder, "plan.txt"), join(folder, "link"));
    expect(await read(join(folder, "link"))).toContain("three");
  });

  test("of other projects are reached with the scope `workspace`, and no further", async () => {
    const { root, workspace, read } = await place("workspace");
    expect(await read(join(workspace, "other", "note.txt"))).toContain("neighbour");
    expect(await read(join(root, "secret.txt"))).toMatch(REFUSED);
  });

  test("anywhere are reached with the scope `full`", async () => {
    const { root, read } = await place("full");
    expect(await read(join(root, "secret.txt"))).toContain("secret");
  });

  test("that are none, or too large, are refused", async () => {
    const { folder, read, write, run } = await place();
    await run("mkfifo pipe; truncate -s 20000000 huge");
    expect(await read(folder)).toMatch(/^refused: /);
    expect(await read(join(folder, "pipe"))).toMatch(/^refused: .*no plain file/);
    expect(await write(join(folder, "pipe"), "x")).toMatch(/^refused: /);
    expect(await read(join(folder, "huge"))).toMatch(/^refused: .*larger than/);
    expect(await read(join(folder, "none"))).toMatch(/^refused: .*ENOENT/);
  });

  test("are not written before a plan was approved", async () => {
    const { folder, write } = await place();
    expect(await write(join(folder, "plan.txt"), "x", { phase: "plan", mode: "plan" })).toMatch(
      /^refused: .*before a plan/,
    );
    expect(readFileSync(join(folder, "plan.txt"), "utf8")).toBe("one\ntwo\nthree");
  });
});

describe("terminals", () => {
  test("run a command in the project's folder, with little of the gateway's environment", async () => {
    const { folder, run } = await place();
    expect(await run("pwd; echo oops >&2; exit 3")).toBe(`3: ${folder}\noops\n`);
    expect(await run("env | cut -d= -f1 | grep -c VITEST")).toBe("1: 0\n");
  });

  test("don't run elsewhere, nor before a plan was approved", async () => {
    const { root, call } = await place();
    expect(await call("terminal/create", { command: "pwd", cwd: root })).toMatch(REFUSED);
    const planning = { phase: "plan", mode: "plan" } as const;
    expect(await call("terminal/create", { command: "pwd" }, planning)).toMatch(/before a plan/);
  });

  test("take a program with its arguments as they are", async () => {
    const { call } = await place();
    expect(await call("terminal/create", { command: "no-such-program", args: ["$HOME"] })).toMatch(/ENOENT/);
    expect(await call("terminal/create", { command: "test", args: ["$HOME", "=", "x"] })).toContain("terminal-1");
  });

  test("that were left running end with the turn", async () => {
    const { agent, session } = await place();
    expect(textOf(await collect(session, `leave sh -c 'echo $$ >>${agent.folder}/pids; exec sleep 3600'`))).toBe(
      "left",
    );
    expect(await agent.work()).toEqual([]);
  });
});
