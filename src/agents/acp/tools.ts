/** The tool calls of a turn: an agent tells of each in parts. */
import type { AgentEvent } from "../../model.ts";
import type { ToolCall } from "./updates.ts";

/** The newest that are remembered; of each, no more than this. */
const MOST = 100;
const LONGEST_TITLE = 200;
const MOST_CONTENT = 20;

const STATUS: Readonly<Record<string, (AgentEvent & { type: "tool" })["status"]>> = {
  completed: "done",
  failed: "failed",
};

export class Tools {
  readonly #calls = new Map<string, ToolCall>();
  /** What was last said of each. */
  readonly #said = new Map<string, string>();

  /** The call as it is now. */
  merge(part: ToolCall): ToolCall {
    const known = this.#calls.get(part.toolCallId);
    const given = Object.entries(part).filter(([, value]) => !isEmpty(value));
    const call: ToolCall = { ...part, ...known, ...Object.fromEntries(given) };
    const { content } = call;
    this.#calls.delete(call.toolCallId);
    this.#calls.set(call.toolCallId, content ? { ...call, content: content.slice(0, MOST_CONTENT) } : call);
    for (const id of this.#calls.keys()) {
      if (this.#calls.size <= MOST) break;
      this.#calls.delete(id);
      this.#said.delete(id);
    }
    return call;
  }

  /** What a file that the call names holds since it was last written, where that is known. */
  writtenTo(call: ToolCall): string | undefined {
    const title = call.title ?? "";
    const diffs = [...this.#calls.values()].flatMap(({ content = [] }) => content ?? []);
    const last = diffs.findLast((part) => "newText" in part && part.path !== "" && title.includes(part.path));
    return last && "newText" in last ? last.newText : undefined;
  }

  /** Undefined where there is nothing new to say of it. */
  eventOf(call: ToolCall): AgentEvent | undefined {
    const title = titleOf(call);
    const status = STATUS[call.status ?? ""] ?? "running";
    const saying = `${status} ${title}`;
    if (this.#said.get(call.toolCallId) === saying) return undefined;
    this.#said.set(call.toolCallId, saying);
    return { type: "tool", id: call.toolCallId, title, status };
  }
}

/** Some agents leave empty, where they ask for a permission, what they have told of the call before. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/** One line. */
export function titleOf({ title, name, kind }: ToolCall): string {
  const text = (title || name || kind || "a tool").replace(/\s+/g, " ").trim();
  return text.length <= LONGEST_TITLE ? text : `${text.slice(0, LONGEST_TITLE)}…`;
}
