/** What the operator of the scene configured, and who may decide what by it: written down once more, to hold core to it. */
import type { Route } from "../../../src/core/routes.ts";
import type { Ask, AskRequest, Sender } from "../../../src/model.ts";

export interface Settings {
  readonly remindEvery: number | undefined;
  readonly expireAfter: number | undefined;
}

/** Of the chat a: nothing. */
export const ROUTES: readonly Route[] = [
  { match: "local:b", agent: "worker", planFirst: true, systemPrompt: "Work in b.", approvers: "members" },
  {
    match: "local:c",
    agent: "worker",
    planFirst: { architect: "architect", systemPrompt: "Plan for c." },
    systemPrompt: "Work in c.",
    approvers: { plan: "admins", permission: ["local:bob"] },
  },
];

export const PROMPTS: Readonly<Record<string, { plan?: string; work?: string }>> = {
  "local:a": {},
  "local:b": { plan: "Work in b.", work: "Work in b." },
  "local:c": { plan: "Plan for c.", work: "Work in c." },
};

export const ANN: Sender = { id: "local:ann", name: "Ann" };
export const BOB: Sender = { id: "local:bob", name: "Bob" };
export const ROOT: Sender = { id: "local:root", name: "Root" };
export const PEOPLE: readonly Sender[] = [ANN, BOB, ROOT];

export function mayDecide({ channel, request, requester }: Ask, by: string): boolean {
  if (by === ROOT.id || channel === "local:b") return true;
  if (channel === "local:c" && request.kind === "plan") return false;
  if (channel === "local:c" && request.kind === "permission") return by === BOB.id;
  return by === requester.id;
}

/** Milliseconds that must lie between the reminders `n` and `n + 1`. */
export function cooldown({ remindEvery = 0 }: Settings, n: number): number {
  return Math.max(remindEvery, Math.min(remindEvery * 2 ** n, 86_400_000));
}

export const REQUESTS: readonly AskRequest[] = [
  { kind: "permission", tool: "shell", target: "rm", text: "Remove it?" },
  { kind: "permission", tool: "edit", target: "main.ts", text: "Change it?", edits: true },
  { kind: "questions", text: "", questions: [{ id: "name", prompt: "Which name?" }] },
  {
    kind: "questions",
    text: "Two things.",
    questions: [
      {
        id: "colour",
        prompt: "Which colour?",
        choices: [
          { id: "r", label: "Red" },
          { id: "b", label: "Blue" },
        ],
      },
      { id: "size", prompt: "Which size?", grounded: true },
    ],
  },
  { kind: "plan", text: "First this, then that." },
];

/** Two requests are about the same. */
export function isSame(a: AskRequest, b: AskRequest): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
