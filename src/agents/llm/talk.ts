/** What was said in a session so far, as the transcript has it: whole turns, and what of them goes to the model. */
import type { ModelMessage } from "ai";
import type { TranscriptEntry } from "../../model.ts";
import type { Summary } from "./memory.ts";
import type { Scale } from "./tokens.ts";

/** All that one turn left in the transcript. */
export interface Exchange {
  readonly turn: string;
  readonly entries: readonly TranscriptEntry[];
}

export interface TalkOptions {
  transcript(limit: number): Promise<TranscriptEntry[]>;
  /** The turn under way, which is no part of what was before. */
  readonly turn: string;
  /** What it covers is left out. */
  readonly summary: Summary | undefined;
  /** Characters: what lies further back than this is not read. */
  readonly most: number;
}

const FIRST_READ = 100;

/** The exchanges since the summary, oldest first. */
export async function readTalk({ transcript, turn, summary, most }: TalkOptions): Promise<Exchange[]> {
  for (let limit = FIRST_READ; ; limit *= 4) {
    const entries = await transcript(limit);
    const covered = summary ? entries.findLastIndex((entry) => entry.turn === summary.until.turn) : -1;
    const isAll = covered >= 0 || entries.length < limit;
    if (!isAll && lengthOf(entries) < most) continue;
    const since =
      covered >= 0 ? entries.slice(covered + 1) : entries.filter(({ at }) => at > (summary?.until.at ?? -1));
    // The oldest entries read may be the end of a turn whose beginning was not.
    const exchanges = exchangesOf(since.filter((entry) => entry.turn !== turn));
    return isAll ? exchanges : exchanges.slice(1);
  }
}

/** The newest of the exchanges that weigh no more than `tokens`, at most `count`. */
export function newestOf(exchanges: readonly Exchange[], tokens: number, scale: Scale, count = Infinity): Exchange[] {
  let left = tokens;
  const first = exchanges.findLastIndex((exchange, index) => {
    left -= weightOf([exchange], scale);
    return left < 0 || exchanges.length - index > count;
  });
  return exchanges.slice(first + 1);
}

export function weightOf(exchanges: readonly Exchange[], scale: Scale): number {
  return exchanges.reduce((sum, { entries }) => sum + scale.weigh({ characters: lengthOf(entries) }), 0);
}

export function entriesIn(exchanges: readonly Exchange[]): number {
  return exchanges.reduce((sum, { entries }) => sum + entries.length, 0);
}

/** Who speaks is said only where several do. */
export function lineOf({ role, text, sender }: TranscriptEntry, named: boolean): string {
  if (role === "notice") return `(The gateway noted: ${text})`;
  return named && role === "user" && sender ? `${sender.name}: ${text}` : text;
}

/** Some servers take nothing but user and assistant by turns: what follows one another in a role becomes one message. */
export function messagesOf(
  exchanges: readonly Exchange[],
  named: boolean,
): { role: "user" | "assistant"; text: string }[] {
  const messages: { role: "user" | "assistant"; text: string }[] = [];
  for (const entry of exchanges.flatMap(({ entries }) => entries)) {
    const text = lineOf(entry, named);
    if (text.trim() === "") continue;
    const role = entry.role === "assistant" ? "assistant" : "user";
    const last = messages.at(-1);
    if (last?.role === role) last.text += `\n\n${text}`;
    else messages.push({ role, text });
  }
  return messages;
}

export function toModel(messages: readonly { role: "user" | "assistant"; text: string }[]): ModelMessage[] {
  return messages.map(({ role, text }) => ({ role, content: text }));
}

function exchangesOf(entries: readonly TranscriptEntry[]): Exchange[] {
  const exchanges: { turn: string; entries: TranscriptEntry[] }[] = [];
  for (const entry of entries) {
    const last = exchanges.at(-1);
    if (last?.turn === entry.turn) last.entries.push(entry);
    else exchanges.push({ turn: entry.turn, entries: [entry] });
  }
  return exchanges;
}

/** A few more for what stands around each. */
function lengthOf(entries: readonly TranscriptEntry[]): number {
  return entries.reduce((sum, { text }) => sum + text.length + 20, 0);
}
