/**
 * What has become of what was said in a session: what a program asks that talks to an agent.
 *
 * - `{status: "running"}`: the agent is at work, or is about to be.
 * - `{status: "needs_response", …}`: people are asked. One open query stands flat beside the status, several are
 *   `queries: [...]`. A query has `session`, `ask`, `kind`, `query` (the question's id; of a plan or permission the
 *   ask's) and `prompt`; `about` is what several questions have in common, `tool` and `target` what a permission is for;
 *   `choices` are to choose from, and `free`, `grounded` and `underspecified` appear where they are true.
 * - `{status: "completed", result, stats}`: the last turn's answer.
 * - `{status: "error", code, message}`: the last turn failed for good.
 * - `{status: "cancelled", stats}`: somebody stopped it.
 */
import { SwitchboardError } from "../../errors.ts";
import type { Question, SessionStats } from "../../model.ts";
import type { AskView, Operations, SessionRow } from "../../operations.ts";
import type { QueueView, TranscriptPage } from "../../store.ts";

export type Outcome =
  | { readonly status: "running" }
  | ({ readonly status: "needs_response" } & (Query | { readonly queries: readonly Query[] }))
  | { readonly status: "completed"; readonly result: string; readonly stats: SessionStats }
  | { readonly status: "error"; readonly code: string; readonly message: string }
  | { readonly status: "cancelled"; readonly stats: SessionStats };

interface Query extends Partial<Omit<Question, "id" | "prompt">> {
  readonly session: string;
  readonly ask: string;
  readonly kind: AskView["request"]["kind"];
  readonly query: string;
  readonly prompt: string;
  readonly about?: string;
  readonly tool?: string;
  readonly target?: string;
}

/** More make no sense to people. */
const MOST_ASKS = 100;
/** Entries of the transcript that hold the end of the last turn. */
const LAST_WORDS = 10;

/** Rejects with SESSION_UNKNOWN and SESSION_ENDED. */
export async function readOutcome(operations: Operations, id: string): Promise<Outcome> {
  const { channel } = await currentSession(operations, id);
  // In this order: what a turn that ends leaves behind is there before the turn is gone.
  const queue = await operations.queue(channel);
  const { asks } = await operations.asks({ channel, limit: MOST_ASKS, idle: true });
  const queries = asks.filter(({ session }) => session === id).flatMap(queriesOf);
  const [only] = queries;
  if (only !== undefined) return { status: "needs_response", ...(queries.length === 1 ? only : { queries }) };
  if (isBusy(queue)) return { status: "running" };
  const session = await currentSession(operations, id);
  if (session.status === "running" || session.waiting > 0) return { status: "running" };
  return endOf(session, await operations.transcript(id, { limit: LAST_WORDS }));
}

async function currentSession(operations: Operations, id: string): Promise<SessionRow> {
  const session = await operations.session(id);
  if (session === undefined) throw new SwitchboardError("SESSION_UNKNOWN", `There is no session "${id}".`);
  if (session.archivedAt !== undefined) throw new SwitchboardError("SESSION_ENDED", `The session "${id}" is archived.`);
  return session;
}

/** An ask that was open a moment ago was decided since: something comes of it, as of a command that is not finished. */
function isBusy({ running, waiting, asks, commands }: QueueView): boolean {
  return running !== undefined || waiting.length > 0 || asks > 0 || commands > 0;
}

function queriesOf({ id, session, request, answers }: AskView): Query[] {
  const { kind, text } = request;
  switch (request.kind) {
    case "plan":
      return [{ session, ask: id, kind, query: id, prompt: text }];
    case "permission": {
      const { tool, target } = request;
      return [{ session, ask: id, kind, query: id, prompt: text, tool, ...(target === undefined ? {} : { target }) }];
    }
    case "questions": {
      const about = text === "" ? {} : { about: text };
      const open = request.questions.filter((question) => answers[question.id] === undefined);
      return open.map((question) => ({ session, ask: id, kind, ...questionFields(question), ...about }));
    }
  }
}

function questionFields({ id, prompt, choices, free, grounded, underspecified }: Question) {
  return {
    query: id,
    prompt,
    ...(choices === undefined ? {} : { choices }),
    ...(free ? { free } : {}),
    ...(grounded ? { grounded } : {}),
    ...(underspecified ? { underspecified } : {}),
  };
}

function endOf({ stats, error }: SessionRow, { entries }: TranscriptPage): Outcome {
  const last = entries.at(-1);
  if (last?.role !== "notice") {
    const said = entries.filter(({ role, turn }) => role === "assistant" && turn === last?.turn);
    return { status: "completed", result: said.map(({ text }) => text).join("\n\n"), stats };
  }
  // An earlier attempt may have failed before somebody stopped the last one.
  const hasFailed = error !== undefined && error.at >= last.at;
  return hasFailed ? { status: "error", code: error.code, message: error.message } : { status: "cancelled", stats };
}
