import { expect, test } from "vitest";
import { faceOf } from "../../../src/core/asks/card.ts";
import type { Ask } from "../../../src/model.ts";

const LIMITS = { maxTextLength: 4_096, minEditInterval: 1_000, repeatableSend: true };

/** What a reminder says of a permission. */
async function reminded(text: string): Promise<string> {
  const ask: Ask = {
    ...{ id: "a1", channel: "local:a", session: "s1", key: "k" },
    request: { kind: "permission", tool: "shell", text },
    ...{ requester: { id: "local:ann", name: "Ann" }, approvers: "requester" },
    ...{ openedAt: 0, version: 1, shown: [], reminders: 1, answers: {} },
  };
  const face = await faceOf(ask, { ask: "a1", reminder: true }, LIMITS);
  return face.text.split("\n")[0]?.replace("⏰ Still waiting: ", "") ?? "";
}

test.each([
  ["I want to run this:\n\n```sh\nrm -rf build\n```", "I want to run this: rm -rf build"],
  ["Run `rm -rf a_b/*`?", "Run `rm -rf a_b/*`?"],
  ["**Edit** the file\n\n- a > b\n- # c", "Edit the file a > b # c"],
  ["~~~\nls **/*.ts | sort\n~~~", "ls \\*\\*/\\*.ts | sort"],
])("a reminder shows the command that is asked for: %j", async (text, line) => {
  expect(await reminded(text)).toBe(line);
});

test("a long one is cut", async () => {
  expect((await reminded("word ".repeat(100))).length).toBeLessThan(100);
});
