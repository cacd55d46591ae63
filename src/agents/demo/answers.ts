/** What the demo agent says to a prompt. Pure: the same prompt in the same place gives the same answer. */
import type { AskOutcome } from "../../agent.ts";
import type { AskRequest } from "../../model.ts";
import { PERMISSION, planRequest, QUESTIONS, whenAnswered, whenPermitted, whenPlanned } from "./asks.ts";
import { stepLines } from "./plans.ts";
import { HELP, LONG, MARKDOWN } from "./texts.ts";

export type Answer = Said | Asked;

/** What is said follows from what people decide. */
interface Asked {
  readonly kind: "ask";
  readonly request: AskRequest;
  answerTo(outcome: AskOutcome): Said;
}

export type Said =
  /** Streamed in at most `chunks` pieces of whole words. */
  | { readonly kind: "text"; readonly text: string; readonly chunks: number }
  /** One line each `every` milliseconds, the first at once. */
  | { readonly kind: "lines"; readonly lines: readonly string[]; readonly every: number }
  | { readonly kind: "failure"; readonly message: string };

interface Situation {
  readonly attempt: number;
  /** How many messages this session has had, with the ones being answered. */
  readonly messages: number;
}

const ECHO_CHUNKS = 16;
const LONG_CHUNKS = 120;
const SLOW_DEFAULT = 10;
const SLOW_MAX = 600;
/** Milliseconds that a step of a plan takes. */
const STEP = 500;

export function answerTo(prompt: string, { attempt, messages }: Situation): Answer {
  const [word = "", argument = ""] = prompt.trim().toLowerCase().split(/\s+/, 2);
  switch (word) {
    case "help":
      return short(HELP);
    case "slow":
      return slow(argument);
    case "fail":
      return argument === "once" ? failOnce(attempt) : fail(attempt);
    case "long":
      return { kind: "text", text: LONG, chunks: LONG_CHUNKS };
    case "markdown":
      return short(MARKDOWN);
    case "count":
      return short(
        `This session has had **${messages}** ${messages === 1 ? "message" : "messages"}, this one included.`,
      );
    case "plan": {
      const request = planRequest(prompt.trim().slice(word.length).trim());
      return { kind: "ask", request, answerTo: (outcome) => ifApproved(outcome, request.text) };
    }
    case "permission":
      return { kind: "ask", request: PERMISSION, answerTo: (outcome) => short(whenPermitted(outcome)) };
    case "questions":
      return { kind: "ask", request: QUESTIONS, answerTo: (outcome) => short(whenAnswered(outcome)) };
    default:
      return short(`You said:\n\n${quoted(prompt)}\n\nWrite \`help\` to see what else I can do.`);
  }
}

export function short(text: string): Said {
  return { kind: "text", text, chunks: ECHO_CHUNKS };
}

/** A plan's steps, one after the other. */
export function carryOut(plan: string): Said {
  return { kind: "lines", lines: stepLines(plan), every: STEP };
}

function ifApproved(outcome: AskOutcome, plan: string): Said {
  return outcome.kind === "approved" ? carryOut(plan) : short(whenPlanned(outcome));
}

function slow(argument: string): Said {
  const asked = Number.parseInt(argument, 10);
  const seconds = Number.isNaN(asked) ? SLOW_DEFAULT : Math.min(Math.max(asked, 1), SLOW_MAX);
  const lines = Array.from({ length: seconds + 1 }, (_, second) =>
    second === 0 ? `This takes ${seconds} s. Send \`/stop\` to end it.\n` : `\n- ${second} of ${seconds}`,
  );
  return { kind: "lines", lines, every: 1_000 };
}

function fail(attempt: number): Said {
  return {
    kind: "failure",
    message: `You asked me to fail, so attempt ${attempt} failed. Nothing is broken: send anything else and I answer.`,
  };
}

function failOnce(attempt: number): Said {
  if (attempt > 1) return short(`Attempt ${attempt} went well: the first one failed, as you asked.`);
  return { kind: "failure", message: "You asked me to fail once: the next attempt answers." };
}

/** The whole text as a Markdown quote: every line behind its own mark, so that none falls out of it. */
function quoted(text: string): string {
  return text
    .split("\n")
    .map((line) => `> ${line}`)
    .join("\n");
}
