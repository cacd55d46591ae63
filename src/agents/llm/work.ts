/**
 * A turn at the model: it answers, or wants tools, is given what they gave, and so on until it answers. After each
 * step, and before each call of a tool, what there is so far is made durable (`state`): an attempt that is cut short
 * goes on there, so that a decision of people finds the call that it was about, and no tool is used twice unawares.
 */
import type { ModelMessage } from "ai";
import type { AgentTurn } from "../../agent.ts";
import type { AgentEvent } from "../../model.ts";
import { carryOut, openCalls } from "./calls.ts";
import type { Progress } from "./memory.ts";
import { type Step, type StepRequest, step } from "./step.ts";
import { declared, type SessionTool } from "./toolbox.ts";

export interface Work {
  readonly turn: AgentTurn;
  readonly request: Omit<StepRequest, "tools" | "toolsClosed" | "opening">;
  readonly tools: ReadonlyMap<string, SessionTool>;
  /** Of an earlier attempt. */
  readonly progress: Progress | undefined;
  /** How often it may call tools. */
  readonly steps: number;
  /** Characters of a tool's result that the model gets. */
  readonly most: number;
  /** Whether a tool's result may hold pictures. */
  readonly takesPictures: boolean;
  save(progress: Progress): AgentEvent;
  used(step: Step, sent: readonly ModelMessage[]): AgentEvent[];
}

export async function* work(job: Work): AsyncGenerator<AgentEvent, void> {
  const { turn, request, tools, progress, steps, most, takesPictures } = job;
  const messages: ModelMessage[] = [...(progress?.messages ?? [])];
  const begun = new Set(progress?.begun);
  const save = () => job.save({ turn: turn.id, messages, begun: [...begun] });
  const before = spoken(messages);
  if (before !== "") yield { type: "text", delta: before };
  let hasSpoken = before !== "";
  for (;;) {
    const calls = openCalls(messages);
    if (calls.length > 0) {
      messages.push(yield* carryOut({ ...{ turn, calls, tools, begun, most, takesPictures, save } }));
      yield save();
    }
    const rounds = messages.filter(({ role }) => role === "assistant").length;
    const toolsClosed = rounds >= steps;
    const sent = [...request.messages, ...messages];
    const opening = hasSpoken ? PARAGRAPH : "";
    const done = yield* step({ ...request, messages: sent, tools: declared(tools.values()), toolsClosed, opening });
    hasSpoken ||= done.hasText;
    yield* job.used(done, sent);
    messages.push(...done.messages);
    const wantsMore = openCalls(messages).length > 0 || done.messages.at(-1)?.role === "tool";
    if (wantsMore && !toolsClosed) {
      yield save();
      continue;
    }
    if (wantsMore) yield { type: "notice", text: `It stopped: it had used tools ${steps} times in this turn.` };
    if (done.isCut)
      yield { type: "notice", text: "The answer was cut: it reached the longest that the model may give." };
    return;
  }
}

/** What earlier attempts said: an attempt begins with an empty answer. */
function spoken(messages: readonly ModelMessage[]): string {
  const texts = messages.flatMap(({ role, content }) => {
    if (role !== "assistant") return [];
    if (typeof content === "string") return [content];
    return content.flatMap((part) => (part.type === "text" ? [part.text] : []));
  });
  return texts.join(PARAGRAPH);
}

/** Between what is said before and after tools were used. */
const PARAGRAPH = "\n\n";
