/**
 * What the twin answers where a test gave it no reply of its own. The last thing that people said decides, wherever in
 * it the words stand, so that an agent may wrap it in words of its own:
 *
 * - `[[say <text>]]` says that text and nothing else
 * - `[[endless]]` never ends
 * - `[[large <n>]]` says at least n characters, in many pieces
 * - `[[think <text>]]` thinks that text, then answers
 * - `[[recall <pattern>]]` the first match of the pattern in what was said before, the system prompt included, or "nothing"
 * - `[[call <tool> <JSON>]]` calls the tool where there is one of that name, and says what it gave. Several call all.
 * - anything else is repeated
 */
import type { Reply, ToolCall } from "./reply.ts";
import { type ModelRequest, newest } from "./request.ts";

const PIECE = 24;

export function answerTo(request: ModelRequest): Reply {
  const { user, results } = newest(request);
  const calls = callsIn(user).filter(({ name }) => request.tools.includes(name));
  if (calls.length > 0 && results.length === 0) return { text: ["I will use a tool."], calls };
  if (results.length > 0) return { text: pieces(`The tool said: ${results.join("\n")}`) };
  const thought = argumentOf(user, "think");
  if (thought !== undefined) return { thought, text: pieces("I have thought about it.") };
  if (user.includes("[[endless]]")) return { text: endless(), every: 5 };
  const large = argumentOf(user, "large");
  if (large !== undefined) return { text: repeated("All work and no play. ", Number(large)) };
  const wanted = argumentOf(user, "recall");
  if (wanted !== undefined) return { text: pieces(recall(request, user, wanted)) };
  return { text: pieces(argumentOf(user, "say") ?? (user || "…")) };
}

function pieces(text: string): string[] {
  const characters = [...text];
  const count = Math.ceil(characters.length / PIECE);
  return Array.from({ length: count }, (_, index) => characters.slice(index * PIECE, (index + 1) * PIECE).join(""));
}

function argumentOf(text: string, word: string): string | undefined {
  return new RegExp(`\\[\\[${word} (.*?)\\]\\]`, "s").exec(text)?.[1];
}

function callsIn(text: string): ToolCall[] {
  return [...text.matchAll(/\[\[call (\S+) (\{.*?\})\]\]/gs)].map(([, name = "", input = "{}"], index) => ({
    id: `call_${index + 1}`,
    name,
    input: JSON.parse(input),
  }));
}

function recall({ system, said }: ModelRequest, user: string, wanted: string): string {
  const before = [system, ...said.filter(({ text }) => text !== user).map(({ text }) => text)].join("\n");
  return new RegExp(wanted).exec(before)?.[0] ?? "nothing";
}

function* endless(): Generator<string> {
  for (let index = 1; ; index++) yield `${index} `;
}

function* repeated(piece: string, atLeast: number): Generator<string> {
  for (let length = 0; length < atLeast; length += piece.length) yield piece;
}
