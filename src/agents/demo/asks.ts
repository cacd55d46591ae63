/** What the demo agent asks of people, and what it says to their decisions. */
import type { AskOutcome } from "../../agent.ts";
import type { PermissionRequest, PlanRequest, QuestionsRequest } from "../../model.ts";
import { planFor } from "./plans.ts";

const COMMAND = "rm -rf build";

export const PERMISSION: PermissionRequest = {
  kind: "permission",
  text: `I want to run this command:\n\n\`\`\`sh\n${COMMAND}\n\`\`\``,
  tool: "shell",
  target: COMMAND,
};

export const QUESTIONS: QuestionsRequest = {
  kind: "questions",
  text: "Before I write the report, I need to know two things.",
  questions: [
    {
      id: "format",
      prompt: "In which format do you want it?",
      choices: [
        { id: "markdown", label: "Markdown" },
        { id: "html", label: "HTML" },
        { id: "pdf", label: "PDF" },
      ],
    },
    { id: "readers", prompt: "Who is going to read it?", underspecified: true },
  ],
};

export function planRequest(wish: string): PlanRequest {
  return { kind: "plan", text: planFor(wish === "" ? "a tidy workshop" : wish) };
}

/** To a plan that is not to be carried out. */
export function whenPlanned(outcome: AskOutcome): string {
  return outcome.kind === "rejected"
    ? `${outcome.by.name} rejected the plan${because(outcome.reason)}. I did nothing.`
    : unusable(outcome);
}

export function whenPermitted(outcome: AskOutcome): string {
  switch (outcome.kind) {
    case "approved": {
      const until = { once: "this once", session: "for this session", always: "always, in this channel" };
      return `${outcome.by.name} allowed it ${until[outcome.scope]}: I ran \`${COMMAND}\`. (Being a demo, I only say so.)`;
    }
    case "rejected":
      return `${outcome.by.name} did not allow it${because(outcome.reason)}. I did not run \`${COMMAND}\`.`;
    default:
      return unusable(outcome);
  }
}

export function whenAnswered(outcome: AskOutcome): string {
  if (outcome.kind !== "answered") return unusable(outcome);
  const lines = QUESTIONS.questions.map(({ id, prompt, choices }) => {
    const value = outcome.answers[id] ?? "";
    const answer = choices?.find((choice) => choice.id === value)?.label ?? value;
    return `- ${prompt} ${answer.replaceAll("\n", "\n  ")}`;
  });
  return `Thank you. You answered:\n\n${lines.join("\n")}`;
}

function because(reason: string | undefined): string {
  return reason === undefined ? "" : `: ${reason}`;
}

/** Nobody decided, or it was decided in a way that does not fit what was asked. */
function unusable(outcome: AskOutcome): string {
  const why = outcome.kind === "closed" ? outcome.reason : `it was ${outcome.kind}`;
  return `I got no decision (${why}). I did nothing.`;
}
