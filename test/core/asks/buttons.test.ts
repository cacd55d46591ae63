import fc from "fast-check";
import { expect, test } from "vitest";
import { answerOf, askOf, buttonData, type Choice, choiceOf } from "../../../src/core/asks/buttons.ts";
import type { AskRequest } from "../../../src/model.ts";

const ASK = { id: "ask_abcdefghijklmnopqrst_1z141z3", key: "5f0c" };
const CHOICES: readonly Choice[] = ["yes", "session", "always", "no", "why", "q0", "t12", "q12.345"];

test("what was handed out is understood, and fits into 64 bytes", async () => {
  for (const choice of CHOICES) {
    const data = await buttonData(ASK, choice);
    expect(data.length).toBeLessThanOrEqual(64);
    expect(askOf(data)).toBe(ASK.id);
    expect(await choiceOf(ASK, data)).toBe(choice);
  }
});

test("what another ask, another key or nobody handed out is not", async () => {
  const data = await buttonData(ASK, "yes");
  expect(await choiceOf({ ...ASK, key: "5f0d" }, data)).toBeUndefined();
  expect(await choiceOf({ ...ASK, id: `${ASK.id}0` }, data)).toBeUndefined();
  expect(await choiceOf(ASK, data.replace(":yes:", ":always:"))).toBeUndefined();
  await fc.assert(
    fc.asyncProperty(fc.string({ maxLength: 64 }), fc.nat(63), async (text, at) => {
      const changed = data.slice(0, at) + text + data.slice(at + text.length);
      if (changed !== data) expect(await choiceOf(ASK, changed)).toBeUndefined();
      expect(await choiceOf(ASK, text)).toBeUndefined();
    }),
  );
});

test("a choice becomes the answer that it stands for, and nothing where it does not fit", () => {
  const permission = { request: { kind: "permission", tool: "shell", text: "ls" } satisfies AskRequest };
  expect(answerOf(permission, "yes", undefined)).toEqual({ verdict: { kind: "approved", scope: "once" } });
  expect(answerOf(permission, "always", undefined)).toEqual({ verdict: { kind: "approved", scope: "always" } });
  expect(answerOf(permission, "why", " too risky ")).toEqual({ verdict: { kind: "rejected", reason: "too risky" } });
  expect(answerOf(permission, "why", "  ")).toEqual({ verdict: { kind: "rejected" } });
  expect(answerOf(permission, "q0", "blue")).toBeUndefined();
  const choices = [
    { id: "r", label: "Red" },
    { id: "b", label: "Blue" },
  ];
  const questions = [
    { id: "colour", prompt: "Which?", choices },
    { id: "name", prompt: "Whose?" },
  ];
  const asked = { request: { kind: "questions", text: "", questions } satisfies AskRequest };
  expect(answerOf(asked, "q0.1", undefined)).toEqual({ question: "colour", value: "b" });
  expect(answerOf(asked, "q0", "r")).toEqual({ question: "colour", value: "r" });
  expect(answerOf(asked, "q0", "green")).toBeUndefined();
  expect(answerOf(asked, "t0", "green")).toBeUndefined();
  expect(answerOf(asked, "t1", " Ann ")).toEqual({ question: "name", value: "Ann" });
  expect(answerOf(asked, "t1", " ")).toBeUndefined();
  expect(answerOf(asked, "q7", "r")).toBeUndefined();
  expect(answerOf(asked, "yes", undefined)).toBeUndefined();
});
