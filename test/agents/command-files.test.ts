import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { createCommandAgent } from "../../src/agents/command/index.ts";
import type { AgentEvent, Attachment } from "../../src/model.ts";
import { textOf, turnOf } from "../conformance/agent.ts";

const file = (name: string): Attachment => ({ id: name, name, type: "text/plain", size: 5 });

/** What a shell script answers to a message with these files; those named "gone" can't be had. */
async function answer(script: string, names: readonly string[]): Promise<string> {
  const agent = createCommandAgent({ config: { command: ["sh", "-c", script], env: {} } });
  const session = await agent.open({ session: "s", channel: "test:c", transcript: async () => [] });
  const turn = turnOf("look at these");
  const [message] = turn.messages;
  if (!message) throw new Error("no message");
  const events: AgentEvent[] = [];
  const run = session.run({
    ...turn,
    messages: [{ ...message, files: names.map(file) }],
    read: async ({ name }) => {
      if (name === "gone") throw new Error("it was deleted");
      return new TextEncoder().encode(`in ${name}`);
    },
  });
  for await (const event of run) events.push(event);
  await session.close();
  expect(events.at(-1)).toEqual({ type: "done" });
  return textOf(events);
}

const SHOW = 'echo "$SWITCHBOARD_FILES" | while read -r path; do cat "$path"; echo " at $path"; done';

test("a program finds the files of its messages in a folder, which is gone after it", async () => {
  const shown = await answer(SHOW, ["a.txt", "b c.txt"]);
  const paths = [...shown.matchAll(/^in (.*) at (.*)$/gm)].map(([, name, path]) => ({ name, path: path ?? "" }));
  expect(paths.map(({ name }) => name)).toEqual(["a.txt", "b c.txt"]);
  expect(paths.map(({ path }) => path.split("/").at(-1))).toEqual(["1-a.txt", "2-b c.txt"]);
  for (const { path } of paths) expect(existsSync(path)).toBe(false);
});

test("a name can't lead out of the folder, and two of the same name are two files", async () => {
  const shown = await answer(SHOW, ["../../etc/passwd", "..", "x\ny", "x\ny"]);
  const names = [...shown.matchAll(/at \/.*\/switchboard-files-\w+\/([^/\n]+)$/gm)].map(([, name]) => name);
  expect(names).toEqual(["1-passwd", "2-..", "3-x_y", "4-x_y"]);
});

test("a file that can't be had is told to the program, and the rest is there", async () => {
  const shown = await answer(`cat; ${SHOW}`, ["gone", "b.txt"]);
  expect(shown).toContain("look at these\n\n(The file gone could not be had: it was deleted)");
  expect(shown).toContain("in b.txt at ");
});
