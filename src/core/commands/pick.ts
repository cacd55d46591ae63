import type { Ask, AskRequest } from "../../model.ts";
import { oneLine } from "../one-line.ts";
import type { CommandContext, CommandResult } from "./registry.ts";
import { code } from "./words.ts";

const MOST = 20;

/** The open ask that a command means: the only one, or the one with this number of those listed. */
export async function pickAsk(
  { store, session }: CommandContext,
  number: string,
  fits: (ask: Ask) => boolean,
): Promise<{ readonly ask: Ask } | (CommandResult & { readonly reply: string })> {
  const page = await store.asks({ channel: session.channel, limit: MOST });
  const open = page.asks.filter(fits);
  const ask = number === "" && open.length === 1 ? open[0] : open[Number(number) - 1];
  if (ask) return { ask };
  if (open.length === 0) return { reply: insteadOf(page.asks) };
  const lines = open.map(({ request }, index) => `${index + 1}. ${request.kind}: ${lineOf(request)}`);
  return { reply: `Which one? Put its number behind the command.\n\n${lines.join("\n")}` };
}

/** None that is open fits. */
function insteadOf(asks: readonly Ask[]): string {
  if (asks.length === 0) return "Nothing waits for a decision in this chat.";
  if (asks.every(({ request }) => request.kind === "questions")) {
    return "Only questions wait in this chat: `/answer` answers them, `/stop` stops the agent that asks.";
  }
  return "No plan waits in this chat, only something to permit: `/approve` or `/reject` it.";
}

/** Of a permission: what exactly it is for, which its text may only describe. */
function lineOf(request: AskRequest): string {
  const target = request.kind === "permission" ? code(request.target ?? "") : "";
  return request.kind === "permission" && target !== "" ? `${oneLine(request.tool)} ${target}` : oneLine(request.text);
}
