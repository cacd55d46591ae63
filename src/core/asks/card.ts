/** How an ask looks in a channel, at any moment of its life: pure but for the signing of its buttons. */
import type { Action, ChannelLimits } from "../../channel.ts";
import type { Ask, Card, Question } from "../../model.ts";
import { oneLine } from "../one-line.ts";
import { decidersOf } from "./approvers.ts";
import { buttonData, isFree } from "./buttons.ts";
import { endOf, openQuestions, remainingOf } from "./state.ts";

export interface Face {
  /** Markdown. */
  readonly text: string;
  readonly actions: readonly Action[];
  /** The ask's version that it shows. */
  readonly version: number;
  /** Nothing can be done about it any more. */
  readonly over: boolean;
}

/** More choices than this are offered as a select, where the platform has one. */
const MOST_BUTTONS = 5;
export async function faceOf(ask: Ask, card: Card, limits: ChannelLimits): Promise<Face> {
  const question = questionOf(ask, card);
  const settled = question === undefined ? ask.end !== undefined : isSettled(ask, question);
  const actions = settled || limits.actions === undefined ? [] : await actionsOf(ask, question, limits.actions);
  const body = card.reminder ? reminded(ask, question) : bodyOf(ask, question);
  const foot = settled ? fate(ask, question) : hint(ask, question);
  const text = [body, foot].filter((part) => part !== "").join("\n\n");
  return { text, actions, version: ask.version, over: settled };
}

function isSettled(ask: Ask, question: Question): boolean {
  return ask.end !== undefined || ask.answers[question.id] !== undefined;
}

/** A reminder stands for all open questions: it can be used like the card of the only one. */
function questionOf(ask: Ask, { question, reminder }: Card): Question | undefined {
  if (ask.request.kind !== "questions") return undefined;
  const open = openQuestions(ask);
  if (reminder) return open.length === 1 ? open[0] : undefined;
  return ask.request.questions.find(({ id }) => id === question);
}

function bodyOf({ request, brief }: Ask, question: Question | undefined): string {
  switch (request.kind) {
    case "plan":
      return brief
        ? "📋 **The plan above waits for approval.**"
        : `📋 **A plan waits for approval.**\n\n${request.text}`;
    case "permission":
      return brief ? "🔐 **May it do what stands above?**" : `🔐 **May it do this?**\n\n${request.text}`;
    case "questions": {
      const marks = [
        ...(question?.grounded ? ["_It asks because of what it found._"] : []),
        ...(question?.underspecified ? ["_The task leaves this open._"] : []),
      ];
      const isFirst = request.questions[0]?.id === question?.id;
      const intro = brief || !isFirst || request.text === "" ? [] : [request.text];
      return [...intro, `❓ ${question?.prompt ?? ""}`, ...marks].join("\n\n");
    }
  }
}

function reminded(ask: Ask, question: Question | undefined): string {
  if (question || ask.request.kind !== "questions") {
    return `⏰ Still waiting: ${briefly(question?.prompt ?? ask.request.text)}`;
  }
  const open = ask.end ? ask.request.questions : openQuestions(ask);
  return ["⏰ Still waiting:", ...open.map(({ prompt }) => `- ${briefly(prompt)}`)].join("\n");
}

/** In one line: code as it stands, the rest without its markup. */
function briefly(text: string): string {
  let isCode = false;
  const lines = text.split("\n").map((line) => {
    const isFence = /^ *(?:`{3,}|~{3,})/.test(line);
    if (isFence) isCode = !isCode;
    if (isFence || isCode) return isFence ? "" : line;
    return line.replace(/^\s*(?:#{1,6}|>|[-*+])\s+/, "").replace(/(\*\*|__)(\S(?:.*?\S)?)\1/g, "$2");
  });
  return oneLine(lines.join(" "));
}

/** What became of it, once nothing more can be done. */
function fate(ask: Ask, question: Question | undefined): string {
  const answer = question && ask.answers[question.id];
  if (!answer) return endOf(ask);
  const label = question.choices?.find(({ id }) => id === answer.value)?.label ?? answer.value;
  const remaining = openQuestions(ask).length;
  const more =
    remaining === 0 || ask.end ? "" : remaining === 1 ? " One question remains." : ` ${remaining} questions remain.`;
  return `✅ ${answer.by.name}: ${label}${more}`;
}

/** What one can do about it by writing, and who may. */
function hint(ask: Ask, question: Question | undefined): string {
  const how = question ? answering(ask, question) : HINTS[ask.request.kind];
  const isPlain = ask.approvers === "members" || ask.approvers === "requester";
  return isPlain ? `_${how}_` : `_${how} For ${decidersOf(ask)} to decide._`;
}

const HINTS = {
  plan: "/approve, /reject, or write what to change.",
  permission: "/approve, or /reject with a reason.",
  questions: "Answer them where they were asked.",
} as const;

function answering(ask: Ask, { choices, free }: Question): string {
  const one =
    remainingOf(ask) === 1 ? "Write your answer here." : "Reply to this message with your answer, or use /answer.";
  if (choices === undefined || choices.length === 0) return one;
  return free ? `Choose, or write an answer of your own. ${one}` : "Choose one.";
}

async function actionsOf(
  ask: Ask,
  question: Question | undefined,
  limits: NonNullable<ChannelLimits["actions"]>,
): Promise<Action[]> {
  const { kind } = ask.request;
  if (question) return await questionActions(ask, question, limits);
  if (kind === "questions") return [];
  const approve = { kind: "button", style: "primary" } as const;
  const actions: Action[] = [
    { ...approve, label: kind === "plan" ? "Approve" : "Allow once", data: await buttonData(ask, "yes") },
  ];
  if (kind === "permission") {
    actions.push({ kind: "button", label: "For this session", data: await buttonData(ask, "session") });
    actions.push({ kind: "button", label: "Always", data: await buttonData(ask, "always") });
  }
  actions.push({ kind: "button", label: "Reject", data: await buttonData(ask, "no"), style: "danger" });
  if (limits.form) {
    actions.push({
      kind: "form",
      label: "Reject with reason",
      data: await buttonData(ask, "why"),
      prompt: "Why not? The agent will be told.",
    });
  }
  return actions;
}

async function questionActions(
  ask: Ask,
  question: Question,
  limits: NonNullable<ChannelLimits["actions"]>,
): Promise<Action[]> {
  const { request } = ask;
  if (request.kind !== "questions") return [];
  const number = request.questions.indexOf(question);
  const choices = question.choices ?? [];
  const actions: Action[] = [];
  if (choices.length > MOST_BUTTONS && choices.length <= limits.select) {
    const options = choices.map(({ id, label }) => ({ label, value: id }));
    actions.push({ kind: "select", label: "Choose…", data: await buttonData(ask, `q${number}`), choices: options });
  } else {
    for (const [index, { label }] of choices.slice(0, limits.most - 1).entries()) {
      actions.push({ kind: "button", label, data: await buttonData(ask, `q${number}.${index}`) });
    }
  }
  if (limits.form && isFree(question)) {
    actions.push({ kind: "form", label: "Answer", data: await buttonData(ask, `t${number}`), prompt: question.prompt });
  }
  return actions;
}
