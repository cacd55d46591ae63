/** What was said in the session so far, as a request carries it: a summary of the oldest part, and the talk since then. */
import type { ModelMessage } from "ai";
import type { TranscriptEntry } from "../../model.ts";
import { type Compacted, compact, SHARE } from "./compaction.ts";
import type { Summary } from "./memory.ts";
import type { Prompt } from "./prompt.ts";
import type { StepRequest } from "./step.ts";
import { type Exchange, entriesIn, messagesOf, newestOf, readTalk, toModel, weightOf } from "./talk.ts";
import type { Scale } from "./tokens.ts";

/** Turns that `/compact` leaves as they are. */
const KEPT = 2;

export interface HistoryOptions {
  transcript(limit: number): Promise<TranscriptEntry[]>;
  readonly summary: Summary | undefined;
  /** Tokens that a request may carry. */
  readonly context: number;
  readonly scale: Scale;
}

type Request = Pick<StepRequest, "model" | "providerOptions" | "maxOutput" | "signal">;

export class History {
  readonly #options: HistoryOptions;
  #summary: Summary | undefined;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#summary = options.summary;
  }

  get summary(): Summary | undefined {
    return this.#summary;
  }

  /** The talk since the summary, but for the turn under way. */
  async read(turn: string): Promise<Exchange[]> {
    const { transcript, scale, context } = this.#options;
    // A summary can be made of no more than one request may carry: what lies before that was never in reach.
    return await readTalk({ transcript, turn, summary: this.#summary, most: 2 * scale.characters(context) });
  }

  /** Whether the talk is too long for so many tokens, and has an older part that a summary could take the place of. */
  isFull(talk: readonly Exchange[], room: number): boolean {
    return this.#weight + weightOf(talk, this.#options.scale) > room && this.#newest(talk).length < talk.length;
  }

  /** Makes a summary of the oldest part. Gives what is left of the talk; rejects, with all as it was, where that fails. */
  async compact(
    talk: readonly Exchange[],
    request: Request,
  ): Promise<{ compacted: Compacted; kept: readonly Exchange[] }> {
    const kept = this.#newest(talk);
    return { compacted: await this.#replace(talk.slice(0, talk.length - kept.length), request), kept };
  }

  /** The same as people want it: all but the newest turns. Undefined where there is nothing else. */
  async shorten(talk: readonly Exchange[], request: Request): Promise<Compacted | undefined> {
    const kept = this.#newest(talk, KEPT);
    if (kept.length === talk.length) return undefined;
    return await this.#replace(talk.slice(0, talk.length - kept.length), request);
  }

  /** The newest part that fits, and how many messages do not. */
  fit(talk: readonly Exchange[], room: number): { fitting: readonly Exchange[]; left: number } {
    const fitting = newestOf(talk, room - this.#weight, this.#options.scale);
    return { fitting, left: entriesIn(talk) - entriesIn(fitting) };
  }

  messages(talk: readonly Exchange[], named: boolean, { parts }: Prompt): ModelMessage[] {
    const said = messagesOf(talk, named);
    const opening = this.#summary && `(What was said before this, in short: ${this.#summary.text})`;
    const first = said[0];
    if (opening && first?.role === "user") first.text = `${opening}\n\n${first.text}`;
    else if (opening) said.unshift({ role: "user", text: opening });
    // What nobody has answered stands before the prompt: a notice, or a summary alone.
    const open = said.at(-1)?.role === "user" ? said.pop() : undefined;
    const ahead = open === undefined ? [] : [{ type: "text" as const, text: open.text }];
    return [...toModel(said), { role: "user", content: [...ahead, ...parts] }];
  }

  get #weight(): number {
    return this.#options.scale.tokens(this.#summary?.text ?? "");
  }

  #newest(talk: readonly Exchange[], count?: number): Exchange[] {
    const { context, scale } = this.#options;
    return newestOf(talk, context * SHARE, scale, count);
  }

  async #replace(old: readonly Exchange[], request: Request): Promise<Compacted> {
    const { context, scale } = this.#options;
    const compacted = await compact({ old, summary: this.#summary, request, context, scale });
    this.#summary = compacted.summary;
    return compacted;
  }
}
