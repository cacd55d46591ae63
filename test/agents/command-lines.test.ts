import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AgentSession, OpenOptions } from "../../src/agent.ts";
import { createCommandAgent } from "../../src/agents/command/index.ts";
import type { AgentEvent, Attachment, Json } from "../../src/model.ts";
import { collect, describeAgent, People, textOf, turnOf } from "../conformance/agent.ts";
import { eventually } from "../support/eventually.ts";
import { Processes } from "./processes.ts";

const PROGRAM = fileURLToPath(new URL("programs/lines.mjs", import.meta.url));

describeAgent("command, JSON Lines", {
  start: async () => {
    const processes = await Processes.watch();
    const config = { command: [PROGRAM], protocol: "json-lines" as const, env: { PIDS: processes.file } };
    return {
      agent: createCommandAgent({ config }),
      leftovers: () => processes.running(),
      stop: () => processes.forget(),
    };
  },
  prompts: {
    echo: (text) => `echo ${text}`,
    endless: "endless",
    fails: "fail",
    failsOnce: "once",
    large: { prompt: "large", atLeast: 5_000_000 },
    counts: { prompt: "count" },
    asks: { plan: "plan", permission: "permission", questions: "questions" },
  },
});

describe("a shell script that speaks JSON Lines", () => {
  let processes: Processes;
  beforeEach(async () => {
    processes = await Processes.watch();
  });
  afterEach(async () => {
    await processes.forget();
  });

  /** A session with a script; $turn is what it was told first. */
  const open = (script: string, options: Partial<OpenOptions> = {}): Promise<AgentSession> => {
    const command = ["sh", "-c", `echo $$ >>"$PIDS"; read -r turn\n${script}`];
    const config = { command, protocol: "json-lines" as const, env: { PIDS: processes.file } };
    const place = { session: "session-1", channel: "test:c/1", transcript: async () => [] } as const;
    return createCommandAgent({ config }).open({ ...place, ...options });
  };
  const run = async (script: string, people?: People) =>
    collect(await open(script), "hello", people === undefined ? {} : { people });

  test("is told the turn, whole", async () => {
    const transcript = [{ role: "user" as const, text: "earlier", at: 1, turn: "turn-0" }];
    const limits: number[] = [];
    const session = await open(`printf 'I got %s' "$turn"`, {
      state: { its: ["own"] },
      folder: tmpdir(),
      workspace: "/",
      scope: "full",
      mcpServers: { tracker: { url: "http://127.0.0.1:1", headers: { authorization: "Bearer secret" } } },
      transcript: async (limit) => {
        limits.push(limit);
        return transcript;
      },
    });
    const decided = [{ request: { kind: "plan", text: "dig" }, outcome: { kind: "closed", reason: "late" } }] as const;
    const asked = { note: "quick", systemPrompt: "Be kind.", plan: "1. wave" };
    const options = {
      mode: "accept-edits",
      model: "big",
      effort: "high",
      attempt: 2,
      resumes: true,
      ...asked,
    } as const;
    const turn = turnOf("hello", options);
    const events: AgentEvent[] = [];
    for await (const event of session.run({ ...turn, decided })) events.push(event);
    const told = JSON.parse(textOf(events).slice("I got ".length));
    expect(told).toEqual({
      ...{ type: "turn", id: "turn-1", session: "session-1", channel: "test:c/1", phase: "work" },
      ...{ ...options, decided, state: { its: ["own"] } },
      prompt: expect.stringMatching(/^Be kind\.\n\n\(quick\)\n\n.*\n\nhello\n\n.*\n\n1\. wave$/s),
      messages: [{ id: "message-1", sender: { id: "test:ada", name: "Ada" }, text: "hello", sentAt: 1_000, files: [] }],
      ...{ folder: tmpdir(), workspace: "/", scope: "full", transcript },
      mcpServers: { tracker: { url: "http://127.0.0.1:1", headers: { authorization: "Bearer secret" } } },
    });
    expect(limits).toEqual([50]);
  });

  test("says everything that an agent can say", async () => {
    const events: AgentEvent[] = [
      { type: "alive" },
      { type: "thought", delta: "hm" },
      { type: "todo", items: [{ text: "dig", status: "open" }] },
      { type: "tool", id: "1", title: "Digging", status: "running" },
      { type: "tool", id: "1", title: "Digging", status: "done" },
      { type: "notice", text: "mind the gap" },
      { type: "state", state: null },
      { type: "text", delta: "a\nb" },
      { type: "usage", tokensIn: 5, tokensOut: 7 },
      { type: "done", state: [1] },
    ];
    const script = events.map((event) => `echo '${JSON.stringify(event).replaceAll("\\", "\\\\")}'`).join("\n");
    expect(await run(script)).toEqual(events);
  });

  test("its own account of the cost is the agent's", async () => {
    const [usage] = await run(`echo '{"type":"usage","tokensIn":1,"tokensOut":2,"cost":0.5}'`);
    expect(usage).toEqual({ type: "usage", tokensIn: 1, tokensOut: 2, cost: 0.5, costSource: "agent" });
  });

  test("a line that does not begin with { is text", async () => {
    const events = await run(`printf 'one\\n\\n  {"three"}\\r\\n[4]\\n{"type":"text","delta":"{5}"}\\n6'`);
    expect(events.slice(0, -1).map((event) => textOf([event]))).toEqual(
      ["one\n", "\n", '  {"three"}\n', "[4]\n", "{5}", "6"], //
    );
    expect(events.at(-1)).toEqual({ type: "done" });
  });

  test("empty texts are not passed on", async () => {
    const empty = `echo '{"type":"text","delta":""}'; echo '{"type":"thought","delta":""}'`;
    expect(await run(empty)).toEqual([{ type: "done" }]);
  });

  test.each([
    ["{ oops", /line 2 is no JSON: .*on one line.*\{ oops$/s],
    ['{"type":"txt","delta":"x"}', /line 2 is no event: "type": .*'text'.*'failed'/],
    ['{"delta":"x"}', /line 2 is no event: "type": /],
    ['{"type":"text"}', /line 2 is no event: "delta": .*string/],
    ['{"type":"usage","tokensIn":-1,"tokensOut":0}', /"tokensIn": /],
    ['{"type":"ask","id":"1","kind":"favour","text":"x"}', /"kind": .*'permission'/],
    ['{"type":"ask","id":"1","kind":"questions","questions":[]}', /"questions": /],
    [
      '{"type":"ask","id":"1","kind":"questions","questions":[{"id":"a","prompt":"?"},{"id":"a","prompt":"?"}]}',
      /"questions": the ids must differ/,
    ],
  ])("%s fails the turn and says why", async (line, message) => {
    const events = await run(`echo first; echo '${line}'; sleep 3600`);
    expect(textOf(events)).toBe("first\n");
    expect(failureIn(events)).toMatchObject({ code: "COMMAND_PROTOCOL", retryable: false });
    expect(failureIn(events)?.message).toMatch(message);
    expect(await processes.running()).toEqual([]);
  });

  test("a line without an end fails the turn before it fills the memory", async () => {
    const events = await run("echo first; tr '\\0' 'x' </dev/zero");
    expect(failureIn(events)?.message).toContain("line 2 is longer than 1024 KiB");
    expect(await processes.running()).toEqual([]);
  });

  test("a line may be as long as that", async () => {
    const events = await run(`printf '{"type":"text","delta":"%s"}\\n' "$(head -c 1048000 /dev/zero | tr '\\0' x)"`);
    expect(textOf(events)).toHaveLength(1_048_000);
    expect(events.at(-1)).toEqual({ type: "done" });
  });

  test("its own failure is passed on", async () => {
    const failed = `echo '{"type":"failed","code":"NO_SPADE","message":"I have no spade","retryable":false}'`;
    expect(failureIn(await run(failed))).toEqual({
      code: "NO_SPADE",
      message: "I have no spade",
      retryable: false,
    });
  });

  test("without a last event, its exit code tells how it ended", async () => {
    expect(await run("echo hi")).toEqual([{ type: "text", delta: "hi\n" }, { type: "done" }]);
    const failure = failureIn(await run("echo hi; echo 'no spade' >&2; exit 3"));
    expect(failure).toMatchObject({ code: "COMMAND_FAILED", retryable: true });
    expect(failure?.message).toMatch(/exit code 3.*no spade$/s);
  });

  test.each([
    ["exit 3", "COMMAND_FAILED"],
    ["kill -KILL $$", "COMMAND_KILLED"],
    ["exit 0", "COMMAND_PROTOCOL"],
  ])("half an event, then `%s`: %s", async (end, code) => {
    const events = await run(`echo first; printf '{"type":"text","del'; ${end}`);
    expect(textOf(events)).toBe("first\n");
    expect(failureIn(events)).toMatchObject({ code });
  });

  test("what follows its last event is nothing, and it may end in peace", async () => {
    const after = `${processes.file}.after`;
    const events = await run(`echo '{"type":"done"}'; echo more; read -r end; echo ended >"${after}"; exit 3`);
    expect(events).toEqual([{ type: "done" }]);
    expect(await readFile(after, "utf8")).toBe("ended\n");
  });

  test("one that does not end after its last event is ended", async () => {
    expect(await run(`echo '{"type":"done"}'; sleep 3600`)).toEqual([{ type: "done" }]);
    expect(await processes.running()).toEqual([]);
  });

  test("hears that it must stop, and then the end of its input", async () => {
    const heard = `${processes.file}.heard`;
    const controller = new AbortController();
    const session = await open(`echo working; cat >"${heard}"; echo bye`);
    for await (const _ of session.run(turnOf("go", { signal: controller.signal }))) controller.abort();
    expect(await readFile(heard, "utf8")).toBe('{"type":"stop"}\n');
    expect(await processes.running()).toEqual([]);
  });

  test("one that heeds neither stop nor SIGTERM is ended with its children", async () => {
    const controller = new AbortController();
    const session = await open(`trap '' TERM; sleep 3600 & echo $! >>"$PIDS"; echo working; while :; do sleep 1; done`);
    for await (const _ of session.run(turnOf("go", { signal: controller.signal }))) controller.abort();
    expect(await processes.count()).toBe(2);
    expect(await processes.running()).toEqual([]);
  });

  const ask = (id: string) => `echo '{"type":"ask","id":"${id}","kind":"permission","text":"dig?","tool":"spade"}'`;

  test("goes on talking while it waits for people", async () => {
    const people = new People();
    const session = await open(`${ask("1")}; echo meanwhile; read -r answer; printf 'got %s' "$answer"`);
    let decide = (_: unknown) => {};
    const decided = new Promise((resolve) => {
      decide = resolve;
    });
    const by = { id: "test:eve", name: "Eve" };
    const events: AgentEvent[] = [];
    const turn = turnOf("go", { people });
    const asking = async () => {
      await decided;
      return { kind: "rejected", reason: "it's late", by } as const;
    };
    for await (const event of session.run({ ...turn, ask: asking })) {
      events.push(event);
      decide(undefined);
    }
    const answer = { type: "answer", id: "1", kind: "rejected", reason: "it's late", by };
    expect(textOf(events)).toBe(`meanwhile\ngot ${JSON.stringify(answer)}`);
  });

  test("may have several asks open, answered in any order", async () => {
    const session = await open(`${ask("a")}; ${ask("b")}; read -r one; read -r two; printf 'got %s %s' "$one" "$two"`);
    const decide: (() => void)[] = [];
    const turn = turnOf("go");
    const asking = () =>
      new Promise<{ kind: "closed"; reason: string }>((resolve) => {
        decide.push(() => resolve({ kind: "closed", reason: "late" }));
      });
    const collected = drain(session.run({ ...turn, ask: asking }));
    await eventually(() => decide.length === 2, "both asks are open");
    for (const settle of decide.reverse()) {
      settle();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(textOf(await collected)).toMatch(/"id":"b".*"id":"a"/);
  });

  test("may not use an id twice at once, but again after the answer", async () => {
    const twice = await run(`${ask("1")}; ${ask("1")}; sleep 3600`, new People());
    expect(failureIn(twice)?.message).toContain('the id "1"');
    const people = new People(() => ({ kind: "closed", reason: "late" }));
    const again = await run(`${ask("1")}; read -r one; ${ask("1")}; read -r two; echo both`, people);
    expect(textOf(again)).toBe("both\n");
  });

  test("may take an ask back, and use its id again", async () => {
    const takeBack = `echo '{"type":"withdraw","id":"1"}'`;
    const session = await open(
      `${takeBack}; ${ask("1")}; ${takeBack}; ${ask("1")}; read -r answer; printf 'got %s' "$answer"`,
    );
    const given: (AbortSignal | undefined)[] = [];
    const asking = (_: unknown, takenBack?: AbortSignal) => {
      given.push(takenBack);
      if (given.length === 2) return Promise.resolve({ kind: "closed", reason: "late" } as const);
      return new Promise<never>((_, reject) => {
        takenBack?.addEventListener("abort", () => reject(takenBack.reason));
      });
    };
    const events = await drain(session.run({ ...turnOf("go"), ask: asking }));
    expect(textOf(events)).toBe('got {"type":"answer","id":"1","kind":"closed","reason":"late"}');
    expect(given.map((signal) => signal?.aborted)).toEqual([true, false]);
  });

  test("an answer that it can't hear any more hurts nobody", async () => {
    const people = new People(() => ({ kind: "closed", reason: "late" }));
    const session = await open(`exec <&-; ${ask("1")}; until [ -e "$PIDS.go" ]; do sleep 0.02; done; echo deaf`);
    const collected = collect(session, "go", { people });
    await people.first;
    await writeFile(`${processes.file}.go`, "");
    expect(await collected).toEqual([{ type: "text", delta: "deaf\n" }, { type: "done" }]);
  });

  test("where people can't be asked, the turn fails and the program is ended", async () => {
    await expect(run(`${ask("1")}; read -r answer; echo no`)).rejects.toThrow("nobody expects to be asked");
    expect(await processes.running()).toEqual([]);
  });

  test("is given back its last state, also after a failure and without one in its `done`", async () => {
    const states: (Json | undefined)[] = [];
    const session = await open(
      `printf 'I got %s\\n' "$turn"; [ "$SWITCHBOARD_ATTEMPT" = 2 ] && exit; echo '{"type":"state","state":7}'; exit 3`,
    );
    for (const attempt of [1, 2, 2]) {
      const told = textOf(await collect(session, "go", { attempt })).replace("I got ", "");
      states.push(JSON.parse(told).state);
    }
    expect(states).toEqual([undefined, 7, 7]);
  });

  test("finds the files of its messages by their paths", async () => {
    const file = (name: string): Attachment => ({ id: name, name, type: "text/plain", size: 5 });
    const session = await open(`printf 'I got %s' "$turn"`);
    const turn = turnOf("look");
    const messages = turn.messages.map((message) => ({ ...message, files: [file("a.txt"), file("gone")] }));
    let seen = "";
    const read = async ({ name }: Attachment) => {
      if (name === "gone") throw new Error("it was deleted");
      return new TextEncoder().encode("bytes");
    };
    for await (const event of session.run({ ...turn, messages, read })) seen += textOf([event]);
    const told = JSON.parse(seen.replace("I got ", ""));
    expect(told.messages[0].files).toEqual([
      { name: "a.txt", type: "text/plain", size: 5, path: expect.stringMatching(/\/1-a\.txt$/) },
      { name: "gone", type: "text/plain", size: 5 },
    ]);
    expect(told.prompt).toBe("look\n\n(The file gone could not be had: it was deleted)");
    expect(existsSync(told.messages[0].files[0].path)).toBe(false);
  });
});

describe("the project", () => {
  test("is where the program works; the program itself is found from the configured folder", async () => {
    const folder = await mkdtemp(join(tmpdir(), "switchboard-project-"));
    try {
      await writeFile(join(folder, "note"), "in the project");
      await writeFile(join(folder, "program"), "#!/bin/sh\ncat note; env | grep ^SWITCHBOARD_ | sort", { mode: 0o700 });
      const project = await mkdtemp(join(folder, "project-"));
      await writeFile(join(project, "note"), "at work\n");
      const config = { command: ["./program"], cwd: folder, env: {} };
      const session = await createCommandAgent({ config }).open({
        ...{ session: "s", channel: "test:c", transcript: async () => [], folder: project, scope: "workspace" },
        mcpServers: { tracker: { command: ["tracker"], env: { KEY: "secret" } } },
      });
      const said = textOf(await collect(session, "go", { mode: "plan", model: "big" }));
      expect(said).toMatch(/^at work\n/);
      expect(said).toContain(`SWITCHBOARD_PROJECT=${project}\n`);
      for (const line of ["SCOPE=workspace", "MODE=plan", "MODEL=big", "EFFORT="]) {
        expect(said).toContain(`SWITCHBOARD_${line}\n`);
      }
      expect(said).not.toContain("secret");
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

async function drain(run: AsyncIterable<AgentEvent>): Promise<AgentEvent[]> {
  const events: AgentEvent[] = [];
  for await (const event of run) events.push(event);
  return events;
}

function failureIn(events: readonly AgentEvent[]) {
  const last = events.at(-1);
  return last?.type === "failed" ? last.failure : undefined;
}
