import { expect, test } from "vitest";
import { readMessage } from "../../../src/core/asks/reading.ts";
import type { Ask, AskRequest, Question } from "../../../src/model.ts";

const ANN = { id: "local:ann", name: "Ann" };
const OPENED = 1_000_000;

function ask(request: AskRequest, more: Partial<Ask> = {}): Ask {
  return {
    ...{ id: "ask_1", channel: "local:a", session: "ses_1", request, requester: ANN, approvers: "requester", key: "k" },
    ...{ openedAt: OPENED, version: 1, shown: [], reminders: 0, answers: {} },
    ...more,
  };
}

function saying(text: string, more: { sentAt?: number; answers?: string } = {}) {
  const { sentAt = OPENED + 5_000, answers } = more;
  const message = { id: "m", sender: ANN, text, sentAt, acceptedAt: sentAt };
  return { message, ...(answers === undefined ? {} : { answers }) };
}

const questions = (...list: Question[]): AskRequest => ({ kind: "questions", text: "", questions: list });
const colour: Question = {
  id: "colour",
  prompt: "Which colour?",
  choices: [
    { id: "r", label: "Red" },
    { id: "b", label: "Blue" },
  ],
};
const name: Question = { id: "name", prompt: "Which name?" };
const permission = ask({ kind: "permission", tool: "shell", text: "ls" }, { turn: "t1" });
const plan = ask({ kind: "plan", text: "1. Do it" });

test("a message answers the only open question, by label, id, number or text", () => {
  const open = [ask(questions(colour))];
  for (const text of ["Blue", " blue ", "b", "2", "2."]) {
    expect(readMessage(saying(text), open)).toMatchObject({
      kind: "answer",
      answer: { question: "colour", value: "b" },
    });
  }
  expect(readMessage(saying("green"), open)).toMatchObject({
    kind: "unclear",
    reply: expect.stringContaining("“Red”"),
  });
  expect(readMessage(saying("Ada, please"), [ask(questions(name))])).toMatchObject({
    answer: { value: "Ada, please" },
  });
});

test("with several open the person is asked which, unless the message replies to one", () => {
  const shown = [
    { ref: "1", question: "colour" },
    { ref: "2", question: "name" },
  ];
  const open = [ask(questions(colour, name), { shown })];
  expect(readMessage(saying("Blue"), open)).toMatchObject({ kind: "unclear" });
  expect(readMessage(saying("Blue", { answers: "2" }), open)).toMatchObject({ answer: { question: "name" } });
  const reminded = ask(questions(colour, name), { shown: [...shown, { ref: "3", reminder: true }] });
  expect(readMessage(saying("yes", { answers: "3" }), [reminded, permission])).toMatchObject({ kind: "unclear" });
  expect(
    readMessage(saying("yes", { answers: "3" }), [
      ask(questions(name), { shown: [{ ref: "3", reminder: true }] }),
      permission,
    ]),
  ).toMatchObject({ answer: { question: "name", value: "yes" } });
  const answered = ask(questions(colour, name), { answers: { colour: { value: "r", by: ANN, at: OPENED } } });
  expect(readMessage(saying("Blue"), [answered])).toMatchObject({ answer: { question: "name", value: "Blue" } });
});

test("what was written before it was asked is no answer", () => {
  expect(readMessage(saying("yes", { sentAt: OPENED - 3_000 }), [permission])).toEqual({ kind: "message" });
});

test("a permission takes yes and no, and nothing else for it", () => {
  expect(readMessage(saying("Yes!"), [permission])).toMatchObject({ answer: { verdict: { kind: "approved" } } });
  expect(readMessage(saying("no"), [permission])).toMatchObject({ answer: { verdict: { kind: "rejected" } } });
  expect(readMessage(saying("yes, but mind the tests"), [permission])).toEqual({ kind: "message" });
  expect(readMessage(saying("yes"), [permission, plan])).toMatchObject({ kind: "unclear" });
});

test("a plan that nobody waits with is revised by what one writes; an agent that waits is told", () => {
  expect(readMessage(saying("ok"), [plan])).toMatchObject({ answer: { verdict: { kind: "approved", scope: "once" } } });
  expect(readMessage(saying("use TypeScript"), [plan])).toMatchObject({ kind: "revise", ask: { id: "ask_1" } });
  const waiting = { ...plan, turn: "t1" };
  const verdict = { kind: "rejected", reason: "use TypeScript" };
  expect(readMessage(saying("use TypeScript"), [waiting])).toMatchObject({ answer: { verdict } });
});
